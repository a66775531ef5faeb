//! Requests to a provider's API: to its own addresses only, with an answer that is understood or an error that says
//! what to do.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LINK, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::{Connection, Credential, Cursor, Page, ProviderError, Result, Wait};

/// Bytes of an answer.
const ANSWER_LIMIT: usize = 16 << 20;
/// How often a repository may have been renamed.
const MOVES: usize = 3;
/// Characters of what a provider says that are shown.
const SHOWN: usize = 300;

/// Carries requests. It follows no redirects, keeps no cookies, and knows which networks may be reached.
#[async_trait]
pub trait Http: Debug + Send + Sync {
    /// The answer, whatever its status, if its body has at most `limit` bytes.
    ///
    /// # Errors
    /// A sentence for people, without secrets.
    async fn send(
        &self,
        request: Request<Bytes>,
        limit: usize,
    ) -> std::result::Result<Response<Bytes>, String>;
}

#[derive(Clone, Debug)]
pub(super) struct Api {
    http: Arc<dyn Http>,
    base: Url,
    headers: HeaderMap,
}

pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Bytes,
}

impl Api {
    pub fn new(base: &Url, credential: &Credential, http: Arc<dyn Http>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static("Statehouse"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let api = Self { http, base: base.clone(), headers };
        match credential {
            Credential::None => api,
            Credential::Token(token) => {
                api.with_secret(AUTHORIZATION, &format!("Bearer {}", token.expose_secret()))
            }
            Credential::Personal(token) => api.with_secret(AUTHORIZATION, &basic("", token)),
            Credential::Basic { user, password } => {
                api.with_secret(AUTHORIZATION, &basic(user, password))
            }
        }
    }

    pub fn of(connection: &Connection, http: Arc<dyn Http>) -> Self {
        Self::new(&connection.api_url, &connection.credential, http)
    }

    pub fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// A value that no header can have is left away: the provider then says that nobody is signed in.
    pub fn with_secret(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.headers.insert(name, value);
        }
        self
    }

    /// An address below the API's own. Each part is one part, whatever is in it.
    pub fn url(&self, parts: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// An address that the provider has given, if it is one of its own.
    pub fn own(&self, text: &str) -> Result<Url> {
        let url = Url::parse(text).map_err(|error| ProviderError::Unreadable(error.to_string()))?;
        if url.origin() == self.base.origin() && url.username().is_empty() {
            return Ok(url);
        }
        Err(ProviderError::Unreadable("it leads to another server".into()))
    }

    pub async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T> {
        self.send(Method::GET, url, None).await?.json()
    }

    pub async fn post<T: DeserializeOwned>(&self, url: Url, body: Value) -> Result<T> {
        self.send(Method::POST, url, Some(body)).await?.json()
    }

    /// Any answer that is good.
    pub async fn send(&self, method: Method, url: Url, body: Option<Value>) -> Result<Answer> {
        let json = HeaderValue::from_static("application/json");
        let body = body.map(|body| (json, Bytes::from(body.to_string())));
        self.carry(method, url, body).await
    }

    /// Removes what is there; gone already is good.
    pub async fn delete(&self, url: Url) -> Result<()> {
        match self.send(Method::DELETE, url, None).await {
            Ok(_) | Err(ProviderError::Gone(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// As forms are sent.
    pub async fn send_form(&self, url: Url, pairs: &[(&str, &str)]) -> Result<Answer> {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let text =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.carry(Method::POST, url, Some((form, Bytes::from(text)))).await
    }

    async fn carry(
        &self,
        method: Method,
        mut url: Url,
        body: Option<(HeaderValue, Bytes)>,
    ) -> Result<Answer> {
        for _ in 0..=MOVES {
            let mut request =
                Request::new(body.as_ref().map_or_else(Bytes::new, |(_, b)| b.clone()));
            *request.method_mut() = method.clone();
            *request.headers_mut() = self.headers.clone();
            if let Some((kind, _)) = &body {
                request.headers_mut().insert(CONTENT_TYPE, kind.clone());
            }
            let uri = url.as_str().parse::<Uri>();
            *request.uri_mut() =
                uri.map_err(|_| ProviderError::Setting(format!("{url} is no address")))?;
            let answer =
                self.http.send(request, ANSWER_LIMIT).await.map_err(ProviderError::Away)?;
            let (head, body) = answer.into_parts();
            let answer = Answer { status: head.status, headers: head.headers, body };
            if !answer.status.is_redirection() || method != Method::GET {
                return answer.good();
            }
            // Renamed. Elsewhere nobody is shown the token.
            let to =
                answer.headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
            let to = url.join(to).map_err(|error| ProviderError::Unreadable(error.to_string()))?;
            if to.origin() != self.base.origin() {
                // Azure DevOps leads to its sign-in page.
                return Err(ProviderError::Revoked);
            }
            url = to;
        }
        Err(ProviderError::Unreadable("it leads from address to address".into()))
    }
}

impl Answer {
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let read = serde_json::from_slice(&self.body);
        read.map_err(|error| ProviderError::Unreadable(error.to_string()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next page by number, where `Link` says that there is one.
    pub fn next_number(&self, from: Option<&Cursor>) -> Option<Cursor> {
        let links = self.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        let has_next =
            links.flat_map(|value| value.split(',')).any(|link| link.contains("rel=\"next\""));
        has_next.then(|| Cursor((number(from) + 1).to_string()))
    }

    /// Itself, or what is wrong.
    fn good(self) -> Result<Self> {
        // Azure DevOps shows its sign-in page with 203.
        if self.status == StatusCode::NON_AUTHORITATIVE_INFORMATION {
            return Err(ProviderError::Revoked);
        }
        if self.status.is_success() {
            return Ok(self);
        }
        let said = self.said();
        let is_spent = self.header("x-ratelimit-remaining") == Some("0");
        let is_limited = self.status == StatusCode::FORBIDDEN
            && (is_spent || self.headers.contains_key("retry-after"));
        Err(match self.status {
            StatusCode::TOO_MANY_REQUESTS => ProviderError::Limited(Wait::read(&self.headers)),
            _ if is_limited => ProviderError::Limited(Wait::read(&self.headers)),
            StatusCode::UNAUTHORIZED => ProviderError::Revoked,
            StatusCode::FORBIDDEN => ProviderError::Forbidden(said),
            StatusCode::NOT_FOUND | StatusCode::GONE => ProviderError::Gone(said),
            status if status.is_server_error() => ProviderError::Away(format!("status {status}")),
            _ => ProviderError::Refused(said),
        })
    }

    /// What it says in its own words: each family has its own place for them.
    fn said(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let places =
            ["/errors/0/message", "/error/message", "/message", "/error_description", "/error"];
        let found = places.iter().find_map(|place| {
            let said = body.pointer(place)?;
            said.as_str().map(str::to_owned).or_else(|| (!said.is_null()).then(|| said.to_string()))
        });
        let said = found.unwrap_or_else(|| format!("status {}", self.status));
        said.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
    }
}

/// Of a page whose cursor is its number.
pub(super) fn number(from: Option<&Cursor>) -> u64 {
    from.and_then(|cursor| cursor.0.parse().ok()).unwrap_or(1)
}

pub(super) fn basic(user: &str, password: &SecretString) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose_secret())))
}

impl<T> Page<T> {
    pub(super) fn read<U>(
        items: impl IntoIterator<Item = U>,
        next: Option<Cursor>,
        read: impl Fn(U) -> Result<T>,
    ) -> Result<Self> {
        Ok(Self { items: items.into_iter().map(read).collect::<Result<_>>()?, next })
    }
}
