//! `/webhooks/vcs/:id`: what providers tell of their repositories. Whoever signs with the secret of the hook is the
//! provider; nobody shows a token here.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Path,
};
use domain::{Error, connected_repositories};
use http::{HeaderMap, StatusCode};

use crate::{Anyone, Result, Routes};

pub fn routes() -> Routes {
    Routes::default().post("/webhooks/vcs/{webhook_id}", receive)
}

/// The answer says only that it was written down: providers wait a few seconds.
async fn receive(
    anyone: Anyone,
    Path(hook): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode> {
    let body = whole(body).await?;
    connected_repositories::receive(&anyone.cx, &hook, &headers, body).await?;
    Ok(StatusCode::ACCEPTED)
}

/// A delivery to its last byte, as that is what was signed.
pub async fn whole(body: Body) -> domain::Result<Bytes> {
    let limit = connected_repositories::BODY_LIMIT;
    to_bytes(body, limit).await.map_err(|error| {
        if is_too_long(&error) {
            Error::TooLarge(format!("A delivery may have at most {limit} bytes."))
        } else {
            Error::BadRequest("The delivery broke off.".into())
        }
    })
}

fn is_too_long(error: &axum::Error) -> bool {
    use std::error::Error as _;
    error.source().is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>)
}
