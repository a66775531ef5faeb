//! Error documents: what went wrong, and which part of the request it is about.

use crate::MEDIA_TYPE;
use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::{Serialize, Serializer};
use std::fmt;

/// When a client may ask again that was told that something is not available now.
pub const RETRY_AFTER_SECONDS: &str = "5";

/// One error object. Its status is written as a string, as the specification wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    #[serde(serialize_with = "as_text")]
    status: StatusCode,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
}

/// The part of the request that an error is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Pointer(String),
    Parameter(String),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn as_text<S: Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(status.as_str())
}

impl Error {
    pub fn new(status: StatusCode, title: impl Into<String>) -> Self {
        Self { status, title: title.into(), detail: None, source: None }
    }

    /// 400: the request could not be understood.
    pub fn bad_request(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, title).detail(detail)
    }

    /// 401: the token is missing, wrong or expired.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized")
    }

    /// 403: rare; what the caller may not see is [`Error::not_found`].
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden").detail(detail)
    }

    /// 404: not there, or not for this caller to know about.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not found")
    }

    /// 409: the request does not fit the present state.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict").detail(detail)
    }

    /// 422: an attribute has a value that cannot be taken. `attribute` is its name on the wire.
    pub fn invalid(attribute: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid attribute")
            .detail(detail)
            .pointer(format!("/data/attributes/{attribute}"))
    }

    /// 422: the document at `pointer` is not what the endpoint takes.
    pub fn unprocessable(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid document")
            .detail(detail)
            .pointer(pointer)
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names the member of the request document, as a JSON pointer.
    pub fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.source = Some(Source::Pointer(pointer.into()));
        self
    }

    /// Names the query parameter, such as `page[number]`.
    pub fn parameter(mut self, name: impl Into<String>) -> Self {
        self.source = Some(Source::Parameter(name.into()));
        self
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.title)?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

impl std::error::Error for Error {}

/// An error document: at least one error, answered with the status of the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors {
    first: Error,
    further: Vec<Error>,
}

impl Errors {
    pub fn one(error: Error) -> Self {
        Self { first: error, further: Vec::new() }
    }

    /// Adds an error; the status stays that of the first.
    pub fn and(mut self, error: Error) -> Self {
        self.further.push(error);
        self
    }

    pub fn status(&self) -> StatusCode {
        self.first.status
    }

    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        std::iter::once(&self.first).chain(&self.further)
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self::one(error)
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.further.iter().try_for_each(|error| write!(f, "; {error}"))
    }
}

impl std::error::Error for Errors {}

impl IntoResponse for Errors {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Wire<'a> {
            errors: Vec<&'a Error>,
        }
        let wire = Wire { errors: self.iter().collect() };
        let body = serde_json::to_vec(&wire).expect("errors are strings");
        let mut response = (self.status(), [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        response
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Errors::one(self).into_response()
    }
}
