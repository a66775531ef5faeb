//! Bodies of programs of our own: plain JSON within the limits of every document.

use crate::{Error, Errors, Limits, body};
use axum::extract::{FromRequest, Request};
use http::StatusCode;
use serde::de::DeserializeOwned;

/// What such a program says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Message<T> {
    type Rejection = Errors;

    async fn from_request(request: Request, _: &S) -> Result<Self, Errors> {
        let bytes = body::read(request, Limits::USUAL).await?;
        let message = body::parse(&bytes, Limits::USUAL)?;
        serde_json::from_value(message).map(Self).map_err(|error| {
            let invalid = Error::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid message");
            invalid.detail(error.to_string()).pointer("").into()
        })
    }
}
