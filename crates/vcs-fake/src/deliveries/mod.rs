//! What providers send when something has happened, each in its own words and signed in its own way.

mod azure;
mod bitbucket_cloud;
mod bitbucket_data_center;
mod github;
mod gitlab;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use vcs::events::AZURE_USER;
use vcs::{Family, ServiceProvider};

pub use github::{pull_request, push, tag};

const ZEROS: &str = "0000000000000000000000000000000000000000";

/// What has happened in the repository.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// A branch has moved; without `before` it is new, without `after` it is gone.
    Moved { branch: &'a str, before: Option<&'a str>, after: Option<&'a str> },
    /// An annotated tag, which is an object of its own.
    Tagged { tag: &'a str, object: &'a str, commit: &'a str },
    /// Number 3, of the branch `feat` to `main`, the one in somebody else's repository if it `is_fork`.
    Proposed { what: Proposal, head: &'a str, is_fork: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proposal {
    Opened,
    /// Its head is another one.
    Updated,
    /// Its title is another one, its head is not.
    Edited,
}

/// A body with what stands in the headers beside it.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub provider: ServiceProvider,
    pub id: String,
    pub event: &'static str,
    pub body: Value,
}

/// A hook as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub url: String,
    pub secret: String,
}

impl Delivery {
    pub fn of(provider: ServiceProvider, id: &str, news: News<'_>) -> Self {
        let (event, body) = match provider.family() {
            Family::Github => github::told(news),
            Family::Gitea => github::told_by_gitea(news),
            Family::Gitlab => gitlab::told(news),
            Family::BitbucketCloud => bitbucket_cloud::told(news),
            Family::BitbucketDataCenter => bitbucket_data_center::told(news),
            Family::Azure => azure::told(news, id),
            Family::Git => ("", plain(news)),
        };
        Self { provider, id: id.to_owned(), event, body }
    }

    /// The headers of a delivery to a hook with this secret.
    pub fn headers(&self, secret: &str) -> Vec<(&'static str, String)> {
        let (id, event) = (self.id.clone(), self.event.to_owned());
        let digits = || self.digits(secret);
        let signature = || format!("sha256={}", digits());
        match self.provider.family() {
            Family::Github => vec![
                ("x-github-event", event),
                ("x-github-delivery", id),
                ("x-hub-signature-256", signature()),
            ],
            Family::Gitea => vec![
                ("x-gitea-event", event.clone()),
                ("x-gitea-delivery", id.clone()),
                ("x-gitea-signature", digits()),
                ("x-github-event", event),
                ("x-github-delivery", id),
                ("x-hub-signature-256", signature()),
            ],
            Family::Gitlab => vec![
                ("x-gitlab-event", event),
                ("idempotency-key", id),
                ("x-gitlab-instance", "https://git.example".to_owned()),
                ("x-gitlab-token", secret.to_owned()),
            ],
            Family::BitbucketCloud => vec![
                ("x-event-key", event),
                ("x-request-uuid", id),
                ("x-attempt-number", "1".to_owned()),
                ("x-hub-signature", signature()),
            ],
            Family::BitbucketDataCenter => {
                vec![("x-event-key", event), ("x-request-id", id), ("x-hub-signature", signature())]
            }
            Family::Azure => {
                let pair = STANDARD.encode(format!("{AZURE_USER}:{secret}"));
                vec![("authorization", format!("Basic {pair}"))]
            }
            Family::Git => vec![("x-delivery", id), ("x-hub-signature-256", signature())],
        }
    }

    fn digits(&self, secret: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(self.body.to_string().as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    /// Where it goes by this hook, if that was asked to be told of such.
    pub(crate) fn by(&self, hook: &Value) -> Option<Asked> {
        let is_listed = || hook["events"].as_array().unwrap().iter().any(|one| one == self.event);
        let (wants, url, secret) = match self.provider.family() {
            Family::Github | Family::Gitea => {
                (is_listed(), &hook["config"]["url"], &hook["config"]["secret"])
            }
            Family::Gitlab => (gitlab::wants(hook, self.event), &hook["url"], &hook["token"]),
            Family::BitbucketCloud => (is_listed(), &hook["url"], &hook["secret"]),
            Family::BitbucketDataCenter => {
                (is_listed(), &hook["url"], &hook["configuration"]["secret"])
            }
            Family::Azure => (
                hook["eventType"] == self.body["eventType"],
                &hook["consumerInputs"]["url"],
                &hook["consumerInputs"]["basicAuthPassword"],
            ),
            Family::Git => return None,
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        wants.then(|| Asked { url: text(url), secret: text(secret) })
    }
}

/// What somebody's own script sends.
fn plain(news: News<'_>) -> Value {
    match news {
        News::Moved { branch, before, after } => json!({
            "ref": format!("refs/heads/{branch}"), "before": before.unwrap_or(ZEROS),
            "after": after.unwrap_or(ZEROS),
        }),
        News::Tagged { tag, object, .. } => {
            json!({ "ref": format!("refs/tags/{tag}"), "before": ZEROS, "after": object })
        }
        News::Proposed { .. } => panic!("plain git knows no pull requests"),
    }
}
