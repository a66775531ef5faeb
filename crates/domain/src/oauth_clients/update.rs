//! Changing a connection.

use db::entity::oauth_client;
use secrecy::ExposeSecret;
use serde_json::json;

use super::{Change, Held, New, projects, provider_of, subject, tokens};
use crate::{Ctx, Error, Granted, Happened, Result, can, row::OauthClient};

/// Changes what is given, in the place of a token that is there already. Workspaces that use it already go on, whatever it is for from now on.
///
/// # Errors
/// Invalid for another provider or address: that is another connection.
pub async fn update(
    cx: &Ctx,
    held: &Granted<can::ManageVcsSettings, Held>,
    new: New,
    mut change: Change,
) -> Result<OauthClient> {
    said_once(&new, held)?;
    let projects = projects::known(cx, &held.organization_name, change.projects.take()).await?;
    let token = change.token.take();
    let tx = cx.write().await?;
    let mut row = tx.lock::<oauth_client::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    let provider = provider_of(&row)?;
    change.apply(cx, provider, &mut row)?;
    row.updated_at = tx.now();
    let row = tx.update(row).await?;
    if let Some(projects) = projects {
        projects::clear(&tx, &row.id).await?;
        projects::insert(&tx, &row.id, projects).await?;
    }
    if let Some(token) = token {
        tokens::set_by_hand(&tx, &row, provider, &token, None).await?;
    }
    tx.emit(Happened::OauthClientUpdated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(row)
}

fn said_once(new: &New, now: &OauthClient) -> Result<()> {
    for (name, wanted, now) in [
        ("service-provider", &new.service_provider, &now.service_provider),
        ("http-url", &new.http_url, &now.http_url),
        ("api-url", &new.api_url, &now.api_url),
    ] {
        Error::unless_same(name, wanted.as_ref(), now)?;
    }
    if new.private_key.as_ref().is_some_and(|key| !key.expose_secret().is_empty()) {
        let why = "can't be changed here: it is the ssh-key of the connection's token";
        return Err(Error::invalid("private-key", why));
    }
    Ok(())
}
