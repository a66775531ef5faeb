//! The one webhook of the app, which tells of all repositories of all who have installed it.

use bytes::Bytes;
use db::{
    entity::{github_app_installation as installation, repository},
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter},
};
use http::HeaderMap;
use serde::Deserialize;
use vcs::events::{Refusal, verify};

use super::refresh::TASK;
use crate::{
    Ctx, Error, Result, connected_repositories as repositories,
    vcs_connections::{has_webhook_secret, own_app},
};

#[derive(Deserialize)]
struct Told {
    installation: Option<Numbered>,
    repository: Option<Named>,
}

#[derive(Deserialize)]
struct Numbered {
    id: i64,
}

#[derive(Deserialize)]
struct Named {
    id: u64,
    full_name: String,
}

/// Takes a delivery for each repository here that it is about, once, however often it comes.
///
/// # Errors
/// NotFound while this site is no GitHub App, Unauthorized where it is not signed with the app's secret, TooLarge,
/// BadRequest for what is not understood.
pub async fn receive(cx: &Ctx, headers: &HeaderMap, body: Bytes) -> Result<()> {
    let own = own_app(cx).await?.filter(has_webhook_secret).ok_or(Error::NotFound)?;
    let verified = match verify(own.provider, &own.webhook_secret, headers, &body) {
        Ok(verified) => verified,
        Err(Refusal::TooLarge) => return Err(Error::TooLarge(Refusal::TooLarge.to_string())),
        Err(refusal) => {
            tracing::warn!("a webhook of the GitHub App was refused: {refusal}");
            return Err(Error::Unauthorized);
        }
    };
    let told: Told = serde_json::from_slice(&body)
        .map_err(|_| Error::BadRequest("The body must be JSON as GitHub sends it.".into()))?;
    if verified.event.starts_with("installation") {
        let tx = cx.write().await?;
        tx.later(TASK, &verified.id).await?;
        return tx.commit().await;
    }
    let (Some(from), Some(about)) = (told.installation, told.repository) else { return Ok(()) };
    let from = installation::Entity::find()
        .filter(installation::Column::Number.eq(from.id))
        .one(cx.read())
        .await?;
    let Some(from) = from else { return Ok(()) };
    // By its number, which stays when it is renamed, as soon as that is known.
    let is_it = Condition::any().add(repository::Column::ProviderId.eq(about.id.to_string())).add(
        Condition::all()
            .add(repository::Column::ProviderId.is_null())
            .add(repository::Column::Identifier.eq(about.full_name)),
    );
    let rows = repository::Entity::find()
        .filter(repository::Column::Connection.eq(&from.id))
        .filter(is_it)
        .all(cx.read())
        .await?;
    for row in rows {
        repositories::keep_delivery(cx, &row, &verified, &body).await?;
    }
    Ok(())
}
