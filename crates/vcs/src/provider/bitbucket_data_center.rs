//! Bitbucket Data Center and Server.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::api::{Api, Http};
use super::{
    Branch, Commit, Connection, Cursor, Hook, KnownHook, Page, Provider, ProviderError, Repository,
    Result, State, Status, as_told, cut, hook_at, key_of,
};
use crate::events::{Person, PullRequest};
use crate::{CommitId, Reference, RepositoryName, ServiceProvider};

const DESCRIPTION: usize = 255;
const EVENTS: [&str; 7] = [
    "repo:refs_changed",
    "pr:opened",
    "pr:merged",
    "pr:declined",
    "pr:deleted",
    "pr:modified",
    "pr:from_ref_updated",
];
/// Those that every version knows: an old one refuses the whole hook because of a name that it does not.
const OLD_EVENTS: usize = 5;

#[derive(Debug)]
pub(super) struct BitbucketDataCenter {
    api: Api,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<T> {
    values: Vec<T>,
    #[serde(default)]
    is_last_page: bool,
    next_page_start: Option<u64>,
}

#[derive(Deserialize)]
struct Listed {
    id: u64,
    slug: String,
    project: Project,
    links: Links,
}

#[derive(Deserialize)]
struct Project {
    key: String,
}

#[derive(Deserialize)]
struct Links {
    #[serde(default)]
    clone: Vec<CloneLink>,
    #[serde(default, rename = "self")]
    own: Vec<Link>,
}

#[derive(Deserialize)]
struct CloneLink {
    name: String,
    href: String,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    display_id: String,
    latest_commit: String,
}

#[derive(Deserialize)]
struct FullCommit {
    id: String,
    message: String,
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    name: String,
}

#[derive(Deserialize)]
struct ListedHook {
    id: u64,
    url: String,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
    #[serde(default)]
    version: u64,
}

impl BitbucketDataCenter {
    pub fn new(connection: &Connection, http: Arc<dyn Http>) -> Self {
        Self { api: Api::of(connection, http) }
    }

    fn url(&self, name: &RepositoryName, more: &[&str]) -> url::Url {
        self.asking(name, more, &[])
    }

    fn asking(&self, name: &RepositoryName, more: &[&str], query: &[(&str, &str)]) -> url::Url {
        let (project, slug) = name.as_str().split_once('/').unwrap_or_default();
        let parts: Vec<&str> = ["rest", "api", "1.0", "projects", project, "repos", slug]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        self.api.url(&parts, query)
    }

    async fn page<T: DeserializeOwned>(
        &self,
        mut url: url::Url,
        from: Option<&Cursor>,
    ) -> Result<(Vec<T>, Option<Cursor>)> {
        let start = from.and_then(|cursor| cursor.0.parse::<u64>().ok()).unwrap_or(0);
        url.query_pairs_mut().append_pair("limit", "100").append_pair("start", &start.to_string());
        let page: Part<T> = self.api.get(url).await?;
        let next = page.next_page_start.filter(|_| !page.is_last_page);
        Ok((page.values, next.map(|start| Cursor(start.to_string()))))
    }

    async fn named(
        &self,
        name: &RepositoryName,
        what: &str,
        from: Option<&Cursor>,
    ) -> Result<Page<Branch>> {
        let (values, next) = self.page::<Named>(self.url(name, &[what]), from).await?;
        Page::read(values, next, |named| {
            Ok(Branch { name: named.display_id, commit: CommitId::parse(&named.latest_commit)? })
        })
    }

    /// `None` for a repository without a commit.
    async fn default_branch(&self, name: &RepositoryName) -> Result<Option<String>> {
        match self.api.send(Method::GET, self.url(name, &["branches", "default"]), None).await {
            Ok(answer) if answer.status == 204 => Ok(None),
            Ok(answer) => Ok(Some(answer.json::<Named>()?.display_id)),
            Err(ProviderError::Gone(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn hooks(&self, name: &RepositoryName, from: Option<Cursor>) -> Result<Page<KnownHook>> {
        let (hooks, next) =
            self.page::<ListedHook>(self.url(name, &["webhooks"]), from.as_ref()).await?;
        Page::read(hooks, next, |hook| Ok(KnownHook { id: hook.id.to_string(), url: hook.url }))
    }
}

fn repository(listed: Listed) -> Result<Repository> {
    let text = format!("{}/{}", listed.project.key, listed.slug);
    let by_http = listed.links.clone.into_iter().find(|link| link.name == "http");
    let clone_url =
        by_http.ok_or_else(|| ProviderError::Unreadable("no address by http".into()))?;
    let page = listed.links.own.into_iter().next().map(|link| link.href).unwrap_or_default();
    Ok(Repository {
        id: listed.id.to_string(),
        name: RepositoryName::parse(&text)?,
        display: text,
        default_branch: None,
        // Its commits are beside its files, not below them.
        url: page.strip_suffix("/browse").unwrap_or(&page).to_owned(),
        clone_url: clone_url.href,
        is_admin: None,
    })
}

#[async_trait]
impl Provider for BitbucketDataCenter {
    /// Said in a header of any answer.
    async fn user(&self) -> Result<Person> {
        let url = self.api.url(&["rest", "api", "1.0", "repos"], &[("limit", "1")]);
        let answer = self.api.send(Method::GET, url, None).await?;
        // Who is nobody sees what is public.
        let name = answer.header("x-ausername").ok_or(ProviderError::Revoked)?;
        Ok(Person { name: name.to_owned(), avatar_url: None, url: None })
    }

    async fn repositories(&self, from: Option<&Cursor>) -> Result<Page<Repository>> {
        let url = self.api.url(&["rest", "api", "1.0", "repos"], &[("permission", "REPO_ADMIN")]);
        let (values, next) = self.page(url, from).await?;
        Page::read(values, next, repository)
    }

    async fn repository(&self, name: &RepositoryName) -> Result<Repository> {
        let found = repository(self.api.get(self.url(name, &[])).await?)?;
        Ok(Repository { default_branch: self.default_branch(name).await?, ..found })
    }

    async fn branches(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>> {
        self.named(name, "branches", from).await
    }

    async fn tags(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>> {
        self.named(name, "tags", from).await
    }

    async fn commit(&self, name: &RepositoryName, reference: &Reference) -> Result<Commit> {
        let url = self.asking(name, &["commits"], &[("until", &reference.full())]);
        let (commits, _) = self.page::<FullCommit>(url, None).await?;
        let commit = commits.into_iter().next();
        let commit = commit.ok_or_else(|| ProviderError::Gone(reference.to_string()))?;
        Ok(Commit {
            id: CommitId::parse(&commit.id)?,
            message: commit.message,
            author: commit.author.map(|author| author.name),
            url: None,
        })
    }

    async fn pull_request(&self, name: &RepositoryName, number: u64) -> Result<PullRequest> {
        let pull: Value =
            self.api.get(self.url(name, &["pull-requests", &number.to_string()])).await?;
        let event = match pull["state"].as_str().unwrap_or_default() {
            "MERGED" => "pr:merged",
            "DECLINED" => "pr:declined",
            _ => "pr:from_ref_updated",
        };
        as_told(ServiceProvider::BitbucketDataCenter, event, &json!({"pullRequest": pull}))
    }

    async fn ensure_hook(&self, name: &RepositoryName, hook: &Hook) -> Result<String> {
        let (method, url) = match hook_at(&hook.url, |from| self.hooks(name, from)).await? {
            Some(id) => (Method::PUT, self.url(name, &["webhooks", &id])),
            None => (Method::POST, self.url(name, &["webhooks"])),
        };
        let body = |events: &[&str]| {
            json!({
                "name": "Statehouse", "url": hook.url, "active": true, "events": events,
                "configuration": {"secret": hook.secret.expose_secret()},
            })
        };
        let made = match self.api.send(method.clone(), url.clone(), Some(body(&EVENTS))).await {
            Err(ProviderError::Refused(_)) => {
                self.api.send(method, url, Some(body(&EVENTS[..OLD_EVENTS]))).await?
            }
            made => made?,
        };
        Ok(made.json::<Numbered>()?.id.to_string())
    }

    async fn remove_hook(&self, name: &RepositoryName, id: &str) -> Result<()> {
        self.api.delete(self.url(name, &["webhooks", id])).await
    }

    async fn set_status(&self, _: &RepositoryName, status: &Status) -> Result<()> {
        let state = match status.state {
            State::Pending => "INPROGRESS",
            State::Success => "SUCCESSFUL",
            State::Failure | State::Canceled => "FAILED",
        };
        let parts = ["rest", "build-status", "1.0", "commits", status.commit.as_str()];
        let body = json!({
            "key": key_of(&status.context), "state": state, "name": status.context,
            "url": status.url, "description": cut(&status.description, DESCRIPTION),
        });
        self.api.send(Method::POST, self.api.url(&parts, &[]), Some(body)).await.map(|_| ())
    }

    async fn comment(
        &self,
        name: &RepositoryName,
        number: u64,
        earlier: Option<&str>,
        text: &str,
    ) -> Result<String> {
        let number = number.to_string();
        if let Some(id) = earlier {
            let url = self.url(name, &["pull-requests", &number, "comments", id]);
            // It wants to know which version is written over.
            match self.api.get::<Numbered>(url.clone()).await {
                Ok(known) => {
                    let body = json!({"text": text, "version": known.version});
                    return self
                        .api
                        .send(Method::PUT, url, Some(body))
                        .await
                        .map(|_| id.to_owned());
                }
                Err(ProviderError::Gone(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let url = self.url(name, &["pull-requests", &number, "comments"]);
        let made: Numbered = self.api.post(url, json!({"text": text})).await?;
        Ok(made.id.to_string())
    }
}
