//! Bodies of actions, which come in many shapes and seldom matter: `{}`, `{"comment": "…"}`.

use crate::{Error, Errors, Limits, body, lenient::from_json};
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The members of an action's body, from its top level or from `data.attributes`.
///
/// An empty body and `null` are like an empty object, and a member that `T` cannot read is like an absent one:
/// old clients send `{"data":{"type":""}}`. Refused are what is no object at all, with 400, and a text that hides or
/// disguises something: to leave that out in silence would lose what somebody wrote.
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
            Value::Null => Ok(Self(T::default())),
            Value::Object(top) => {
                let (members, place) = members(top);
                Ok(Self(readable(members, place)?))
            }
            _ => Err(Error::bad_request("invalid body", "the body must be a JSON object").into()),
        }
    }
}

/// The members, and where they stand.
fn members(mut top: Map<String, Value>) -> (Map<String, Value>, &'static str) {
    match top.get_mut("data").and_then(|data| data.get_mut("attributes")).map(Value::take) {
        Some(Value::Object(attributes)) => {
            top.extend(attributes);
            (top, "/data/attributes")
        }
        _ => (top, ""),
    }
}

/// Reads what can be read, leaving out one unreadable member after the other.
fn readable<T: Default + DeserializeOwned>(
    mut members: Map<String, Value>,
    place: &str,
) -> Result<T, Errors> {
    loop {
        match from_json(Value::Object(members.clone())) {
            Ok(read) => return Ok(read),
            Err(fault) if fault.is_about_text() => {
                return Err(body::refusal("invalid attribute", place.into(), "body", &fault));
            }
            Err(fault) => {
                let Some(field) = fault.path().next() else { return Ok(T::default()) };
                let before = members.len();
                members.retain(|key, _| !crate::spelling::same(key, field));
                if members.len() == before {
                    return Ok(T::default());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Action {
        reason: Option<String>,
    }

    fn read(body: Value) -> Result<Action, Errors> {
        let Value::Object(top) = body else { panic!("an object") };
        let (members, place) = members(top);
        readable(members, place)
    }

    #[test]
    fn a_text_that_hides_something_is_refused_where_it_stands_and_not_left_out() {
        for text in ["a\0b", "a\u{1b}b", "a\nb", "a\u{202e}b"] {
            for (body, place) in [
                (json!({ "reason": text }), "/reason"),
                (
                    json!({ "data": { "attributes": { "reason": text } } }),
                    "/data/attributes/reason",
                ),
            ] {
                let refused = read(body).expect_err("it hides something");
                assert!(format!("{refused:?}").contains(&format!("{place:?}")), "{refused:?}");
            }
        }
    }

    #[test]
    fn what_is_of_another_kind_is_left_out() {
        assert_eq!(
            read(json!({ "reason": 1, "data": { "type": "" } })).unwrap(),
            Action::default()
        );
        assert_eq!(read(json!({ "reason": "why" })).unwrap().reason.as_deref(), Some("why"));
    }
}
