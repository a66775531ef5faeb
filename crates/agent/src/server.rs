//! The server as an agent sees it: one method per call of the protocol, and how long to insist.

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use futures::StreamExt as _;
use protocol::{
    Artifact, Claim, Job, Leave, LogPosition, Orders, Outcome, Recovered, Register, Registered,
    StateKept,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use crate::Config;

/// For calls without a large body.
const SHORT: Duration = Duration::from_secs(30);
/// For uploads, whatever the line is like.
const LONG: Duration = Duration::from_mins(15);

pub(crate) struct Server {
    http: reqwest::Client,
    base: Url,
    token: SecretString,
}

/// Why a call had no success. Addresses are left out: those of blobs are secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("the job is no longer this agent's")]
    Gone,
    #[error("the server answered {status} to “{call}”: {body}")]
    Refused { call: &'static str, status: StatusCode, body: String },
    #[error("“{call}” did not reach the server: {reason}")]
    Unreachable { call: &'static str, reason: String },
    #[error("the server holds another state than it was given")]
    NotKept,
    #[error("what the server has stored of it is damaged")]
    Damaged,
    #[error("{0}")]
    Local(#[from] io::Error),
    #[error("the download is larger than {0} bytes")]
    TooLarge(u64),
}

impl CallError {
    /// Whether the same call may succeed later: the server restarts, the network is away.
    pub fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => {
                status.is_server_error()
                    || *status == StatusCode::TOO_MANY_REQUESTS
                    || *status == StatusCode::REQUEST_TIMEOUT
            }
            Self::Gone | Self::NotKept | Self::Damaged | Self::Local(_) | Self::TooLarge(_) => {
                false
            }
        }
    }

    /// Whether the server has said that it will never take what was offered.
    pub fn is_final(&self) -> bool {
        let never = [StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY];
        matches!(self, Self::Gone) || self.status().is_some_and(|status| never.contains(&status))
    }

    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

type Result<T, E = CallError> = std::result::Result<T, E>;

impl Server {
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("statehouse-agent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10));
        // A proxy cannot reach our own loopback.
        if config.server.host_str().is_some_and(is_loopback) {
            http = http.no_proxy();
        }
        if let Some(path) = &config.ca_file {
            let pem = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
            for root in reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("{} is not a PEM bundle", path.display()))?
            {
                http = http.add_root_certificate(root);
            }
        }
        let mut base = config.server.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { http: http.build()?, base, token: config.token.clone() })
    }

    pub async fn register(&self, body: &Register) -> Result<Registered> {
        let request = self.request(Method::POST, "register").json(body).timeout(SHORT);
        json("register", send("register", request).await?).await
    }

    pub async fn leave(&self, body: &Leave) -> Result<()> {
        let request = self.request(Method::POST, "leave").json(body).timeout(SHORT);
        send("leave", request).await.map(drop)
    }

    pub async fn claim(&self, body: &Claim) -> Result<Option<Job>> {
        let patience = Duration::from_secs(body.wait_seconds) + SHORT;
        let request = self.request(Method::POST, "jobs/claim").json(body).timeout(patience);
        let response = send("claim", request).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        json("claim", response).await.map(Some)
    }

    pub async fn start(&self, job: &str) -> Result<()> {
        let request = self.request(Method::POST, &format!("jobs/{job}/start"));
        send("start", request.timeout(SHORT)).await.map(drop)
    }

    pub async fn heartbeat(&self, job: &str) -> Result<Orders> {
        let request = self.request(Method::POST, &format!("jobs/{job}/heartbeat"));
        json("heartbeat", send("heartbeat", request.timeout(SHORT / 3)).await?).await
    }

    pub async fn append_log(&self, job: &str, offset: u64, bytes: Bytes) -> Result<LogPosition> {
        let path = format!("jobs/{job}/log?offset={offset}");
        let request = self.request(Method::PUT, &path).body(bytes).timeout(SHORT);
        json("log", send("log", request).await?).await
    }

    /// Fails unless the server has committed the state and read back the same bytes.
    pub async fn put_state(&self, job: &str, state: Bytes) -> Result<()> {
        let digest = hex::encode(Sha256::digest(&state));
        let request = self.request(Method::PUT, &format!("jobs/{job}/state")).body(state);
        let kept: StateKept = json("state", send("state", request.timeout(LONG)).await?).await?;
        if kept.sha256 == digest { Ok(()) } else { Err(CallError::NotKept) }
    }

    /// Offers a state after its apply is over; answers whether it is the workspace's current one. Fails as
    /// [`Self::put_state`].
    pub async fn put_recovered(&self, job: &str, state: Bytes) -> Result<bool> {
        let digest = hex::encode(Sha256::digest(&state));
        let path = format!("jobs/{job}/recovered-state");
        let request = self.request(Method::PUT, &path).body(state).timeout(LONG);
        let call = "recovered-state";
        let kept: Recovered = json(call, send(call, request).await?).await?;
        if kept.sha256 == digest { Ok(kept.is_current) } else { Err(CallError::NotKept) }
    }

    pub async fn put_artifact(&self, job: &str, artifact: Artifact, bytes: Bytes) -> Result<()> {
        let path = format!("jobs/{job}/artifacts/{}", artifact.as_str());
        let request = self.request(Method::PUT, &path).body(bytes).timeout(LONG);
        send(artifact.as_str(), request).await.map(drop)
    }

    pub async fn outcome(&self, job: &str, outcome: &Outcome) -> Result<()> {
        let request = self.request(Method::POST, &format!("jobs/{job}/outcome"));
        send("outcome", request.json(outcome).timeout(SHORT)).await.map(drop)
    }

    pub async fn finish(&self, job: &str) -> Result<()> {
        let request = self.request(Method::POST, &format!("jobs/{job}/finish"));
        send("finish", request.timeout(SHORT)).await.map(drop)
    }

    /// Fetches a blob into a new file; relative addresses are the server's.
    pub async fn download(
        &self,
        what: &'static str,
        url: &str,
        to: &Path,
        limit: u64,
    ) -> Result<()> {
        let url = self
            .base
            .join(url)
            .map_err(|error| CallError::Unreachable { call: what, reason: error.to_string() })?;
        let response = send(what, self.http.get(url).timeout(LONG)).await?;
        let mut file = tokio::fs::File::create(to).await?;
        let (mut body, mut size) = (response.bytes_stream(), 0);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| unreachable(what, error))?;
            size += chunk.len() as u64;
            if size > limit {
                return Err(CallError::TooLarge(limit));
            }
            file.write_all(&chunk).await?;
        }
        Ok(file.flush().await?)
    }

    /// For addresses outside the server; no token is sent.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self
            .base
            .join(&format!("agent/v1/{path}"))
            .expect("job ids are checked when they are claimed");
        self.http.request(method, url).bearer_auth(self.token.expose_secret())
    }
}

/// Repeats a call while its error may pass, for at most `patience`, with growing pauses.
pub(crate) async fn insist<T, F>(patience: Duration, mut call: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let end = Instant::now() + patience;
    let mut pause = Backoff::default();
    loop {
        match call().await {
            Err(error) if error.passes() && Instant::now() < end => {
                tracing::debug!(%error, "call failed; it will be repeated");
                pause.wait().await;
            }
            answer => return answer,
        }
    }
}

/// Pauses that double from 100 ms to 5 s, each shortened at random by up to a half.
#[derive(Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    pub async fn wait(&mut self) {
        let full = Duration::from_millis(100 << self.0.min(6)).min(Duration::from_secs(5));
        self.0 += 1;
        tokio::time::sleep(full.mul_f64(rand::random_range(0.5..=1.0))).await;
    }
}

async fn send(call: &'static str, request: RequestBuilder) -> Result<Response> {
    let response = request.send().await.map_err(|error| unreachable(call, error))?;
    match response.status() {
        StatusCode::GONE => Err(CallError::Gone),
        status if status.is_success() => Ok(response),
        status => {
            let mut body = response.text().await.unwrap_or_default();
            if status == StatusCode::INTERNAL_SERVER_ERROR && body.contains(protocol::DAMAGED) {
                return Err(CallError::Damaged);
            }
            body.truncate(body.floor_char_boundary(500));
            Err(CallError::Refused { call, status, body })
        }
    }
}

async fn json<T: serde::de::DeserializeOwned>(call: &'static str, body: Response) -> Result<T> {
    body.json().await.map_err(|error| unreachable(call, error))
}

fn unreachable(call: &'static str, error: reqwest::Error) -> CallError {
    let error = anyhow::Error::from(error.without_url());
    CallError::Unreachable { call, reason: format!("{error:#}") }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
