//! The ways in which a request can be refused; every surface translates these once.

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What people are told about a value that is taken (HCP says so in these words).
pub const TAKEN: &str = "has already been taken";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No token, or one that is not valid (any more).
    #[error("unauthorized")]
    Unauthorized,
    /// Does not exist, or may not be seen: the same to the caller.
    #[error("not found")]
    NotFound,
    /// May be seen, but not done; only where the documents of the API say 403.
    #[error("{0}")]
    Forbidden(String),
    /// The resource is not in a state that allows this.
    #[error("{0}")]
    Conflict(String),
    /// Something else has to be so before; only where the documents of the API say 412.
    #[error("{0}")]
    PreconditionFailed(String),
    /// The request itself is not understood.
    #[error("{0}")]
    BadRequest(String),
    /// A value was refused.
    #[error("{}", about(.pointer, .message))]
    Invalid {
        /// JSON pointer into the request, such as `/data/attributes/name`.
        pointer: String,
        /// A sentence for people.
        message: String,
    },
    /// Somebody else has what must be one's own.
    #[error("{}", about(.pointer, TAKEN))]
    Taken {
        /// JSON pointer into the request, such as `/data/attributes/name`.
        pointer: String,
    },
    /// More than is accepted.
    #[error("{0}")]
    TooLarge(String),
    /// More requests than a caller may make in a second.
    #[error("{0}")]
    TooMany(String),
    /// Not now; trying again shortly will do.
    #[error("{0}")]
    Unavailable(String),
    /// Nobody knows whether it was done.
    #[error("{0}")]
    InDoubt(String),
    /// What is stored cannot be read any more, now and later.
    #[error("{0}")]
    Damaged(blobs::Error),
    /// Our fault. Logged where it is answered; the caller gets the request's id only.
    #[error(transparent)]
    Internal(anyhow::Error),
}

/// The name of what a pointer leads to, if it is not the whole document.
pub fn attribute(pointer: &str) -> Option<&str> {
    pointer.rsplit('/').next().filter(|part| !part.is_empty() && *part != "data")
}

/// What is said of a value, for people who have sent no document. It goes on with a name ("can't be blank"), or is a
/// sentence already.
pub fn about(pointer: &str, message: &str) -> String {
    if message.starts_with(char::is_uppercase) {
        return message.to_owned();
    }
    let name = attribute(pointer).unwrap_or("form").replace('-', " ");
    format!("The {name} {message}.")
}

impl Error {
    /// Refuses an attribute, named as on the wire.
    pub fn invalid(attribute: impl fmt::Display, message: impl Into<String>) -> Self {
        Self::Invalid { pointer: format!("/data/attributes/{attribute}"), message: message.into() }
    }

    /// Refuses another value for what is said once, when a thing is made.
    pub(crate) fn unless_same<T: PartialEq>(
        attribute: &str,
        wanted: Option<&T>,
        now: &T,
    ) -> Result<(), Self> {
        match wanted {
            Some(wanted) if wanted != now => Err(Self::invalid(attribute, "can't be changed")),
            _ => Ok(()),
        }
    }

    /// Refuses an attribute that somebody else has with this value.
    pub(crate) fn taken(attribute: impl fmt::Display) -> Self {
        Self::Taken { pointer: format!("/data/attributes/{attribute}") }
    }

    /// Refuses a relationship, named as on the wire.
    pub fn invalid_relation(name: impl fmt::Display, message: impl Into<String>) -> Self {
        Self::Invalid { pointer: format!("/data/relationships/{name}"), message: message.into() }
    }

    /// The same about one item of a list, which stands at `place` in the request.
    pub(crate) fn in_item(self, place: &str) -> Self {
        let moved = |pointer: String| {
            format!("{place}{}", pointer.strip_prefix("/data").unwrap_or(&pointer))
        };
        match self {
            Self::Invalid { pointer, message } => {
                Self::Invalid { pointer: moved(pointer), message }
            }
            Self::Taken { pointer } => Self::Taken { pointer: moved(pointer) },
            other => other,
        }
    }

    /// Whether it is an answer to what was asked for, and would be the same the next time.
    pub(crate) fn is_refusal(&self) -> bool {
        !matches!(
            self,
            Self::Internal(_) | Self::Unavailable(_) | Self::InDoubt(_) | Self::TooMany(_)
        )
    }

    /// Whether a row was read and not understood, such as one that a later version has written.
    pub(crate) fn is_unreadable(&self) -> bool {
        use db::sea_orm::DbErr;
        let Self::Internal(error) = self else { return false };
        matches!(error.downcast_ref(), Some(db::Error::Other(DbErr::Type(_) | DbErr::Json(_))))
    }

    /// With all that is behind it, for logs.
    pub(crate) fn chain(&self) -> String {
        match self {
            Self::Internal(inner) => format!("{inner:#}"),
            other => other.to_string(),
        }
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict(message.into())
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Unavailable { sentence, cause } => {
                tracing::error!(cause, "{sentence}");
                Self::Unavailable(format!("{sentence} Try again shortly."))
            }
            db::Error::InDoubt(cause) => {
                tracing::error!(cause, "nobody knows whether a commit holds");
                Self::InDoubt(
                    "The database did not say whether it has kept this. Try again shortly.".into(),
                )
            }
            other => Self::Internal(anyhow::Error::new(other)),
        }
    }
}

impl From<db::sea_orm::DbErr> for Error {
    fn from(error: db::sea_orm::DbErr) -> Self {
        db::Error::from(error).into()
    }
}

impl From<crypto::Error> for Error {
    fn from(error: crypto::Error) -> Self {
        Self::Internal(anyhow::Error::new(error))
    }
}

impl From<blobs::Error> for Error {
    fn from(error: blobs::Error) -> Self {
        match error {
            blobs::Error::TooLarge { limit } => {
                Self::TooLarge(format!("At most {limit} bytes are accepted."))
            }
            // What is looked for was there once.
            lost @ (blobs::Error::Sealed { .. } | blobs::Error::NotFound(_)) => Self::Damaged(lost),
            // It was not welcome, or broke off.
            blobs::Error::Content(reason) => reason.downcast().map_or_else(
                |_| Self::BadRequest("The content ended before it was complete.".into()),
                |refusal| *refusal,
            ),
            full if full.is_full() => {
                tracing::error!(
                    error = format!("{:#}", anyhow::Error::new(full)),
                    "the blob store has no room left"
                );
                Self::Unavailable("There is no room left to store this. Try again shortly.".into())
            }
            away if away.is_away() => {
                tracing::error!(
                    error = format!("{:#}", anyhow::Error::new(away)),
                    "the blob store is not where it was opened"
                );
                Self::Unavailable("The blob store is not in its place. Try again shortly.".into())
            }
            other => Self::Internal(anyhow::Error::new(other)),
        }
    }
}

/// Turns a taken unique key into a message about the attribute that carries it.
pub(crate) fn taken(attribute: &'static str) -> impl FnOnce(db::Error) -> Error {
    move |error| match error {
        db::Error::Taken(_) => Error::taken(attribute),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_at_a_shell_read_the_name_of_a_value_in_words() {
        let says = |error: Error| error.to_string();
        assert_eq!(says(Error::taken("email")), "The email has already been taken.");
        let blank = Error::invalid("session-timeout", "can't be blank");
        assert_eq!(says(blank), "The session timeout can't be blank.");
        let whole = Error::invalid_relation("users", "There is no user x in this organization.");
        assert_eq!(says(whole), "There is no user x in this organization.");
    }

    #[test]
    fn what_may_pass_is_no_refusal() {
        assert!(Error::Conflict("locked".into()).is_refusal() && Error::NotFound.is_refusal());
        assert!(!Error::Unavailable("busy".into()).is_refusal());
        assert!(!Error::Internal(anyhow::anyhow!("broken")).is_refusal());
    }
}
