//! GitHub.com and Enterprise, also by an app's installation; and Gitea and Forgejo, which have taken over its API but for
//! a few words.

use std::sync::Arc;

use async_trait::async_trait;
use http::header::ACCEPT;
use http::{HeaderName, Method};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, Http, number};
use super::{
    Branch, Commit, Connection, Credential, Cursor, Hook, KnownHook, Page, Provider, ProviderError,
    Repository, Result, State, Status, as_told, cut, hook_at,
};
use crate::events::{Person, PullRequest};
use crate::{CommitId, Reference, RepositoryName, ServiceProvider};

/// Characters of a status's description: GitHub's limit, and the column of Gitea's database.
const DESCRIPTION: usize = 140;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Github,
    Gitea,
}

#[derive(Debug)]
pub(super) struct Github {
    api: Api,
    dialect: Dialect,
    /// By an installation's token, which sees what the installation may.
    is_installation: bool,
}

#[derive(Deserialize)]
struct Account {
    login: String,
    avatar_url: Option<String>,
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    id: u64,
    full_name: String,
    default_branch: Option<String>,
    html_url: String,
    clone_url: String,
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Permissions {
    #[serde(default)]
    admin: bool,
}

#[derive(Deserialize)]
struct Installed {
    repositories: Vec<Listed>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    commit: Point,
}

/// A commit's name is `sha` at GitHub and in Gitea's tags, `id` in Gitea's branches.
#[derive(Deserialize)]
struct Point {
    #[serde(alias = "id")]
    sha: String,
}

#[derive(Deserialize)]
struct FullCommit {
    sha: String,
    html_url: Option<String>,
    commit: Words,
}

#[derive(Deserialize)]
struct Words {
    message: String,
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

#[derive(Deserialize)]
struct ListedHook {
    id: u64,
    config: HookConfig,
}

#[derive(Deserialize)]
struct HookConfig {
    url: Option<String>,
}

impl Github {
    pub fn new(connection: &Connection, http: Arc<dyn Http>, dialect: Dialect) -> Self {
        let api = Api::of(connection, http);
        let api = match dialect {
            Dialect::Github => api
                .with(ACCEPT, "application/vnd.github+json")
                .with(HeaderName::from_static("x-github-api-version"), "2022-11-28"),
            Dialect::Gitea => api,
        };
        // Such tokens begin with these letters.
        let is_installation = matches!(&connection.credential, Credential::Token(token)
            if token.expose_secret().starts_with("ghs_"));
        Self { api, dialect, is_installation }
    }

    fn repository_url(&self, name: &RepositoryName, more: &[&str]) -> url::Url {
        self.paged(name, more, None)
    }

    fn paged(&self, name: &RepositoryName, more: &[&str], page: Option<&str>) -> url::Url {
        let parts: Vec<&str> =
            ["repos"].into_iter().chain(name.parts()).chain(more.iter().copied()).collect();
        match page {
            Some(page) => self.api.url(&parts, &[(self.size().0, self.size().1), ("page", page)]),
            None => self.api.url(&parts, &[]),
        }
    }

    fn size(&self) -> (&'static str, &'static str) {
        match self.dialect {
            Dialect::Github => ("per_page", "100"),
            Dialect::Gitea => ("limit", "50"),
        }
    }

    fn hook_body(&self, hook: &Hook) -> Value {
        let mut config = json!({
            "url": hook.url, "content_type": "json", "secret": hook.secret.expose_secret(),
        });
        match self.dialect {
            Dialect::Github => {
                config["insecure_ssl"] = "0".into();
                json!({"name": "web", "active": true, "events": ["push", "pull_request"], "config": config})
            }
            // It tells of deleted branches by an event of its own.
            Dialect::Gitea => json!({
                "type": "gitea", "active": true, "events": ["push", "pull_request", "delete"],
                "config": config,
            }),
        }
    }

    async fn hooks(&self, name: &RepositoryName, from: Option<Cursor>) -> Result<Page<KnownHook>> {
        let page = number(from.as_ref()).to_string();
        let url = self.paged(name, &["hooks"], Some(&page));
        let answer = self.api.send(Method::GET, url, None).await?;
        let hooks: Vec<ListedHook> = answer.json()?;
        Page::read(hooks, answer.next_number(from.as_ref()), |hook| {
            Ok(KnownHook { id: hook.id.to_string(), url: hook.config.url.unwrap_or_default() })
        })
    }

    async fn named(
        &self,
        name: &RepositoryName,
        what: &str,
        from: Option<&Cursor>,
    ) -> Result<Page<Branch>> {
        let page = number(from).to_string();
        let answer =
            self.api.send(Method::GET, self.paged(name, &[what], Some(&page)), None).await?;
        let named: Vec<Named> = answer.json()?;
        Page::read(named, answer.next_number(from), |named| {
            Ok(Branch { name: named.name, commit: CommitId::parse(&named.commit.sha)? })
        })
    }
}

fn repository(listed: Listed) -> Result<Repository> {
    Ok(Repository {
        id: listed.id.to_string(),
        name: RepositoryName::parse(&listed.full_name)?,
        display: listed.full_name,
        default_branch: listed.default_branch.filter(|branch| !branch.is_empty()),
        url: listed.html_url,
        clone_url: listed.clone_url,
        is_admin: listed.permissions.map(|permissions| permissions.admin),
    })
}

#[async_trait]
impl Provider for Github {
    async fn user(&self) -> Result<Person> {
        if self.is_installation {
            return Err(ProviderError::Unsupported("an installation of a GitHub App"));
        }
        let account: Account = self.api.get(self.api.url(&["user"], &[])).await?;
        Ok(Person { name: account.login, avatar_url: account.avatar_url, url: account.html_url })
    }

    async fn repositories(&self, from: Option<&Cursor>) -> Result<Page<Repository>> {
        let page = number(from).to_string();
        let (size, most) = self.size();
        let mut query = vec![(size, most), ("page", page.as_str())];
        let parts: &[&str] = match (self.dialect, self.is_installation) {
            (Dialect::Github, true) => &["installation", "repositories"],
            (Dialect::Github, false) => {
                query.push(("sort", "pushed"));
                query.push(("affiliation", "owner,collaborator,organization_member"));
                &["user", "repos"]
            }
            (Dialect::Gitea, _) => &["user", "repos"],
        };
        let answer = self.api.send(Method::GET, self.api.url(parts, &query), None).await?;
        let listed: Vec<Listed> = if self.is_installation {
            answer.json::<Installed>()?.repositories
        } else {
            answer.json()?
        };
        Page::read(listed, answer.next_number(from), repository)
    }

    async fn repository(&self, name: &RepositoryName) -> Result<Repository> {
        repository(self.api.get(self.repository_url(name, &[])).await?)
    }

    async fn branches(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>> {
        self.named(name, "branches", from).await
    }

    async fn tags(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>> {
        self.named(name, "tags", from).await
    }

    async fn commit(&self, name: &RepositoryName, reference: &Reference) -> Result<Commit> {
        let full = reference.full();
        let short = full.strip_prefix("refs/").unwrap_or(&full);
        let url = match self.dialect {
            Dialect::Github => self.repository_url(name, &["commits", short]),
            Dialect::Gitea => self.repository_url(name, &["git", "commits", &full]),
        };
        let commit: FullCommit = self.api.get(url).await?;
        Ok(Commit {
            id: CommitId::parse(&commit.sha)?,
            message: commit.commit.message,
            author: commit.commit.author.and_then(|author| author.name),
            url: commit.html_url,
        })
    }

    async fn pull_request(&self, name: &RepositoryName, number: u64) -> Result<PullRequest> {
        let url = self.repository_url(name, &["pulls", &number.to_string()]);
        let pull: Value = self.api.get(url).await?;
        let action = if pull["state"] == "closed" { "closed" } else { "synchronize" };
        let told = json!({"action": action, "number": number, "pull_request": pull});
        as_told(ServiceProvider::Github, "pull_request", &told)
    }

    async fn ensure_hook(&self, name: &RepositoryName, hook: &Hook) -> Result<String> {
        let (method, url) = match hook_at(&hook.url, |from| self.hooks(name, from)).await? {
            Some(id) => (Method::PATCH, self.repository_url(name, &["hooks", &id])),
            None => (Method::POST, self.repository_url(name, &["hooks"])),
        };
        let made: Numbered =
            self.api.send(method, url, Some(self.hook_body(hook))).await?.json()?;
        Ok(made.id.to_string())
    }

    async fn remove_hook(&self, name: &RepositoryName, id: &str) -> Result<()> {
        let url = self.repository_url(name, &["hooks", id]);
        self.api.delete(url).await
    }

    async fn set_status(&self, name: &RepositoryName, status: &Status) -> Result<()> {
        let state = match status.state {
            State::Pending => "pending",
            State::Success => "success",
            State::Failure => "failure",
            State::Canceled => "error",
        };
        let url = self.repository_url(name, &["statuses", status.commit.as_str()]);
        let body = json!({
            "state": state, "context": status.context, "target_url": status.url,
            "description": cut(&status.description, DESCRIPTION),
        });
        self.api.send(Method::POST, url, Some(body)).await.map(|_| ())
    }

    async fn comment(
        &self,
        name: &RepositoryName,
        number: u64,
        earlier: Option<&str>,
        text: &str,
    ) -> Result<String> {
        let body = json!({"body": text});
        if let Some(id) = earlier {
            let url = self.repository_url(name, &["issues", "comments", id]);
            match self.api.send(Method::PATCH, url, Some(body.clone())).await {
                Err(ProviderError::Gone(_)) => {}
                edited => return edited.map(|_| id.to_owned()),
            }
        }
        let url = self.repository_url(name, &["issues", &number.to_string(), "comments"]);
        let made: Numbered = self.api.post(url, body).await?;
        Ok(made.id.to_string())
    }
}
