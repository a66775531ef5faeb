//! Bodies of actions, which come in many shapes and seldom matter: `{}`, `{"comment": "…"}`.

use crate::{Error, Errors, Limits, body, lenient::from_json};
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The members of an action's body, from its top level or from `data.attributes`.
///
/// An empty body and `null` are like an empty object, and members that `T` does not have are nobody's: old clients send
/// `{"data":{"type":""}}`. What is no object at all is refused with 400, and a member that `T` cannot read where it
/// stands: to leave it out in silence would lose what somebody wrote.
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
            Value::Object(top) => Ok(Self(read(top)?)),
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

fn read<T: DeserializeOwned>(top: Map<String, Value>) -> Result<T, Errors> {
    let (members, place) = members(top);
    from_json(Value::Object(members))
        .map_err(|fault| body::refusal("invalid attribute", place.into(), "body", &fault))
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
        super::read(top)
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
    fn what_is_of_another_kind_is_refused_where_it_stands_and_not_left_out() {
        for wrong in [json!(5), json!(true), json!(["why"]), json!({ "text": "why" })] {
            let refused = read(json!({ "reason": wrong })).expect_err("it is no text");
            assert!(format!("{refused:?}").contains("\"/reason\""), "{refused:?}");
        }
        for nothing in [json!({ "reason": null }), json!({ "data": { "type": "" }, "other": 5 })] {
            assert_eq!(read(nothing).unwrap(), Action::default());
        }
        assert_eq!(read(json!({ "reason": "why" })).unwrap().reason.as_deref(), Some("why"));
    }
}
