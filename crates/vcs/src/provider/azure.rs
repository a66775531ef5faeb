//! Azure DevOps Services and Server. The API's address names the organization or collection.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, Http};
use super::{
    Branch, Commit, Connection, Cursor, Hook, Page, Provider, ProviderError, Repository, Result,
    State, Status, as_told, cut,
};
use crate::events::{AZURE_USER, Person, PullRequest};
use crate::{CommitId, Reference, RepositoryName, ServiceProvider};

const VERSION: (&str, &str) = ("api-version", "6.0");
const DESCRIPTION: usize = 255;
/// A subscription is for one kind of event.
const EVENTS: [&str; 3] = ["git.push", "git.pullrequest.created", "git.pullrequest.updated"];
const CONTINUATION: &str = "x-ms-continuationtoken";

#[derive(Debug)]
pub(super) struct Azure {
    api: Api,
}

#[derive(Deserialize)]
struct Values<T> {
    value: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    name: String,
    default_branch: Option<String>,
    remote_url: String,
    web_url: Option<String>,
    project: Project,
}

#[derive(Deserialize)]
struct Project {
    id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    name: String,
    object_id: String,
    /// Of an annotated tag the commit.
    peeled_object_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FullCommit {
    commit_id: String,
    comment: String,
    author: Option<Author>,
    remote_url: Option<String>,
}

#[derive(Deserialize)]
struct Author {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Me {
    authenticated_user: User,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    provider_display_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    id: String,
    #[serde(default)]
    event_type: String,
    #[serde(default)]
    consumer_inputs: ConsumerInputs,
}

#[derive(Default, Deserialize)]
struct ConsumerInputs {
    url: Option<String>,
}

#[derive(Deserialize)]
struct Thread {
    id: u64,
    comments: Vec<Numbered>,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

impl Azure {
    pub fn new(connection: &Connection, http: Arc<dyn Http>) -> Self {
        Self { api: Api::of(connection, http) }
    }

    /// `ORG/PROJECT/_git/REPO`, or without the organization, which the API's address names.
    fn url(
        &self,
        name: &RepositoryName,
        more: &[&str],
        query: &[(&str, &str)],
    ) -> Result<url::Url> {
        let parts: Vec<&str> = name.parts().collect();
        let (Some(["_git", repository]), Some(project)) =
            (parts.last_chunk::<2>(), parts.len().checked_sub(3).and_then(|at| parts.get(at)))
        else {
            return Err(ProviderError::Gone(format!("{name} is not ORG/PROJECT/_git/REPO")));
        };
        let parts: Vec<&str> = [*project, "_apis", "git", "repositories", *repository]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        Ok(self.api.url(&parts, &[&[VERSION][..], query].concat()))
    }

    fn subscriptions(&self, more: &[&str]) -> url::Url {
        let parts: Vec<&str> =
            ["_apis", "hooks", "subscriptions"].into_iter().chain(more.iter().copied()).collect();
        self.api.url(&parts, &[VERSION])
    }

    async fn named(
        &self,
        name: &RepositoryName,
        what: &str,
        from: Option<&Cursor>,
    ) -> Result<Page<Branch>> {
        let filter = format!("{what}/");
        let mut query = vec![("filter", filter.as_str()), ("$top", "100"), ("peelTags", "true")];
        query.extend(from.map(|cursor| ("continuationToken", cursor.0.as_str())));
        let answer = self.api.send(Method::GET, self.url(name, &["refs"], &query)?, None).await?;
        let next = answer.header(CONTINUATION).map(|token| Cursor(token.to_owned()));
        let prefix = format!("refs/{what}/");
        Page::read(answer.json::<Values<Named>>()?.value, next, |named| {
            let commit = named.peeled_object_id.as_ref().unwrap_or(&named.object_id);
            let short = named.name.strip_prefix(&prefix).unwrap_or(&named.name);
            Ok(Branch { name: short.to_owned(), commit: CommitId::parse(commit)? })
        })
    }

    async fn listed(&self, name: &RepositoryName) -> Result<Listed> {
        self.api.get(self.url(name, &[], &[])?).await
    }
}

fn repository(listed: Listed) -> Result<Repository> {
    let name = format!("{}/_git/{}", listed.project.name, listed.name);
    // The organization stands in it as user.
    let clone_url = match url::Url::parse(&listed.remote_url) {
        Ok(mut url) => {
            let _ = url.set_username("");
            url.to_string()
        }
        Err(_) => listed.remote_url,
    };
    let short = |name: String| name.strip_prefix("refs/heads/").map_or(name.clone(), str::to_owned);
    Ok(Repository {
        id: listed.id,
        name: RepositoryName::parse(&name)?,
        display: format!("{}/{}", listed.project.name, listed.name),
        default_branch: listed.default_branch.map(short),
        url: listed.web_url.unwrap_or_else(|| clone_url.clone()),
        clone_url,
        is_admin: None,
    })
}

#[async_trait]
impl Provider for Azure {
    async fn user(&self) -> Result<Person> {
        let query = [("api-version", "6.0-preview")];
        let me: Me = self.api.get(self.api.url(&["_apis", "connectionData"], &query)).await?;
        let name = me.authenticated_user.provider_display_name;
        Ok(Person { name, avatar_url: None, url: None })
    }

    /// All of them at once.
    async fn repositories(&self, _: Option<&Cursor>) -> Result<Page<Repository>> {
        let url = self.api.url(&["_apis", "git", "repositories"], &[VERSION]);
        let listed: Values<Listed> = self.api.get(url).await?;
        Page::read(listed.value, None, repository)
    }

    async fn repository(&self, name: &RepositoryName) -> Result<Repository> {
        repository(self.listed(name).await?)
    }

    async fn branches(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>> {
        self.named(name, "heads", from).await
    }

    async fn tags(&self, name: &RepositoryName, from: Option<&Cursor>) -> Result<Page<Branch>> {
        self.named(name, "tags", from).await
    }

    async fn commit(&self, name: &RepositoryName, reference: &Reference) -> Result<Commit> {
        let full = reference.full();
        let filter = full.strip_prefix("refs/").unwrap_or(&full);
        let query = [("filter", filter), ("peelTags", "true")];
        let found: Values<Named> = self.api.get(self.url(name, &["refs"], &query)?).await?;
        // The filter is a beginning of names.
        let found = found.value.into_iter().find(|named| named.name == full);
        let found = found.ok_or_else(|| ProviderError::Gone(reference.to_string()))?;
        let id = CommitId::parse(found.peeled_object_id.as_ref().unwrap_or(&found.object_id))?;
        let commit: FullCommit =
            self.api.get(self.url(name, &["commits", id.as_str()], &[])?).await?;
        Ok(Commit {
            id: CommitId::parse(&commit.commit_id)?,
            message: commit.comment,
            author: commit.author.map(|author| author.name),
            url: commit.remote_url,
        })
    }

    async fn pull_request(&self, name: &RepositoryName, number: u64) -> Result<PullRequest> {
        let url = self.url(name, &["pullrequests", &number.to_string()], &[])?;
        let pull: Value = self.api.get(url).await?;
        let told = json!({"eventType": "git.pullrequest.updated", "resource": pull});
        as_told(ServiceProvider::AdoServices, "", &told)
    }

    /// One subscription for each kind of event; the id is all of theirs.
    async fn ensure_hook(&self, name: &RepositoryName, hook: &Hook) -> Result<String> {
        let repository = self.listed(name).await?;
        let known: Values<Subscription> = self.api.get(self.subscriptions(&[])).await?;
        let mut ids = Vec::new();
        for event in EVENTS {
            let body = json!({
                "publisherId": "tfs", "eventType": event, "resourceVersion": "1.0",
                "consumerId": "webHooks", "consumerActionId": "httpRequest",
                "publisherInputs": {"projectId": repository.project.id, "repository": repository.id},
                "consumerInputs": {
                    "url": hook.url, "basicAuthUsername": AZURE_USER,
                    "basicAuthPassword": hook.secret.expose_secret(),
                },
            });
            let is_it = |known: &&Subscription| {
                known.event_type == event && known.consumer_inputs.url.as_deref() == Some(&hook.url)
            };
            let (method, url) = match known.value.iter().find(is_it) {
                Some(known) => (Method::PUT, self.subscriptions(&[&known.id])),
                None => (Method::POST, self.subscriptions(&[])),
            };
            let made: Subscription = self.api.send(method, url, Some(body)).await?.json()?;
            ids.push(made.id);
        }
        Ok(ids.join(","))
    }

    async fn remove_hook(&self, _: &RepositoryName, id: &str) -> Result<()> {
        for id in id.split(',') {
            self.api.delete(self.subscriptions(&[id])).await?;
        }
        Ok(())
    }

    async fn set_status(&self, name: &RepositoryName, status: &Status) -> Result<()> {
        let state = match status.state {
            State::Pending => "pending",
            State::Success => "succeeded",
            State::Failure => "failed",
            State::Canceled => "error",
        };
        // Branch policies are set up with the last part and those before it.
        let (genre, context) = status.context.rsplit_once('/').unwrap_or(("", &status.context));
        let body = json!({
            "state": state, "targetUrl": status.url, "context": {"genre": genre, "name": context},
            "description": cut(&status.description, DESCRIPTION),
        });
        let url = self.url(name, &["commits", status.commit.as_str(), "statuses"], &[])?;
        self.api.send(Method::POST, url, Some(body)).await.map(|_| ())
    }

    /// A comment is known by its thread and its number there.
    async fn comment(
        &self,
        name: &RepositoryName,
        number: u64,
        earlier: Option<&str>,
        text: &str,
    ) -> Result<String> {
        let number = number.to_string();
        if let Some((thread, comment)) = earlier.and_then(|id| id.split_once('/')) {
            let parts = ["pullRequests", &number, "threads", thread, "comments", comment];
            let url = self.url(name, &parts, &[])?;
            match self.api.send(Method::PATCH, url, Some(json!({"content": text}))).await {
                Err(ProviderError::Gone(_)) => {}
                edited => return edited.map(|_| format!("{thread}/{comment}")),
            }
        }
        let comment = json!({"parentCommentId": 0, "content": text, "commentType": 1});
        let body = json!({"comments": [comment], "status": 1});
        let url = self.url(name, &["pullRequests", &number, "threads"], &[])?;
        let made: Thread = self.api.post(url, body).await?;
        let first = made.comments.first();
        let first =
            first.ok_or_else(|| ProviderError::Unreadable("a thread without words".into()))?;
        Ok(format!("{}/{}", made.id, first.id))
    }
}
