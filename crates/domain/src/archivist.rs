//! Addresses of blobs: they carry their own secret in the path, need no token and expire (CLI protocol, rule 3).

use std::fmt;

use crate::{App, Error, Result};

/// As on HCP: long enough for a command that waits over night.
const LIFETIME_MS: i64 = 25 * 60 * 60 * 1000;
const PURPOSE: &str = "archivist";

/// What an address leads to, and what may be done there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub content: Content,
    /// The id of what it belongs to.
    pub id: String,
}

macro_rules! contents {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Content { $($(#[$doc])* $name),+ }

        impl Content {
            fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            fn parse(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

contents! {
    /// `PUT` of a configuration version's archive.
    ConfigurationUpload = "cu",
    /// `GET` of it.
    Configuration = "cd",
    /// `PUT` of a pending state version's raw state.
    StateUpload = "su",
    State = "sd",
    JsonStateUpload = "ju",
    JsonState = "jd",
    /// `GET` of the log of a plan or apply, by `offset` and `limit`.
    Log = "lg",
    /// Of a plan, for its apply.
    PlanFile = "pf",
    LockFile = "lf",
    PlanJson = "pj",
    PlanJsonRedacted = "pr",
    ErroredState = "es",
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.content.as_str(), self.id)
    }
}

/// The absolute address of a blob, good for 25 hours.
pub fn address(app: &App, content: Content, id: impl fmt::Display) -> String {
    let object = Object { content, id: id.to_string() };
    let expires = app.now().0 + LIFETIME_MS;
    let secret = app.signer().sign(PURPOSE, &object.to_string(), expires);
    app.url(format_args!("/_archivist/v1/object/{secret}"))
}

/// What an address leads to.
///
/// # Errors
/// NotFound for one that is forged or has expired.
pub fn resolve(app: &App, secret: &str) -> Result<Object> {
    let payload = app.signer().verify(PURPOSE, secret, app.now().0).map_err(|_| Error::NotFound)?;
    let (content, id) = payload.split_once(':').ok_or(Error::NotFound)?;
    let content = Content::parse(content).ok_or(Error::NotFound)?;
    Ok(Object { content, id: id.to_owned() })
}
