//! GitLab.com, and GitLab on people's own servers.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Answer, Api, Http, number};
use super::{
    Branch, Commit, Connection, Cursor, Hook, KnownHook, Page, Provider, ProviderError, Repository,
    Result, State, Status, as_told, cut, hook_at,
};
use crate::events::{Person, PullRequest};
use crate::{CommitId, Reference, RepositoryName, ServiceProvider};

/// Characters of a status's description.
const DESCRIPTION: usize = 255;
/// From this level on (maintainer) hooks can be made.
const MAINTAINER: u64 = 40;

#[derive(Debug)]
pub(super) struct Gitlab {
    api: Api,
}

#[derive(Deserialize)]
struct User {
    username: String,
    avatar_url: Option<String>,
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct Project {
    id: u64,
    path_with_namespace: String,
    default_branch: Option<String>,
    http_url_to_repo: String,
    web_url: String,
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Permissions {
    project_access: Option<Level>,
    group_access: Option<Level>,
}

#[derive(Deserialize)]
struct Level {
    access_level: u64,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    commit: Point,
}

#[derive(Deserialize)]
struct Point {
    id: String,
}

#[derive(Deserialize)]
struct FullCommit {
    id: String,
    message: String,
    author_name: Option<String>,
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct ListedHook {
    id: u64,
    url: String,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

impl Gitlab {
    pub fn new(connection: &Connection, http: Arc<dyn Http>) -> Self {
        Self { api: Api::of(connection, http) }
    }

    /// The path of a project is one part of the address.
    fn url(&self, name: &RepositoryName, more: &[&str], query: &[(&str, &str)]) -> url::Url {
        let parts: Vec<&str> =
            ["projects", name.as_str()].into_iter().chain(more.iter().copied()).collect();
        self.api.url(&parts, query)
    }

    async fn named(
        &self,
        name: &RepositoryName,
        what: &str,
        from: Option<&Cursor>,
    ) -> Result<Page<Branch>> {
        let page = number(from).to_string();
        let url = self.url(name, &["repository", what], &[("per_page", "100"), ("page", &page)]);
        let answer = self.api.send(Method::GET, url, None).await?;
        let named: Vec<Named> = answer.json()?;
        Page::read(named, next(&answer), |named| {
            Ok(Branch { name: named.name, commit: CommitId::parse(&named.commit.id)? })
        })
    }

    async fn hooks(&self, name: &RepositoryName, from: Option<Cursor>) -> Result<Page<KnownHook>> {
        let page = number(from.as_ref()).to_string();
        let query = [("per_page", "100"), ("page", page.as_str())];
        let answer = self.api.send(Method::GET, self.url(name, &["hooks"], &query), None).await?;
        let hooks: Vec<ListedHook> = answer.json()?;
        Page::read(hooks, next(&answer), |hook| {
            Ok(KnownHook { id: hook.id.to_string(), url: hook.url })
        })
    }
}

fn next(answer: &Answer) -> Option<Cursor> {
    let next = answer.header("x-next-page").filter(|page| page.parse::<u64>().is_ok());
    next.map(|page| Cursor(page.to_owned()))
}

fn repository(project: Project) -> Result<Repository> {
    let is_admin = project.permissions.map(|permissions| {
        let levels = [permissions.project_access, permissions.group_access];
        levels.into_iter().flatten().any(|level| level.access_level >= MAINTAINER)
    });
    Ok(Repository {
        id: project.id.to_string(),
        name: RepositoryName::parse(&project.path_with_namespace)?,
        display: project.path_with_namespace,
        default_branch: project.default_branch,
        url: project.web_url,
        clone_url: project.http_url_to_repo,
        is_admin,
    })
}

#[async_trait]
impl Provider for Gitlab {
    async fn user(&self) -> Result<Person> {
        let user: User = self.api.get(self.api.url(&["user"], &[])).await?;
        Ok(Person { name: user.username, avatar_url: user.avatar_url, url: user.web_url })
    }

    async fn repositories(&self, from: Option<&Cursor>) -> Result<Page<Repository>> {
        let page = number(from).to_string();
        let query = [
            ("membership", "true"),
            ("min_access_level", "40"),
            ("order_by", "last_activity_at"),
            ("per_page", "100"),
            ("page", page.as_str()),
        ];
        let answer = self.api.send(Method::GET, self.api.url(&["projects"], &query), None).await?;
        let projects: Vec<Project> = answer.json()?;
        Page::read(projects, next(&answer), repository)
    }

    async fn repository(&self, name: &RepositoryName) -> Result<Repository> {
        repository(self.api.get(self.url(name, &[], &[])).await?)
    }

    async fn branches(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>> {
        self.named(name, "branches", from).await
    }

    async fn tags(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>> {
        self.named(name, "tags", from).await
    }

    async fn commit(&self, name: &RepositoryName, reference: &Reference) -> Result<Commit> {
        let full = reference.full();
        let commit: FullCommit =
            self.api.get(self.url(name, &["repository", "commits", &full], &[])).await?;
        Ok(Commit {
            id: CommitId::parse(&commit.id)?,
            message: commit.message,
            author: commit.author_name,
            url: commit.web_url,
        })
    }

    async fn pull_request(&self, name: &RepositoryName, number: u64) -> Result<PullRequest> {
        let url = self.url(name, &["merge_requests", &number.to_string()], &[]);
        let mut request: Value = self.api.get(url).await?;
        let action = match request["state"].as_str().unwrap_or_default() {
            "merged" => "merge",
            "closed" => "close",
            _ => "update",
        };
        // The same members as in events but for these.
        request["action"] = action.into();
        request["url"] = request["web_url"].take();
        request["last_commit"] = json!({"id": request["sha"]});
        request["oldrev"] = request["sha"].clone();
        let told = json!({"object_kind": "merge_request", "object_attributes": request});
        as_told(ServiceProvider::GitlabHosted, "", &told)
    }

    async fn ensure_hook(&self, name: &RepositoryName, hook: &Hook) -> Result<String> {
        let (method, url) = match hook_at(&hook.url, |from| self.hooks(name, from)).await? {
            Some(id) => (Method::PUT, self.url(name, &["hooks", &id], &[])),
            None => (Method::POST, self.url(name, &["hooks"], &[])),
        };
        let body = json!({
            "url": hook.url, "token": hook.secret.expose_secret(), "push_events": true,
            "tag_push_events": true, "merge_requests_events": true, "enable_ssl_verification": true,
        });
        let made: Numbered = self.api.send(method, url, Some(body)).await?.json()?;
        Ok(made.id.to_string())
    }

    async fn remove_hook(&self, name: &RepositoryName, id: &str) -> Result<()> {
        self.api.delete(self.url(name, &["hooks", id], &[])).await
    }

    async fn set_status(&self, name: &RepositoryName, status: &Status) -> Result<()> {
        let state = match status.state {
            State::Pending => "running",
            State::Success => "success",
            State::Failure => "failed",
            State::Canceled => "canceled",
        };
        let mut body = json!({
            "state": state, "name": status.context, "target_url": status.url,
            "description": cut(&status.description, DESCRIPTION),
        });
        if let Some(branch) = &status.branch {
            body["ref"] = branch.as_str().into();
        }
        let url = self.url(name, &["statuses", status.commit.as_str()], &[]);
        match self.api.send(Method::POST, url, Some(body)).await {
            // It says so already.
            Err(ProviderError::Refused(said)) if said.contains("Cannot transition status") => {
                Ok(())
            }
            // The pipeline is being changed by somebody else.
            Err(ProviderError::Refused(said)) if said.contains("lock") => {
                Err(ProviderError::Away(said))
            }
            set => set.map(|_| ()),
        }
    }

    async fn comment(
        &self,
        name: &RepositoryName,
        number: u64,
        earlier: Option<&str>,
        text: &str,
    ) -> Result<String> {
        let number = number.to_string();
        let notes = ["merge_requests", &number, "notes"];
        let body = json!({"body": text});
        if let Some(id) = earlier {
            let url = self.url(name, &[notes[0], notes[1], notes[2], id], &[]);
            match self.api.send(Method::PUT, url, Some(body.clone())).await {
                Err(ProviderError::Gone(_)) => {}
                edited => return edited.map(|_| id.to_owned()),
            }
        }
        let made: Numbered = self.api.post(self.url(name, &notes, &[]), body).await?;
        Ok(made.id.to_string())
    }
}
