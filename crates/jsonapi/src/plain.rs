//! Bodies of actions, which come in many shapes and seldom matter: `{}`, `{"comment": "…"}`.

use crate::{Error, Errors, Limits, body, lenient::from_json};
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The members of an action's body, from its top level or from `data.attributes`.
///
/// An empty body is like an empty object, and a member that `T` cannot read is like an absent one:
/// old clients send `{"data":{"type":""}}`. Only what is no object at all is refused, with 400.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plain<T>(pub T);

impl<S: Send + Sync, T: Default + DeserializeOwned> FromRequest<S> for Plain<T> {
    type Rejection = Errors;

    async fn from_request(request: Request, _: &S) -> Result<Self, Errors> {
        let bytes = body::read(request, Limits::USUAL).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self(T::default()));
        }
        match body::parse(&bytes, Limits::USUAL)? {
            Value::Object(top) => Ok(Self(readable(members(top)))),
            _ => Err(Error::bad_request("invalid body", "the body must be a JSON object").into()),
        }
    }
}

fn members(mut top: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Object(attributes)) =
        top.get_mut("data").and_then(|data| data.get_mut("attributes")).map(Value::take)
    {
        top.extend(attributes);
    }
    top
}

/// Reads what can be read, leaving out one unreadable member after the other.
fn readable<T: Default + DeserializeOwned>(mut members: Map<String, Value>) -> T {
    loop {
        match from_json(Value::Object(members.clone())) {
            Ok(read) => return read,
            Err(fault) => {
                let Some(field) = fault.path().next() else { return T::default() };
                let before = members.len();
                members.retain(|key, _| !crate::spelling::same(key, field));
                if members.len() == before {
                    return T::default();
                }
            }
        }
    }
}
