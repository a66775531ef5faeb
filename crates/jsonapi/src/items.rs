//! Bodies whose `data` is a list of plain objects, neither resources nor their identifiers.

use crate::{Errors, Limits, body, lenient::from_json};
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

/// The objects of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Items<T>(pub Vec<T>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Items<T> {
    type Rejection = Errors;

    async fn from_request(request: Request, _: &S) -> Result<Self, Errors> {
        let data =
            body::data(body::parse(&body::read(request, Limits::USUAL).await?, Limits::USUAL)?)?;
        from_json(data)
            .map(Self)
            .map_err(|fault| body::refusal("invalid document", "/data".into(), "data", &fault))
    }
}
