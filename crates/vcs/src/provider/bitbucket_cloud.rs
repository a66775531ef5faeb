//! Bitbucket Cloud.

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
const EVENTS: [&str; 5] = [
    "repo:push",
    "pullrequest:created",
    "pullrequest:updated",
    "pullrequest:fulfilled",
    "pullrequest:rejected",
];

#[derive(Debug)]
pub(super) struct BitbucketCloud {
    api: Api,
}

#[derive(Deserialize)]
struct Values<T> {
    values: Vec<T>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Account {
    nickname: Option<String>,
    display_name: String,
    #[serde(default)]
    links: Links,
}

#[derive(Default, Deserialize)]
struct Links {
    avatar: Option<Link>,
    html: Option<Link>,
    #[serde(default)]
    clone: Vec<CloneLink>,
}

#[derive(Deserialize)]
struct Link {
    href: String,
}

#[derive(Deserialize)]
struct CloneLink {
    name: String,
    href: String,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    target: Target,
}

#[derive(Deserialize)]
struct Listed {
    uuid: String,
    full_name: String,
    mainbranch: Option<MainBranch>,
    links: Links,
}

#[derive(Deserialize)]
struct MainBranch {
    name: String,
}

#[derive(Deserialize)]
struct Target {
    hash: String,
}

#[derive(Deserialize)]
struct FullCommit {
    hash: String,
    message: String,
    author: Option<Author>,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize)]
struct Author {
    raw: String,
}

#[derive(Deserialize)]
struct ListedHook {
    uuid: String,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

impl BitbucketCloud {
    pub fn new(connection: &Connection, http: Arc<dyn Http>) -> Self {
        Self { api: Api::of(connection, http) }
    }

    fn url(&self, name: &RepositoryName, more: &[&str]) -> url::Url {
        let parts: Vec<&str> =
            ["repositories"].into_iter().chain(name.parts()).chain(more.iter().copied()).collect();
        self.api.url(&parts, &[])
    }

    /// The cursor is the whole address of the next page.
    async fn page<T: DeserializeOwned>(
        &self,
        first: url::Url,
        from: Option<&Cursor>,
    ) -> Result<(Vec<T>, Option<Cursor>)> {
        let url = match from {
            Some(cursor) => self.api.own(&cursor.0)?,
            None => first,
        };
        let page: Values<T> = self.api.get(url).await?;
        Ok((page.values, page.next.map(Cursor)))
    }

    async fn named(
        &self,
        name: &RepositoryName,
        what: &str,
        from: Option<&Cursor>,
    ) -> Result<Page<Branch>> {
        let url = self.url(name, &["refs", what]);
        let (values, next) = self.page::<Named>(url, from).await?;
        Page::read(values, next, |named| {
            Ok(Branch { name: named.name, commit: CommitId::parse(&named.target.hash)? })
        })
    }

    async fn hooks(&self, name: &RepositoryName, from: Option<Cursor>) -> Result<Page<KnownHook>> {
        let (hooks, next) =
            self.page::<ListedHook>(self.url(name, &["hooks"]), from.as_ref()).await?;
        Page::read(hooks, next, |hook| {
            Ok(KnownHook { id: hook.uuid, url: hook.url.unwrap_or_default() })
        })
    }
}

fn href(link: Option<Link>) -> Option<String> {
    link.map(|link| link.href)
}

fn repository(listed: Listed) -> Result<Repository> {
    let https = listed.links.clone.into_iter().find(|link| link.name == "https");
    let clone_url = https.ok_or_else(|| ProviderError::Unreadable("no address by https".into()))?;
    // The user of whoever asks stands in it.
    let clone_url = match url::Url::parse(&clone_url.href) {
        Ok(mut url) => {
            let _ = url.set_username("");
            url.to_string()
        }
        Err(_) => clone_url.href,
    };
    Ok(Repository {
        id: listed.uuid,
        name: RepositoryName::parse(&listed.full_name)?,
        display: listed.full_name,
        default_branch: listed.mainbranch.map(|branch| branch.name),
        url: href(listed.links.html).unwrap_or_default(),
        clone_url,
        is_admin: None,
    })
}

#[async_trait]
impl Provider for BitbucketCloud {
    async fn user(&self) -> Result<Person> {
        let account: Account = self.api.get(self.api.url(&["user"], &[])).await?;
        Ok(Person {
            name: account.nickname.unwrap_or(account.display_name),
            avatar_url: href(account.links.avatar),
            url: href(account.links.html),
        })
    }

    async fn repositories(&self, from: Option<&Cursor>) -> Result<Page<Repository>> {
        let query = [("role", "admin"), ("pagelen", "100")];
        let (values, next) = self.page(self.api.url(&["repositories"], &query), from).await?;
        Page::read(values, next, repository)
    }

    async fn repository(&self, name: &RepositoryName) -> Result<Repository> {
        repository(self.api.get(self.url(name, &[])).await?)
    }

    async fn branches(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>> {
        self.named(name, "branches", from).await
    }

    async fn tags(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>> {
        self.named(name, "tags", from).await
    }

    async fn commit(&self, name: &RepositoryName, reference: &Reference) -> Result<Commit> {
        // A slash in a name would be a part of the address: ask for the branch first.
        let (what, short) = match reference {
            Reference::Branch(name) => ("branches", name),
            Reference::Tag(name) => ("tags", name),
            Reference::Other(_) => return Err(ProviderError::Unsupported("Bitbucket Cloud")),
        };
        let found: Named = self.api.get(self.url(name, &["refs", what, short.as_str()])).await?;
        let id = CommitId::parse(&found.target.hash)?;
        let commit: FullCommit = self.api.get(self.url(name, &["commit", id.as_str()])).await?;
        Ok(Commit {
            id: CommitId::parse(&commit.hash)?,
            message: commit.message,
            author: commit.author.map(|author| author.raw),
            url: href(commit.links.html),
        })
    }

    async fn pull_request(&self, name: &RepositoryName, number: u64) -> Result<PullRequest> {
        let pull: Value =
            self.api.get(self.url(name, &["pullrequests", &number.to_string()])).await?;
        let event = match pull["state"].as_str().unwrap_or_default() {
            "MERGED" => "pullrequest:fulfilled",
            "DECLINED" | "SUPERSEDED" => "pullrequest:rejected",
            _ => "pullrequest:updated",
        };
        as_told(ServiceProvider::BitbucketHosted, event, &json!({"pullrequest": pull}))
    }

    async fn ensure_hook(&self, name: &RepositoryName, hook: &Hook) -> Result<String> {
        let (method, url) = match hook_at(&hook.url, |from| self.hooks(name, from)).await? {
            Some(id) => (Method::PUT, self.url(name, &["hooks", &id])),
            None => (Method::POST, self.url(name, &["hooks"])),
        };
        let body = json!({
            "description": "Statehouse", "url": hook.url, "active": true,
            "secret": hook.secret.expose_secret(), "events": EVENTS,
        });
        let made: ListedHook = self.api.send(method, url, Some(body)).await?.json()?;
        Ok(made.uuid)
    }

    async fn remove_hook(&self, name: &RepositoryName, id: &str) -> Result<()> {
        self.api.delete(self.url(name, &["hooks", id])).await
    }

    async fn set_status(&self, name: &RepositoryName, status: &Status) -> Result<()> {
        let state = match status.state {
            State::Pending => "INPROGRESS",
            State::Success => "SUCCESSFUL",
            State::Failure => "FAILED",
            State::Canceled => "STOPPED",
        };
        let url = self.url(name, &["commit", status.commit.as_str(), "statuses", "build"]);
        let body = json!({
            "key": key_of(&status.context), "state": state, "name": status.context,
            "url": status.url, "description": cut(&status.description, DESCRIPTION),
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
        let number = number.to_string();
        let body = json!({"content": {"raw": text}});
        if let Some(id) = earlier {
            let url = self.url(name, &["pullrequests", &number, "comments", id]);
            match self.api.send(Method::PUT, url, Some(body.clone())).await {
                Err(ProviderError::Gone(_)) => {}
                edited => return edited.map(|_| id.to_owned()),
            }
        }
        let url = self.url(name, &["pullrequests", &number, "comments"]);
        let made: Numbered = self.api.post(url, body).await?;
        Ok(made.id.to_string())
    }
}
