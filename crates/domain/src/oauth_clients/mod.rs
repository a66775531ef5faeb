//! Connections to those who keep repositories, and the tokens that open them. What is asked through them is the business
//! of `vcs_connections`.

mod change;
mod choose;
mod create;
mod delete;
mod details;
mod list;
mod projects;
mod tokens;
mod update;
mod users;

use db::{
    entity::{oauth_client, oauth_token},
    id::{OauthClientId, OauthTokenId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use vcs::ServiceProvider;

pub use change::{Change, New};
pub(crate) use choose::{choose, go_along};
pub use create::create;
pub use delete::{delete, delete_token};
pub use details::{Details, details};
pub use list::{list, load, load_tokens, tokens, tokens_of};
pub use projects::{add_projects, remove_projects};
pub(crate) use tokens::{
    GREETING, open_refresh, open_secret, open_ssh_key, open_token, set, set_given,
};
pub use tokens::{TokenChange, update_token};
pub use update::update;

use crate::{
    App, Ctx, Error, Found, In, Result, Subject, organizations,
    row::{OauthClient, OauthToken, Organization},
};

/// A connection with its organization.
pub type Held = In<OauthClient, Organization>;
/// A token, with its connection.
#[derive(Clone, Debug)]
pub struct Token {
    pub row: OauthToken,
    pub client: OauthClient,
}
/// That with its organization.
pub type HeldToken = In<Token, Organization>;

pub async fn find(cx: &Ctx, id: &OauthClientId) -> Result<Found<Held>> {
    organizations::find_in::<oauth_client::Entity>(cx, id, |row| &row.organization_name).await
}

/// By what stands in the addresses of browsers.
pub async fn find_by_uuid(cx: &Ctx, uuid: &str) -> Result<Found<Held>> {
    let query = oauth_client::Entity::find().filter(oauth_client::Column::Uuid.eq(uuid));
    let row = query.one(cx.read()).await?.ok_or(Error::NotFound)?;
    let of = organizations::by_name(cx, &row.organization_name).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of }))
}

pub async fn find_token(cx: &Ctx, id: &OauthTokenId) -> Result<Found<HeldToken>> {
    let row = token_by_id(cx, id).await?.ok_or(Error::NotFound)?;
    let client = by_id(cx, &row.oauth_client_id).await?.ok_or(Error::NotFound)?;
    let of = organizations::by_name(cx, &client.organization_name).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row: Token { row, client }, of }))
}

pub(crate) async fn by_id(cx: &Ctx, id: &OauthClientId) -> Result<Option<OauthClient>> {
    Ok(oauth_client::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

pub(crate) async fn token_by_id(cx: &Ctx, id: &OauthTokenId) -> Result<Option<OauthToken>> {
    Ok(oauth_token::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// Whose connection it is.
pub fn provider_of(row: &OauthClient) -> Result<ServiceProvider> {
    row.service_provider.parse().map_err(|error| Error::Internal(anyhow::Error::new(error)))
}

/// What people call the provider.
pub fn display_name(row: &OauthClient) -> Result<&'static str> {
    provider_of(row).map(ServiceProvider::display_name)
}

/// Where browsers come back to; the provider has to be told of it.
pub fn callback_url(app: &App, row: &OauthClient) -> String {
    app.url(format_args!("/auth/{}/callback", row.uuid))
}

/// Where browsers begin.
pub fn connect_path(row: &OauthClient) -> String {
    format!("/auth/{}?organization_id={}", row.uuid, row.organization_name)
}

/// Somebody can connect it by their browser: the provider knows this server.
pub fn has_browser_flow(row: &OauthClient) -> Result<bool> {
    let has_key = row.consumer_key.is_some() && row.secret.is_some();
    Ok(has_key && provider_of(row)?.has_browser_flow())
}

/// Every provider, as on the wire and for people.
pub fn providers() -> impl Iterator<Item = (&'static str, &'static str)> {
    ServiceProvider::ALL.into_iter().map(|one| (one.as_str(), one.display_name()))
}

fn subject(row: &OauthClient) -> Subject<'_> {
    Subject {
        kind: "oauth-clients",
        id: row.id.as_str(),
        organization: Some(&row.organization_name),
        ..Subject::default()
    }
}

fn subject_of_token<'a>(row: &'a OauthToken, client: &'a OauthClient) -> Subject<'a> {
    Subject { kind: "oauth-tokens", id: row.id.as_str(), ..subject(client) }
}
