//! What providers send: whoever knows the secret of a hook may tell what happened there. It is written down at once, one
//! row for each delivery, and worked off later.

use bytes::Bytes;
use db::{
    entity::repository,
    id::{RepositoryId, WebhookDeliveryId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use vcs::events::{Refusal, Verified, verify};

use super::{Level, note, provider, webhook_secret};
use crate::{
    Ctx, Error, Result,
    row::{Repository, WebhookDelivery},
};

/// A task: something was delivered for a repository.
pub(crate) const DELIVERY: &str = "webhook delivery";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivered {
    pub repository: RepositoryId,
}

/// Takes a delivery to a hook, once, however often it comes.
///
/// # Errors
/// NotFound without such a hook, Unauthorized where it is not signed with the hook's secret, TooLarge, BadRequest for
/// what is no text.
pub async fn receive(cx: &Ctx, hook: &str, headers: &HeaderMap, body: Bytes) -> Result<()> {
    let row = repository::Entity::find()
        .filter(repository::Column::WebhookId.eq(hook))
        .one(cx.read())
        .await?
        .ok_or(Error::NotFound)?;
    let verified = match verify(provider(&row)?, &webhook_secret(cx, &row)?, headers, &body) {
        Ok(verified) => verified,
        Err(Refusal::TooLarge) => return Err(Error::TooLarge(Refusal::TooLarge.to_string())),
        Err(refusal) => {
            let said = format!("A webhook was refused: {refusal}.");
            note(cx, &row, Level::Error, &said).await?;
            return Err(Error::Unauthorized);
        }
    };
    keep_delivery(cx, &row, &verified, &body).await
}

/// Writes it down, once.
///
/// # Errors
/// BadRequest for what is no text.
pub(crate) async fn keep_delivery(
    cx: &Ctx,
    row: &Repository,
    verified: &Verified,
    body: &[u8],
) -> Result<()> {
    let text = String::from_utf8(body.to_vec()).ok().filter(|text| !text.contains('\0'));
    let text = text.ok_or_else(|| Error::BadRequest("The body must be JSON.".into()))?;
    let tx = cx.write().await?;
    let new = WebhookDelivery {
        id: WebhookDeliveryId::fresh(),
        repository_id: row.id.clone(),
        delivery: verified.id.clone(),
        digest: verified.digest.clone(),
        event: verified.event.clone(),
        body: text,
        received_at: tx.now(),
        done_at: None,
        attempts: 0,
        error: None,
    };
    match tx.insert(new).await {
        Ok(_) => {}
        // It came before, under this name or another one.
        Err(db::Error::Taken(_)) => {
            tx.roll_back().await;
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    }
    tx.later(DELIVERY, Delivered { repository: row.id.clone() }).await?;
    tx.commit().await
}
