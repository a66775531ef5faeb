//! Plain git: a repository and nothing around it. All that can be asked, `git` itself answers.

use async_trait::async_trait;

use super::{
    Branch, Commit, Connection, Cursor, Hook, Page, Provider, ProviderError, Repository, Result,
    Status,
};
use crate::events::{Person, PullRequest};
use crate::{Reference, RepositoryName};

const NOTHING: ProviderError = ProviderError::Unsupported("a git server without a provider");

#[derive(Debug)]
pub(super) struct Plain {
    url: String,
}

impl Plain {
    pub fn new(connection: &Connection) -> Self {
        Self { url: connection.http_url.to_string() }
    }
}

#[async_trait]
impl Provider for Plain {
    async fn user(&self) -> Result<Person> {
        Err(NOTHING)
    }

    async fn repositories(&self, _: Option<&Cursor>) -> Result<Page<Repository>> {
        Err(NOTHING)
    }

    /// The one that the connection names.
    async fn repository(&self, name: &RepositoryName) -> Result<Repository> {
        Ok(Repository {
            id: self.url.clone(),
            name: name.clone(),
            display: name.to_string(),
            default_branch: None,
            url: self.url.clone(),
            clone_url: self.url.clone(),
            is_admin: None,
        })
    }

    async fn branches(&self, _: &RepositoryName, _: Option<&Cursor>) -> Result<Page<Branch>> {
        Err(NOTHING)
    }

    async fn tags(&self, _: &RepositoryName, _: Option<&Cursor>) -> Result<Page<Branch>> {
        Err(NOTHING)
    }

    async fn commit(&self, _: &RepositoryName, _: &Reference) -> Result<Commit> {
        Err(NOTHING)
    }

    async fn pull_request(&self, _: &RepositoryName, _: u64) -> Result<PullRequest> {
        Err(NOTHING)
    }

    async fn ensure_hook(&self, _: &RepositoryName, _: &Hook) -> Result<String> {
        Err(NOTHING)
    }

    async fn remove_hook(&self, _: &RepositoryName, _: &str) -> Result<()> {
        Err(NOTHING)
    }

    async fn set_status(&self, _: &RepositoryName, _: &Status) -> Result<()> {
        Err(NOTHING)
    }

    async fn comment(
        &self,
        _: &RepositoryName,
        _: u64,
        _: Option<&str>,
        _: &str,
    ) -> Result<String> {
        Err(NOTHING)
    }
}
