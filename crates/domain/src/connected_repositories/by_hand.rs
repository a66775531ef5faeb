//! Hooks that somebody makes by hand: where the provider lets this server make none, and of plain git, which has nobody to be
//! asked.

use db::{
    entity::{oauth_token, repository},
    id::OauthClientId,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    },
};
use secrecy::SecretString;
use vcs::ServiceProvider;

use super::{webhook_secret, webhook_url};
use crate::{Ctx, Granted, Result, can, oauth_clients::Held};

/// What has to be told to who keeps the repository.
#[derive(Clone, Debug)]
pub struct ByHand {
    pub identifier: String,
    pub url: String,
    pub secret: SecretString,
    /// Why it has to be; `None` where nobody could be asked.
    pub why: Option<String>,
}

/// Those of a connection, by the name of the repository.
pub async fn by_hand(
    cx: &Ctx,
    client: &Granted<can::ManageVcsSettings, Held>,
) -> Result<Vec<ByHand>> {
    use repository::Column as C;
    let refused = Condition::any()
        .add(C::HookError.is_not_null())
        .add(C::Provider.eq(ServiceProvider::Git.as_str()));
    let rows = repository::Entity::find()
        .filter(C::OrganizationName.eq(&client.of.name))
        .filter(C::Connection.in_subquery(tokens_of(&client.id)))
        .filter(refused)
        .order_by_asc(C::Identifier)
        .all(cx.read())
        .await?;
    let told = |row: repository::Model| {
        Ok(ByHand {
            url: webhook_url(cx, &row),
            secret: webhook_secret(cx, &row)?,
            identifier: row.identifier,
            why: row.hook_error,
        })
    };
    rows.into_iter().map(told).collect()
}

fn tokens_of(client: &OauthClientId) -> db::sea_orm::sea_query::SelectStatement {
    oauth_token::Entity::find()
        .select_only()
        .column(oauth_token::Column::Id)
        .filter(oauth_token::Column::OauthClientId.eq(client))
        .into_query()
}
