//! A server's API as it is asked here: paced, patient, and through all pages.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use http::{Method, StatusCode, header::RETRY_AFTER};
use reqwest::Response;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, sleep_until},
};
use url::Url;

const JSON_API: &str = "application/vnd.api+json";
/// As many as servers give at once.
const PAGE: usize = 100;
/// How often a server that fails is asked again.
const ATTEMPTS: u32 = 6;
/// How often a server that is asked too much is asked again.
const PATIENCE: u32 = 200;
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(2);

/// A server, and in whose name it is asked.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    /// With a slash at the end.
    base: Url,
    token: SecretString,
    /// Between two requests.
    pace: Duration,
    next: Mutex<Option<Instant>>,
    calls: AtomicU64,
    waits: AtomicU64,
}

/// How a server is asked.
#[derive(Debug)]
pub struct Access {
    pub address: Url,
    pub token: SecretString,
    /// Requests a second; 0 for as many as go.
    pub rate: u32,
    /// Certificates to trust beside those of the system, as PEM.
    pub ca: Option<Vec<u8>>,
}

/// A request that the server refuses.
#[derive(Debug)]
pub struct Refused {
    pub asked: String,
    pub status: StatusCode,
    /// What it says, and of which part of the request.
    pub errors: Vec<(String, String)>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.asked, self.status)?;
        for (detail, pointer) in &self.errors {
            write!(f, "; {detail}")?;
            if !pointer.is_empty() {
                write!(f, " ({pointer})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// The status of a refusal, if it is one.
pub fn status(error: &anyhow::Error) -> Option<StatusCode> {
    error.downcast_ref::<Refused>().map(|refused| refused.status)
}

impl Client {
    /// # Errors
    /// For certificates that cannot be read.
    pub fn new(access: Access) -> Result<Self> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("statehouse/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(30))
            .read_timeout(Duration::from_mins(2));
        for certificate in access.ca.iter().map(|pem| reqwest::Certificate::from_pem_bundle(pem)) {
            for certificate in certificate.context("the certificates to trust")? {
                http = http.add_root_certificate(certificate);
            }
        }
        let pace = match access.rate {
            0 => Duration::ZERO,
            rate => Duration::from_secs(1) / rate,
        };
        Ok(Self {
            http: http.build()?,
            base: access.address.join("/")?,
            token: access.token,
            pace,
            next: Mutex::new(None),
            calls: AtomicU64::new(0),
            waits: AtomicU64::new(0),
        })
    }

    /// Without a slash at the end.
    pub fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    pub fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// How often the server was asked, and how often it wanted to be left alone for a while.
    pub fn calls(&self) -> (u64, u64) {
        (self.calls.load(Ordering::Relaxed), self.waits.load(Ordering::Relaxed))
    }

    /// Paths are below `/api/v2`.
    ///
    /// # Errors
    /// [`Refused`] for all but success.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.send(&Method::GET, &self.below(path)?, None).await?;
        Ok(answer.json().await?)
    }

    /// `None` for what is not there, or may not be seen.
    ///
    /// # Errors
    /// As `get`.
    pub async fn find(&self, path: &str) -> Result<Option<Value>> {
        match self.get(path).await {
            Ok(document) => Ok(Some(document)),
            Err(error) if status(&error) == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The items of all pages; `None` for a list that is not there, or may not be seen.
    ///
    /// # Errors
    /// As `get`.
    pub async fn list(&self, path: &str) -> Result<Option<Vec<Value>>> {
        let sign = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        for page in 1.. {
            let path = format!("{path}{sign}page%5Bnumber%5D={page}&page%5Bsize%5D={PAGE}");
            let Some(mut document) = self.find(&path).await? else { return Ok(None) };
            match document["data"].take() {
                Value::Array(more) => items.extend(more),
                Value::Null => {}
                one => items.push(one),
            }
            // What has no pages has all of it.
            if document["meta"]["pagination"]["next-page"].is_null() {
                break;
            }
        }
        Ok(Some(items))
    }

    /// What lies at an address, which may be absolute or redirect elsewhere. The token goes to the server alone.
    ///
    /// # Errors
    /// As `get`.
    pub async fn download(&self, address: &str) -> Result<Vec<u8>> {
        let answer = self.send(&Method::GET, &self.base.join(address)?, None).await?;
        Ok(answer.bytes().await?.to_vec())
    }

    /// # Errors
    /// [`Refused`] for all but success. Whether a request whose answer is lost was obeyed is not known.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.write(&Method::POST, path, body.to_string().into()).await
    }

    /// # Errors
    /// As `post`.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        self.write(&Method::PATCH, path, body.to_string().into()).await
    }

    /// # Errors
    /// As `post`.
    pub async fn put(&self, path: &str, body: Vec<u8>) -> Result<Value> {
        self.write(&Method::PUT, path, body).await
    }

    async fn write(&self, method: &Method, path: &str, body: Vec<u8>) -> Result<Value> {
        let answer = self.send(method, &self.below(path)?, Some(body)).await?;
        let bytes = answer.bytes().await?;
        Ok(if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? })
    }

    fn below(&self, path: &str) -> Result<Url> {
        Ok(self.base.join("api/v2/")?.join(path)?)
    }

    /// Asks until there is an answer that counts. Only what changes nothing is asked again after a failure.
    async fn send(&self, method: &Method, url: &Url, body: Option<Vec<u8>>) -> Result<Response> {
        let asked = format!("{method} {}{}", self.address(), url.path());
        let (mut failures, mut waits) = (0, 0);
        loop {
            self.take_turn().await;
            let mut request = self.http.request(method.clone(), url.clone());
            // Addresses of archives and states carry their own secret.
            if url.origin() == self.base.origin() && !url.path().starts_with("/_archivist/") {
                request = request.bearer_auth(self.token.expose_secret());
            }
            if let Some(body) = &body {
                request = request.header("content-type", JSON_API).body(body.clone());
            }
            self.calls.fetch_add(1, Ordering::Relaxed);
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) if failures < ATTEMPTS && (error.is_connect() || body.is_none()) => {
                    failures += 1;
                    sleep(backoff(failures)).await;
                    continue;
                }
                Err(error) => return Err(error.without_url()).context(asked),
            };
            let status = answer.status();
            if status.is_success() {
                return Ok(answer);
            }
            if status == StatusCode::TOO_MANY_REQUESTS && waits < PATIENCE {
                waits += 1;
                self.waits.fetch_add(1, Ordering::Relaxed);
                self.hold_up(asked_wait(&answer)).await;
                continue;
            }
            if status.is_server_error() && body.is_none() && failures < ATTEMPTS {
                failures += 1;
                sleep(backoff(failures)).await;
                continue;
            }
            if status == StatusCode::UNAUTHORIZED {
                bail!("{asked}: the token is not accepted");
            }
            let text = answer.text().await.unwrap_or_default();
            return Err(Refused { asked, status, errors: errors(&text) }.into());
        }
    }

    async fn take_turn(&self) {
        let mut next = self.next.lock().await;
        let now = Instant::now();
        let at = next.unwrap_or(now).max(now);
        *next = Some(at + self.pace);
        drop(next);
        sleep_until(at).await;
    }

    /// Whoever is told to wait waits for all.
    async fn hold_up(&self, wait: Duration) {
        let mut next = self.next.lock().await;
        let at = Instant::now() + wait;
        *next = Some(next.map_or(at, |next| next.max(at)));
    }
}

fn backoff(failures: u32) -> Duration {
    Duration::from_millis(250 << failures.min(6))
}

/// Seconds, in one of the two ways that servers say it.
fn asked_wait(answer: &Response) -> Duration {
    let header = |name: &str| answer.headers().get(name)?.to_str().ok()?.parse::<f64>().ok();
    let seconds = header(RETRY_AFTER.as_str()).or_else(|| header("x-ratelimit-reset"));
    Duration::try_from_secs_f64(seconds.unwrap_or(1.0)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
}

fn errors(text: &str) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let each = |error: &Value| {
        let said = |member: &Value| member.as_str().map(str::to_owned);
        let detail = said(&error["detail"]).or_else(|| said(&error["title"]));
        (detail.unwrap_or_default(), said(&error["source"]["pointer"]).unwrap_or_default())
    };
    document["errors"].as_array().map(|all| all.iter().map(each).collect()).unwrap_or_default()
}
