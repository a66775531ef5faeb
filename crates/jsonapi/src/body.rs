//! Request documents: attributes and relationships as structs, refusals with a pointer.

use crate::{
    Error, Errors,
    lenient::{Fault, from_json},
    limits::Limits,
    spelling::kebab,
    unsupported::{self, Unsupported},
};
use axum::{
    body::{HttpBody, to_bytes},
    extract::{FromRequest, OptionalFromRequest, Request},
};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::LengthLimitError;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::error::Error as _;

/// The `type` that a request document with these attributes should carry; empty where there are several.
pub trait Typed {
    const TYPE: &'static str;
    /// What a document may have.
    const LIMITS: Limits = Limits::USUAL;
    /// What is documented of such a document and refused here.
    const UNSUPPORTED: &'static [Unsupported] = &[];
}

/// For documents whose relationships do not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NoRelationships {}

/// A request document with attributes `A` and relationships `R`.
///
/// The members of every struct are accepted in any spelling, unknown ones are ignored unless they are documented and
/// [not supported](Typed::UNSUPPORTED). The content type is not looked
/// at, and neither is the `type`, save by routes that take several: what is meant is said by the address, and clients
/// that were written against HCP Terraform send `organizations` for a team.
#[derive(Clone, Debug)]
pub struct Body<A, R = NoRelationships> {
    pub id: Option<String>,
    pub attributes: A,
    pub relationships: R,
    kind: Option<String>,
}

impl<A, R> Body<A, R> {
    /// The `type` that the client sent, if any.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }
}

impl<S, A, R> FromRequest<S> for Body<A, R>
where
    S: Send + Sync,
    A: Typed + DeserializeOwned,
    R: DeserializeOwned,
{
    type Rejection = Errors;

    async fn from_request(request: Request, _: &S) -> Result<Self, Errors> {
        Self::of(parse(&read(request, A::LIMITS).await?, A::LIMITS)?)
    }
}

impl<A: Typed + DeserializeOwned, R: DeserializeOwned> Body<A, R> {
    pub(crate) fn of(document: Value) -> Result<Self, Errors> {
        let Value::Object(mut data) = data(document)? else {
            let kind = if A::TYPE.is_empty() { "one of its types" } else { A::TYPE };
            let detail = format!("data must be an object: {kind}");
            return Err(Error::unprocessable("/data", detail).into());
        };
        unsupported::check(&data, A::UNSUPPORTED)?;
        Ok(Self {
            kind: text(&mut data, "type")?.filter(|kind| !kind.is_empty()),
            id: text(&mut data, "id")?,
            attributes: member(&mut data, "attributes", "invalid attribute")?,
            relationships: member(&mut data, "relationships", "invalid relationship")?,
        })
    }
}

/// `Option<Body<…>>` is for operations whose document may be left out, or be as empty as `{}` or `null`.
impl<S, A, R> OptionalFromRequest<S> for Body<A, R>
where
    S: Send + Sync,
    A: Typed + DeserializeOwned,
    R: DeserializeOwned,
{
    type Rejection = Errors;

    async fn from_request(request: Request, _: &S) -> Result<Option<Self>, Errors> {
        let bytes = read(request, A::LIMITS).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(None);
        }
        match parse(&bytes, A::LIMITS)? {
            Value::Null => Ok(None),
            Value::Object(members) if members.values().all(Value::is_null) => Ok(None),
            document => Self::of(document).map(Some),
        }
    }
}

/// The whole body, or 413.
pub(crate) async fn read(request: Request, limits: Limits) -> Result<Bytes, Errors> {
    let limit = limits.bytes;
    let body = request.into_body();
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    to_bytes(body, limit).await.map_err(|error| {
        if error.source().is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) {
            too_large(limit)
        } else {
            incomplete()
        }
    })
}

pub(crate) fn too_large(limit: usize) -> Errors {
    let detail = format!("the body may have at most {limit} bytes");
    Error::new(StatusCode::PAYLOAD_TOO_LARGE, "payload too large").detail(detail).into()
}

pub(crate) fn incomplete() -> Errors {
    Error::bad_request("incomplete body", "the body ended before it was complete").into()
}

/// The body as JSON, or 400 with the place where it stops being JSON.
pub(crate) fn parse(bytes: &[u8], limits: Limits) -> Result<Value, Errors> {
    limits.check(bytes)?;
    // Nothing at all lacks the same as an empty document.
    let bytes = if bytes.trim_ascii().is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes)
        .map_err(|error| Error::bad_request("invalid JSON", error.to_string()).into())
}

/// The member `data` of a document.
pub(crate) fn data(document: Value) -> Result<Value, Errors> {
    match document {
        Value::Object(mut document) => document.remove("data"),
        _ => None,
    }
    .ok_or_else(|| Error::unprocessable("/data", "data is required").into())
}

fn text(data: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Errors> {
    from_json(data.remove(name).unwrap_or_default())
        .map_err(|fault| refusal("invalid document", format!("/data/{name}"), name, &fault))
}

/// Reads `attributes` or `relationships`; a missing one is like an empty one.
fn member<T: DeserializeOwned>(
    data: &mut Map<String, Value>,
    name: &str,
    title: &str,
) -> Result<T, Errors> {
    let value = match data.remove(name).unwrap_or_default() {
        Value::Null => Value::Object(Map::new()),
        value => value,
    };
    // `()` takes anything, but the member must be an object all the same.
    if !value.is_object() {
        let detail = format!("{name} must be an object");
        return Err(Error::unprocessable(format!("/data/{name}"), detail).into());
    }
    from_json(value).map_err(|fault| refusal(title, format!("/data/{name}"), name, &fault))
}

/// 422 that points at what a [`Fault`] is about, which lies below `pointer`.
pub(crate) fn refusal(title: &str, mut pointer: String, name: &str, fault: &Fault) -> Errors {
    // The outermost name is that of a field; deeper ones may be keys of the client's own.
    let names: Vec<_> = fault
        .path()
        .enumerate()
        .map(|(depth, name)| if depth == 0 { kebab(name) } else { name.to_owned() })
        .collect();
    for name in &names {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
    }
    let subject = if names.is_empty() { name.to_owned() } else { names.join(".") };
    Error::new(StatusCode::UNPROCESSABLE_ENTITY, title)
        .detail(format!("{subject} {}", fault.message()))
        .pointer(pointer)
        .into()
}
