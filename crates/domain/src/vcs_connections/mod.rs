//! Asking those who keep repositories, by the connections of `oauth_clients`: a provider that is ready to be asked, what
//! opens its repositories for `git`, and what goes wrong with both. Nothing here keeps what was answered.

mod ask;
pub mod browser;
mod greet;
mod installation;
mod limits;
mod open;
pub mod pickers;
mod renew;
mod way;

use db::id::{GithubAppInstallationId, OauthTokenId};
use vcs::provider::ProviderError;
pub use vcs::{RepositoryName, provider::Repository};

pub use ask::{ask, tell};
pub(crate) use greet::doubt;
pub use greet::work;
pub(crate) use installation::{
    Tokens as InstallationTokens, by_id as installation_by_id, has_webhook_secret, own_app,
};
pub(crate) use limits::{Limits, seconds};
pub use open::{Connected, open};
pub use pickers::Choices;
pub(crate) use way::way_by;
pub use way::{Way, way};

use crate::Error;

/// By what a repository is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Link {
    Token(OauthTokenId),
    /// Of the GitHub App.
    Installation(GithubAppInstallationId),
}

impl Link {
    /// `None` for what can be no connection.
    pub(crate) fn of(connection: &str) -> Option<Self> {
        let token = connection.parse().map(Self::Token);
        token.or_else(|_| connection.parse().map(Self::Installation)).ok()
    }
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The connection was taken away.
    #[error("there is no such connection any more")]
    Gone,
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    House(#[from] Error),
}

impl Failure {
    /// The same may succeed later, with nobody doing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Gone => false,
            Self::Provider(error) => error.is_passing(),
            Self::House(error) => !error.is_refusal(),
        }
    }
}

/// For whoever waits for an answer: what the provider says is not our fault.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Gone | Failure::Provider(ProviderError::Gone(_)) => Self::NotFound,
            Failure::Provider(error) => Self::Conflict(sentence(&error.to_string())),
            Failure::House(error) => error,
        }
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}
