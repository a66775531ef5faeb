//! What a provider tells by its hooks: whether it was really the provider, and what has happened.
//!
//! [`verify`] is for whoever answers the provider: it looks at the raw bytes and at nothing inside of them but a delivery's
//! name. [`read`] is for whoever works afterwards, from the bytes that were kept.

mod azure;
mod bitbucket_cloud;
mod bitbucket_data_center;
mod event;
mod github;
mod gitlab;
mod plain;
mod verify;

use serde::de::DeserializeOwned;

pub use event::{Action, Contents, Event, Moved, Person, PullRequest, Side, Subject};
pub use verify::{Verified, verify};

use crate::{Family, NameError, ServiceProvider};

/// Bytes of one delivery: GitHub sends no more.
pub const BODY_LIMIT: usize = 25 << 20;
/// With the secret as password, what Azure DevOps signs in with.
pub const AZURE_USER: &str = "statehouse";

/// Why a delivery is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the delivery has more than {BODY_LIMIT} bytes")]
    TooLarge,
    /// Without a signature, or with several of one name.
    #[error("the delivery is not signed with {0}")]
    Unsigned(&'static str),
    #[error("the signature of the delivery is not that of this hook's secret")]
    WrongSignature,
    #[error("the delivery cannot be read: {0}")]
    Unreadable(String),
}

impl From<NameError> for Refusal {
    fn from(error: NameError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Reads a delivery that was verified. `name` is [`Verified::event`].
///
/// # Errors
/// [`Refusal::Unreadable`] for what is not as the provider documents it.
pub fn read(provider: ServiceProvider, name: &str, body: &[u8]) -> Result<Contents, Refusal> {
    match provider.family() {
        Family::Github | Family::Gitea => github::read(name, body),
        Family::Gitlab => gitlab::read(body),
        Family::BitbucketCloud => bitbucket_cloud::read(name, body),
        Family::BitbucketDataCenter => bitbucket_data_center::read(name, body),
        Family::Azure => azure::read(body),
        Family::Git => plain::read(body),
    }
}

/// Unknown members are passed over, missing ones are named.
fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests;
