//! A fake of each provider over a real repository: as little as it may answer, with its own words, pages, errors and
//! ways to sign in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::{AUTHORIZATION, CONTENT_TYPE, LINK, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use vcs::provider::{Connection, Credential};
use vcs::{CommitId, Family, RepositoryName, ServiceProvider};

use crate::{
    Asked, Delivery, News, Origin, azure, backend, bitbucket_cloud, bitbucket_data_center, github,
    gitlab,
};

pub const TOKEN: &str = "hunter2";
/// What an installation of a GitHub App is given.
pub const INSTALLATION_TOKEN: &str = "ghs_hunter2";

/// When a limit of GitHub and Gitea ends: not in our time.
pub const LIMITED_UNTIL: u64 = 4_000_000_000;

/// How the provider is today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Well,
    Revoked,
    Forbidden,
    /// It lets nobody make a hook.
    Unhooked,
    Limited,
    Down,
}

pub struct Call {
    pub method: Method,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub body: Value,
}

pub struct Fake {
    pub url: String,
    pub shared: Arc<Shared>,
    pub head: CommitId,
    /// What people push to it.
    pub origin: Origin,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

pub struct Shared {
    pub provider: ServiceProvider,
    pub url: String,
    pub head: String,
    root: std::path::PathBuf,
    pub mood: Mutex<Mood>,
    pub calls: Mutex<Vec<Call>>,
    pub hooks: Mutex<BTreeMap<u64, Value>>,
    pub comments: Mutex<BTreeMap<u64, Value>>,
    pub statuses: Mutex<Vec<Value>>,
    /// Of a GitHub App.
    pub installations: Mutex<Vec<u64>>,
    /// The newest state of each commit.
    states: Mutex<BTreeMap<String, Value>>,
    /// The commits of these, in their order.
    pub commits: Mutex<Vec<String>>,
}

/// Status, headers, body.
pub type Answer = (u16, Vec<(&'static str, String)>, Value);

pub fn ok(body: Value) -> Answer {
    (200, Vec::new(), body)
}

pub fn with_status(status: u16, body: Value) -> Answer {
    (status, Vec::new(), body)
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Fake {
    pub async fn new(provider: ServiceProvider) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin::new(folder.path(), "infra");
        origin.write("main.tf", "a");
        let head = origin.push("a message");
        origin.git(&["tag", "v1"]);
        origin.git(&["push", "-q", "origin", "v1", "HEAD:refs/heads/feat"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            provider,
            url: url.clone(),
            head: head.to_string(),
            root: folder.path().to_owned(),
            mood: Mutex::new(Mood::Well),
            calls: Mutex::default(),
            hooks: Mutex::default(),
            comments: Mutex::default(),
            statuses: Mutex::default(),
            states: Mutex::default(),
            installations: Mutex::new(vec![5]),
            commits: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, head, origin, serving, _folder: folder }
    }

    pub fn connection(&self) -> Connection {
        let api = match self.shared.provider.family() {
            Family::Github => "/api/v3",
            Family::Gitea => "/api/v1",
            Family::Gitlab => "/api/v4",
            Family::BitbucketCloud => "/2.0",
            Family::Azure => "/acme",
            Family::BitbucketDataCenter | Family::Git => "",
        };
        let credential = match self.shared.provider.family() {
            Family::Azure => Credential::Personal(TOKEN.to_owned().into()),
            _ => Credential::Token(TOKEN.to_owned().into()),
        };
        Connection {
            provider: self.shared.provider,
            http_url: self.url.parse().unwrap(),
            api_url: format!("{}{api}", self.url).parse().unwrap(),
            credential,
        }
    }

    pub fn name(&self) -> RepositoryName {
        RepositoryName::parse(self.shared.name()).unwrap()
    }

    /// What it would tell of this, under a name of its own.
    pub fn tells(&self, id: &str, news: News<'_>) -> Delivery {
        Delivery::of(self.shared.provider, id, news)
    }

    /// The hook that a delivery goes to: somebody has asked to be told of such.
    pub fn hook_for(&self, delivery: &Delivery) -> Asked {
        let hooks = self.shared.hooks.lock().unwrap();
        let asked = hooks.values().find_map(|hook| delivery.by(hook));
        asked.unwrap_or_else(|| panic!("nobody has asked for {delivery:?}: {hooks:?}"))
    }

    pub fn is(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }
}

impl Shared {
    pub fn name(&self) -> &'static str {
        match self.provider.family() {
            Family::BitbucketDataCenter => "PRJ/infra",
            Family::Azure => "acme/proj/_git/infra",
            _ => "acme/infra",
        }
    }

    /// What opens the API.
    fn authorization(&self) -> String {
        match self.provider.family() {
            Family::Azure => format!("Basic {}", STANDARD.encode(format!(":{TOKEN}"))),
            _ => format!("Bearer {TOKEN}"),
        }
    }

    /// What opens the repository.
    fn git_authorization(&self) -> String {
        let user = match self.provider.family() {
            Family::Github => "x-access-token",
            Family::Gitlab | Family::Gitea => "oauth2",
            Family::BitbucketCloud => "x-token-auth",
            _ => return self.authorization(),
        };
        format!("Basic {}", STANDARD.encode(format!("{user}:{TOKEN}")))
    }

    /// By a token that the fake has given out.
    fn is_installation(&self, shown: Option<&str>) -> bool {
        let basic = STANDARD.encode(format!("x-access-token:{INSTALLATION_TOKEN}"));
        let ways = [format!("Bearer {INSTALLATION_TOKEN}"), format!("Basic {basic}")];
        self.provider.family() == Family::Github
            && shown.is_some_and(|shown| ways.iter().any(|way| way == shown))
    }

    /// The app itself, by what it has signed.
    fn is_app(&self, path: &str, shown: Option<&str>) -> bool {
        let is_signed = shown.is_some_and(|shown| shown.matches('.').count() == 2);
        self.provider.family() == Family::Github && path.contains("/app/") && is_signed
    }

    pub fn keep(&self, hook: Value) -> u64 {
        let mut hooks = self.hooks.lock().unwrap();
        let id = 10 + hooks.len() as u64 + 1;
        hooks.insert(id, hook);
        id
    }

    /// Puts another in its place, if it is there.
    pub fn replace(all: &Mutex<BTreeMap<u64, Value>>, id: &str, with: Value) -> bool {
        let id = id.parse().unwrap();
        all.lock().unwrap().get_mut(&id).map(|known| *known = with).is_some()
    }

    pub fn remove_hook(&self, id: &str) -> Answer {
        match self.hooks.lock().unwrap().remove(&id.parse().unwrap()) {
            Some(_) => with_status(204, Value::Null),
            None => self.unknown(),
        }
    }

    pub fn say(&self, comment: Value) -> u64 {
        let mut comments = self.comments.lock().unwrap();
        let id = 500 + comments.len() as u64;
        comments.insert(id, comment);
        id
    }

    /// What now stands beside a commit. GitLab wants to hear of nothing that has not changed: gives whether it was heard.
    pub fn stands(&self, commit: &str, status: &Value) -> bool {
        let state = status["state"].clone();
        let before = self.states.lock().unwrap().insert(commit.to_owned(), state.clone());
        if before == Some(state) && self.provider.family() == Family::Gitlab {
            return false;
        }
        self.commits.lock().unwrap().push(commit.to_owned());
        self.statuses.lock().unwrap().push(status.clone());
        true
    }

    /// Whether the repository has a commit.
    pub fn has(&self, commit: &str) -> bool {
        let args = ["cat-file", "-e", commit];
        let bare = self.root.join("infra.git");
        let asked = std::process::Command::new("git").args(args).current_dir(bare).output();
        asked.unwrap().status.success()
    }

    pub fn unknown(&self) -> Answer {
        let said = "it is not here";
        with_status(
            404,
            match self.provider.family() {
                Family::BitbucketCloud => json!({"type": "error", "error": {"message": said}}),
                Family::BitbucketDataCenter => json!({"errors": [{"message": said}]}),
                _ => json!({"message": said}),
            },
        )
    }

    fn moody(&self, mood: Mood) -> Option<Answer> {
        let words = |said: &str| match self.provider.family() {
            Family::BitbucketCloud => json!({"type": "error", "error": {"message": said}}),
            Family::BitbucketDataCenter => json!({"errors": [{"message": said}]}),
            _ => json!({"message": said}),
        };
        match (mood, self.provider.family()) {
            (Mood::Well | Mood::Unhooked, _) => None,
            // A sign-in page.
            (Mood::Revoked, Family::Azure) => Some(with_status(203, "<html>".into())),
            (Mood::Revoked, _) => Some(with_status(401, words("Bad credentials"))),
            (Mood::Forbidden, _) => Some(with_status(403, words("not yours"))),
            (Mood::Limited, Family::Github | Family::Gitea) => {
                let headers = vec![
                    ("x-ratelimit-remaining", "0".to_owned()),
                    ("x-ratelimit-reset", LIMITED_UNTIL.to_string()),
                ];
                Some((403, headers, words("API rate limit exceeded")))
            }
            (Mood::Limited, _) => {
                Some((429, vec![("retry-after", "17".to_owned())], words("slow down")))
            }
            (Mood::Down, _) => Some(with_status(503, words("in the middle of something"))),
        }
    }

    fn answer(&self, call: &Call) -> Answer {
        let path = call.path.clone();
        let parts: Vec<String> =
            path.split('/').filter(|part| !part.is_empty()).map(percent_decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match self.provider.family() {
            Family::Github | Family::Gitea => github::answer(self, call, &parts),
            Family::Gitlab => gitlab::answer(self, call, &parts),
            Family::BitbucketCloud => bitbucket_cloud::answer(self, call, &parts),
            Family::BitbucketDataCenter => bitbucket_data_center::answer(self, call, &parts),
            Family::Azure => azure::answer(self, call, &parts),
            Family::Git => self.unknown(),
        }
    }
}

fn percent_decoded(part: &str) -> String {
    let pair = format!("x={}", part.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().unwrap().1.into_owned()
}

/// Two of a list: this page and whether there is another.
pub fn page<'a>(call: &Call, all: &'a [Value]) -> (&'a [Value], bool) {
    let number: usize = call.query.get("page").map_or(1, |page| page.parse().unwrap());
    let from = (number - 1).min(all.len());
    (&all[from..(from + 1).min(all.len())], from + 1 < all.len())
}

pub fn linked(shared: &Shared, call: &Call, all: &[Value]) -> Answer {
    let (items, has_next) = page(call, all);
    let headers = if has_next {
        vec![(LINK.as_str(), format!("<{}{}?page=2>; rel=\"next\"", shared.url, call.path))]
    } else {
        Vec::new()
    };
    (200, headers, json!(items))
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let shown = authorization(request.headers());
    if let Some(service) =
        ["/info/refs", "/git-upload-pack"].iter().find(|end| path.ends_with(**end))
    {
        let is_revoked = *shared.mood.lock().unwrap() == Mood::Revoked;
        let is_let_in =
            shown == Some(shared.git_authorization()) || shared.is_installation(shown.as_deref());
        if !is_let_in || is_revoked {
            let builder = Response::builder().status(401);
            return builder
                .header(WWW_AUTHENTICATE, "Basic realm=\"x\"")
                .body(Body::empty())
                .unwrap();
        }
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let (mut parts, body) = request.into_parts();
        parts.uri = format!("/infra.git{service}{query}").parse().unwrap();
        return backend(&shared.root, Request::from_parts(parts, body)).await;
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let query = parts.uri.query().unwrap_or_default();
    let call = Call {
        method: parts.method,
        path,
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let mood = match *shared.mood.lock().unwrap() {
        Mood::Unhooked if call.path.contains("hooks") => Mood::Forbidden,
        Mood::Unhooked => Mood::Well,
        mood => mood,
    };
    let is_let_in = shown == Some(shared.authorization())
        || shared.is_installation(shown.as_deref())
        || shared.is_app(&call.path, shown.as_deref());
    let (status, headers, body) = if is_let_in {
        shared.moody(mood).unwrap_or_else(|| shared.answer(&call))
    } else {
        shared.moody(Mood::Revoked).unwrap()
    };
    shared.calls.lock().unwrap().push(call);
    let mut builder = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    let body = if status == 204 { String::new() } else { body.to_string() };
    builder.header(CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap()
}

fn authorization(headers: &HeaderMap) -> Option<String> {
    headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned())
}
