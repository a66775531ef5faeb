//! What a connected provider can do, in one language for all of them.
//!
//! [`Connection::open`] gives the provider of a connection. Requests go through an [`Http`] that whoever asks brings
//! along, so that its rules of which networks may be reached hold here too.

mod api;
mod azure;
mod bitbucket_cloud;
mod bitbucket_data_center;
mod error;
mod github;
mod github_app;
mod gitlab;
mod oauth;
mod plain;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use url::Url;

pub use api::Http;
pub use error::{ProviderError, Wait};
pub use github_app::{GithubApp, Installation};
pub use oauth::{OauthApp, Pkce, Tokens};

use crate::events::{Person, PullRequest};
use crate::git::{Access, Address};
use crate::{CommitId, Family, RefName, Reference, RepositoryName, ServiceProvider};

/// Pages of hooks that are looked through for ours.
const HOOK_PAGES: usize = 10;

type Result<T> = std::result::Result<T, ProviderError>;

/// Who is asked, and with what in hand.
#[derive(Clone, Debug)]
pub struct Connection {
    pub provider: ServiceProvider,
    /// Where people go; of plain git the repository itself.
    pub http_url: Url,
    pub api_url: Url,
    pub credential: Credential,
}

#[derive(Clone, Debug)]
pub enum Credential {
    None,
    /// From an OAuth flow, of an installation, or made by hand where the provider takes those alike.
    Token(SecretString),
    /// A personal access token of Azure DevOps.
    Personal(SecretString),
    /// An API token of Bitbucket Cloud, or whatever a plain server wants.
    Basic {
        user: String,
        password: SecretString,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The provider's own, which stays when the repository is renamed.
    pub id: String,
    pub name: RepositoryName,
    /// For people.
    pub display: String,
    /// `None` while it is empty.
    pub default_branch: Option<String>,
    pub url: String,
    pub clone_url: String,
    /// Hooks can be made, as far as the provider tells.
    pub is_admin: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    pub name: String,
    pub commit: CommitId,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub id: CommitId,
    pub message: String,
    pub author: Option<String>,
    pub url: Option<String>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where it goes on.
    pub next: Option<Cursor>,
}

/// A place in a list that the provider has named; nobody else reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

/// A hook as it has to be.
#[derive(Clone, Debug)]
pub struct Hook {
    pub url: String,
    pub secret: SecretString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Success,
    Failure,
    Canceled,
}

/// What stands beside a commit. A newer one of the same context takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub commit: CommitId,
    pub state: State,
    /// `Statehouse/ORG/WORKSPACE`.
    pub context: String,
    pub description: String,
    pub url: String,
    /// Without it GitLab may hang the status on a pipeline of its own.
    pub branch: Option<RefName>,
}

/// What providers can do. Each call is one or a few requests; none is tried again here.
#[async_trait]
pub trait Provider: Debug + Send + Sync {
    /// Who the credential is.
    async fn user(&self) -> Result<Person>;

    /// Those that the credential may connect, a part at a time.
    async fn repositories(&self, from: Option<&Cursor>) -> Result<Page<Repository>>;

    async fn repository(&self, name: &RepositoryName) -> Result<Repository>;

    async fn branches(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>>;

    async fn tags(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>>;

    /// The commit that a branch or tag points to.
    async fn commit(&self, name: &RepositoryName, reference: &Reference) -> Result<Commit>;

    async fn pull_request(&self, name: &RepositoryName, number: u64) -> Result<PullRequest>;

    /// Makes a hook, or mends the one that is there with this address. Gives its id.
    async fn ensure_hook(&self, name: &RepositoryName, hook: &Hook) -> Result<String>;

    /// Gone already is good.
    async fn remove_hook(&self, name: &RepositoryName, id: &str) -> Result<()>;

    async fn set_status(&self, name: &RepositoryName, status: &Status) -> Result<()>;

    /// Writes below a pull request, in place of `earlier` if that is still there. Gives the comment's id.
    async fn comment(
        &self,
        name: &RepositoryName,
        number: u64,
        earlier: Option<&str>,
        text: &str,
    ) -> Result<String>;
}

impl Connection {
    pub fn open(&self, http: Arc<dyn Http>) -> Box<dyn Provider> {
        match self.provider.family() {
            Family::Github => Box::new(github::Github::new(self, http, github::Dialect::Github)),
            Family::Gitea => Box::new(github::Github::new(self, http, github::Dialect::Gitea)),
            Family::Gitlab => Box::new(gitlab::Gitlab::new(self, http)),
            Family::BitbucketCloud => Box::new(bitbucket_cloud::BitbucketCloud::new(self, http)),
            Family::BitbucketDataCenter => {
                Box::new(bitbucket_data_center::BitbucketDataCenter::new(self, http))
            }
            Family::Azure => Box::new(azure::Azure::new(self, http)),
            Family::Git => Box::new(plain::Plain::new(self)),
        }
    }

    /// What opens the repositories of this connection by https.
    pub fn access(&self) -> Access {
        let basic = |user: &str, password: &SecretString| Access::Basic {
            user: user.to_owned(),
            password: password.clone(),
        };
        match (&self.credential, self.provider.family()) {
            (Credential::None, _) => Access::None,
            (Credential::Basic { user, password }, _) => basic(user, password),
            (Credential::Personal(token), _) => basic("", token),
            (Credential::Token(token), Family::Github) => basic("x-access-token", token),
            (Credential::Token(token), Family::Gitlab | Family::Gitea) => basic("oauth2", token),
            (Credential::Token(token), Family::BitbucketCloud) => basic("x-token-auth", token),
            (Credential::Token(token), _) => Access::Bearer(token.clone()),
        }
    }
}

impl Repository {
    /// Where `git` finds it.
    ///
    /// # Errors
    /// [`ProviderError::Unreadable`] if what the provider says is no such address.
    pub fn address(&self) -> Result<Address> {
        Address::parse(&self.clone_url)
            .map_err(|error| ProviderError::Unreadable(error.to_string()))
    }
}

/// What brings the head of a pull request in the repository that it leads to, of a fork too.
pub fn head_of(provider: ServiceProvider, number: u64) -> Option<Reference> {
    let name = match provider.family() {
        Family::Github | Family::Gitea => format!("pull/{number}/head"),
        Family::Gitlab => format!("merge-requests/{number}/head"),
        Family::BitbucketDataCenter => format!("pull-requests/{number}/from"),
        // Its own merge, of which the head is a parent.
        Family::Azure => format!("pull/{number}/merge"),
        Family::BitbucketCloud | Family::Git => return None,
    };
    RefName::parse(&name).ok().map(Reference::Other)
}

/// A hook that a provider has.
struct KnownHook {
    id: String,
    url: String,
}

/// The one with this address, among the first thousand or so.
async fn hook_at<F>(url: &str, page: impl Fn(Option<Cursor>) -> F) -> Result<Option<String>>
where
    F: Future<Output = Result<Page<KnownHook>>>,
{
    let mut from = None;
    for _ in 0..HOOK_PAGES {
        let page = page(from).await?;
        if let Some(hook) = page.items.into_iter().find(|hook| hook.url == url) {
            return Ok(Some(hook.id));
        }
        if page.next.is_none() {
            break;
        }
        from = page.next;
    }
    Ok(None)
}

/// Not longer than a provider takes, in whole characters.
fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters - 1).chain(['…']).collect()
}

/// A name of fixed length for a context of any.
fn key_of(context: &str) -> String {
    hex::encode(&Sha256::digest(context)[..20])
}

/// A pull request that was asked for has the form of one that is told by a hook.
fn as_told(provider: ServiceProvider, name: &str, body: &serde_json::Value) -> Result<PullRequest> {
    use crate::events::{Event, read};
    let unreadable = |why: String| ProviderError::Unreadable(why);
    let told = read(provider, name, body.to_string().as_bytes());
    let told = told.map_err(|error| unreadable(error.to_string()))?;
    match told.events.into_iter().next() {
        Some(Event::PullRequest(pull)) => Ok(*pull),
        _ => Err(unreadable("it is no pull request".into())),
    }
}
