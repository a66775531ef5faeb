//! Forms: sent from our own pages by whom they were shown to, or refused.

use std::collections::BTreeMap;

use axum::{
    body::{Bytes, to_bytes},
    extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Multipart, Request},
    response::{IntoResponse, Response},
};
use domain::{App, Error, accounts};
use http::HeaderMap;
use serde::{
    Deserialize,
    de::{DeserializeOwned, value::MapDeserializer},
};
use url::form_urlencoded;

use crate::{
    failure::{Failure, Result},
    visitor,
    visitor::SignedIn,
};

/// The hidden field that says for whom the form was made.
pub const TOKEN_FIELD: &str = "form_token";

/// Bytes of whoever is not known, and of somebody signed in, whose variables are long and grow when they are sent.
const LIMIT: usize = 64 << 10;
const LIMIT_SIGNED_IN: usize = 1 << 20;

/// A form of somebody signed in. `T` has strings for fields; missing ones need a default.
#[derive(Debug)]
pub struct Form<T>(pub T);

/// A form that is nothing but a button.
pub type Press = Form<Nothing>;

#[derive(Debug, Deserialize)]
pub struct Nothing {}

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = SignedIn::from_request_parts(&mut parts, app).await?;
        let headers = parts.headers.clone();
        let session = visitor.session();
        let read = async {
            let fields = fields(Request::from_parts(parts, body), LIMIT_SIGNED_IN).await?;
            check(accounts::form_token_matches(session, token(&fields)), &headers)?;
            read(fields)
        };
        read.await.map(Self).map_err(Failure::into_response)
    }
}

/// What was typed in a field that may be left empty, without the spaces around it.
pub fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A box that is ticked or not: browsers send it only where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticked(pub bool);

impl<'de> Deserialize<'de> for Ticked {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Ok(Self(!matches!(text.as_str(), "" | "false")))
    }
}

/// Whatever fields were sent, by name.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Pairs(BTreeMap<String, String>);

impl Pairs {
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What was sent under this name; nothing is like an empty text.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// A form of somebody signed in that has a file in it, sent as `multipart/form-data`.
#[derive(Debug)]
pub struct FileForm {
    pub fields: Pairs,
    pub file: Option<Bytes>,
}

/// As large as a state may be that comes in a document of the API.
const FILE_LIMIT: usize = 64 << 20;

impl FromRequest<App> for FileForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = SignedIn::from_request_parts(&mut parts, app).await?;
        let headers = parts.headers.clone();
        let session = visitor.session();
        let mut request = Request::from_parts(parts, body);
        // Counted below, by what is in it.
        DefaultBodyLimit::disable().apply(&mut request);
        let read = async {
            let (fields, file) = parted(request).await?;
            check(accounts::form_token_matches(session, token(&fields)), &headers)?;
            Ok(Self { fields: read(fields)?, file })
        };
        read.await.map_err(Failure::into_response)
    }
}

async fn parted(request: Request) -> Result<(Fields, Option<Bytes>)> {
    let unread = |error: &dyn std::fmt::Display| {
        Error::BadRequest(format!("The form cannot be read: {error}."))
    };
    let mut parts = Multipart::from_request(request, &()).await.map_err(|error| unread(&error))?;
    let (mut fields, mut file, mut left) = (Fields::new(), None, FILE_LIMIT);
    while let Some(mut part) = parts.next_field().await.map_err(|error| unread(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        let is_file = part.file_name().is_some();
        let mut bytes = Vec::new();
        while let Some(chunk) = part.chunk().await.map_err(|error| unread(&error))? {
            left = left.checked_sub(chunk.len()).ok_or_else(|| {
                Error::TooLarge(format!("A file has at most {} MiB.", FILE_LIMIT >> 20))
            })?;
            bytes.extend_from_slice(&chunk);
        }
        if is_file {
            file = Some(bytes.into());
        } else {
            fields.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    Ok((fields, file))
}

/// A form of somebody who is not signed in.
#[derive(Debug)]
pub struct OpenForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for OpenForm<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let headers = request.headers().clone();
        let fields = fields(request, LIMIT).await?;
        check(visitor::form_cookie_matches(&headers, app, token(&fields)), &headers)?;
        Ok(Self(read(fields)?))
    }
}

/// A form that a program sends, with no cookie to be abused.
#[derive(Debug)]
pub struct PlainForm<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for PlainForm<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &App) -> Result<Self> {
        Ok(Self(read(fields(request, LIMIT).await?)?))
    }
}

type Fields = Vec<(String, String)>;

async fn fields(request: Request, limit: usize) -> Result<Fields> {
    let too_large = |_| Error::TooLarge(format!("A form has at most {} KiB.", limit >> 10));
    let bytes = to_bytes(request.into_body(), limit).await.map_err(too_large)?;
    Ok(form_urlencoded::parse(&bytes).into_owned().collect())
}

fn token(fields: &Fields) -> &str {
    fields.iter().find(|(name, _)| name == TOKEN_FIELD).map_or("", |(_, value)| value)
}

fn check(ours: bool, headers: &HeaderMap) -> Result<()> {
    let elsewhere = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if ours && !elsewhere {
        return Ok(());
    }
    let why = "This form was not made for this browser, or is too old. Go back, reload the page \
               and try again.";
    Err(Error::Forbidden(why.into()).into())
}

fn read<T: DeserializeOwned>(fields: Fields) -> Result<T> {
    for (name, text) in &fields {
        if let Some(why) = text::anything(text) {
            return Err(Error::invalid(name, why).into());
        }
    }
    let fields = MapDeserializer::<_, serde::de::value::Error>::new(fields.into_iter());
    T::deserialize(fields)
        .map_err(|error| Error::BadRequest(format!("The form is incomplete: {error}.")).into())
}

/// A path on this server, to go on to after signing in. Whatever else was asked for becomes `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath(String);

impl LocalPath {
    pub fn parse(text: &str) -> Option<Self> {
        // Browsers read `//host`, `/\host` and, after dropping tabs and line breaks, `/<tab>/host`
        // as other hosts.
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let local = text.starts_with('/') && !text.starts_with("//");
        (plain && local && text.len() <= 4096).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LocalPath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl<'de> Deserialize<'de> for LocalPath {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(from)?).unwrap_or_default())
    }
}
