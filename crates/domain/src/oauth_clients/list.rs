//! Lists of connections and tokens, and those that others include.

use db::{
    entity::{oauth_client, oauth_token},
    id::{OauthClientId, OauthTokenId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait},
};

use super::{Held, Token};
use crate::{
    Ctx, Granted, Page, Paging, Result, can, organizations,
    row::{OauthClient, OauthToken},
};

/// Those of an organization, the oldest first.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadOauthClients>,
    paging: Paging,
) -> Result<Page<OauthClient>> {
    let query = oauth_client::Entity::find()
        .filter(oauth_client::Column::OrganizationName.eq(&organization.name))
        .order_by_asc(oauth_client::Column::CreatedAt)
        .order_by_asc(oauth_client::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// The tokens of an organization, the oldest first; of one provider, if it is named.
pub async fn tokens(
    cx: &Ctx,
    organization: &Granted<can::ReadOauthClients>,
    provider: Option<&str>,
    paging: Paging,
) -> Result<Page<Token>> {
    let mut clients = oauth_client::Entity::find()
        .select_only()
        .column(oauth_client::Column::Id)
        .filter(oauth_client::Column::OrganizationName.eq(&organization.name));
    if let Some(provider) = provider {
        clients = clients.filter(oauth_client::Column::ServiceProvider.eq(provider));
    }
    let query = oauth_token::Entity::find()
        .filter(oauth_token::Column::OauthClientId.in_subquery(clients.into_query()))
        .order_by_asc(oauth_token::Column::CreatedAt)
        .order_by_asc(oauth_token::Column::Id);
    let page = page(cx.read(), query, paging).await?;
    Ok(Page { items: with_clients(cx, page.items).await?, total: page.total })
}

/// The tokens of a connection.
pub async fn tokens_of(
    cx: &Ctx,
    held: &Granted<can::ReadOauthClients, Held>,
    paging: Paging,
) -> Result<Page<Token>> {
    let query = oauth_token::Entity::find()
        .filter(oauth_token::Column::OauthClientId.eq(&held.id))
        .order_by_asc(oauth_token::Column::CreatedAt)
        .order_by_asc(oauth_token::Column::Id);
    let page = page(cx.read(), query, paging).await?;
    Ok(Page { items: with_clients(cx, page.items).await?, total: page.total })
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[OauthClientId]) -> Result<Vec<OauthClient>> {
    let mut rows = oauth_client::Entity::find()
        .filter(oauth_client::Column::Id.is_in(ids))
        .all(cx.read())
        .await?;
    let names: Vec<String> = rows.iter().map(|row| row.organization_name.clone()).collect();
    let mut readable = organizations::load(cx, &names).await?;
    readable.retain(|organization| cx.may::<can::ReadOauthClients>(organization));
    rows.retain(|row| readable.iter().any(|one| one.name == row.organization_name));
    Ok(rows)
}

/// The same for tokens.
pub async fn load_tokens(cx: &Ctx, ids: &[OauthTokenId]) -> Result<Vec<Token>> {
    let rows = oauth_token::Entity::find()
        .filter(oauth_token::Column::Id.is_in(ids))
        .all(cx.read())
        .await?;
    with_clients(cx, rows).await
}

async fn with_clients(cx: &Ctx, rows: Vec<OauthToken>) -> Result<Vec<Token>> {
    let ids: Vec<_> = rows.iter().map(|row| row.oauth_client_id.clone()).collect();
    let clients = load(cx, &ids).await?;
    let with = |row: OauthToken| {
        let client = clients.iter().find(|client| client.id == row.oauth_client_id)?.clone();
        Some(Token { row, client })
    };
    Ok(rows.into_iter().filter_map(with).collect())
}
