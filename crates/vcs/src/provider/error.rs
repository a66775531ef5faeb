//! Why a provider did not do what it was asked for, as far as somebody or time can mend it.

use std::time::Duration;

use http::HeaderMap;

use crate::NameError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// Somebody has to connect again.
    #[error("the provider does not accept the token any more: connect again")]
    Revoked,
    #[error("the provider does not allow it: {0}")]
    Forbidden(String),
    /// Not there, or not for who holds this token.
    #[error("the provider does not know it: {0}")]
    Gone(String),
    #[error("the provider wants to be asked less often")]
    Limited(Wait),
    /// Not reached, or broken at its end. Worth trying again.
    #[error("the provider does not answer: {0}")]
    Away(String),
    /// What was asked for cannot be.
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// Not what its documentation says.
    #[error("what the provider answers cannot be read: {0}")]
    Unreadable(String),
    #[error("{0} has no such thing")]
    Unsupported(&'static str),
    /// An app's own key or address.
    #[error("{0}")]
    Setting(String),
}

/// How long nobody should ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    For(Duration),
    /// Seconds since 1970.
    Until(u64),
}

impl ProviderError {
    /// The same may succeed later, with nobody doing anything.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Limited(_) | Self::Away(_))
    }
}

impl From<NameError> for ProviderError {
    fn from(error: NameError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl Wait {
    /// A minute where nothing is said.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        if let Some(seconds) = number("retry-after") {
            return Self::For(Duration::from_secs(seconds));
        }
        let until = number("x-ratelimit-reset").or_else(|| number("ratelimit-reset"));
        until.map_or(Self::For(Duration::from_mins(1)), Self::Until)
    }
}
