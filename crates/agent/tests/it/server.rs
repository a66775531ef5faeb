//! The server's half of the protocol, in memory, with switches for what can go wrong.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use protocol::{
    Cancel, Job, Leave, LogPosition, Orders, Outcome, Recovered, Register, Registered, StateKept,
};
use regex::Regex;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

pub const TOKEN: &str = "agent-secret-token";

/// What the server knows of one job.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Names of the calls in their order; a heartbeat is none.
    pub calls: Vec<String>,
    pub log: Vec<u8>,
    pub states: Vec<Bytes>,
    /// What came late and was taken, and how often something came late.
    pub recovered: Vec<Bytes>,
    pub offers: usize,
    pub artifacts: HashMap<String, Bytes>,
    pub outcome: Option<Outcome>,
    pub finished: bool,
    pub cancel: Cancel,
    pub gone: bool,
}

impl Record {
    /// The log as it is.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.log).into_owned()
    }

    /// The log without colours.
    pub fn text(&self) -> String {
        static COLOUR: LazyLock<Regex> = LazyLock::new(|| Regex::new("\x1b\\[[0-9;]*m").unwrap());
        COLOUR.replace_all(&self.raw(), "").into_owned()
    }

    /// What the commands of resources printed.
    pub fn printed(&self) -> Vec<String> {
        let lines = self.text();
        let lines = lines.lines().filter_map(|line| line.split_once("(local-exec): "));
        lines.map(|(_, line)| line.to_owned()).collect()
    }

    pub fn outcome(&self) -> &Outcome {
        self.outcome.as_ref().expect("the job has an outcome")
    }

    pub fn called(&self, name: &str) -> Option<usize> {
        self.calls.iter().position(|call| call == name)
    }
}

#[derive(Default)]
pub struct World {
    queue: VecDeque<Job>,
    pub jobs: HashMap<String, Record>,
    pub blobs: HashMap<String, Bytes>,
    pub downloads: HashMap<String, usize>,
    pub registrations: Vec<Register>,
    /// Ids of agents that said goodbye.
    pub left: Vec<String>,
    /// The next appends store a part of what they got and answer 500.
    pub torn_appends: usize,
    /// The next append finds that the server has lost all but this many bytes.
    pub forgotten_log: Option<usize>,
    /// Answer to every state.
    pub refuse_states: Option<StatusCode>,
    /// Answer to every state that comes late, which is taken if that is 200. Without one the server does not know the call.
    pub recovered: Option<StatusCode>,
    /// Every state is taken, and another one is read back.
    pub forgets_states: bool,
    /// The one of this name is refused for good.
    pub refuse_artifacts: Option<&'static str>,
}

#[derive(Clone)]
pub struct Server {
    world: Arc<Mutex<World>>,
    changed: Arc<Notify>,
    pub address: String,
}

impl Server {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { world: Arc::default(), changed: Arc::default(), address };
        let router = Router::new()
            .route("/agent/v1/register", post(register))
            .route("/agent/v1/jobs/claim", post(claim))
            .route("/agent/v1/leave", post(leave))
            .route("/agent/v1/jobs/{job}/start", post(start))
            .route("/agent/v1/jobs/{job}/heartbeat", post(heartbeat))
            .route("/agent/v1/jobs/{job}/log", put(log))
            .route("/agent/v1/jobs/{job}/state", put(state))
            .route("/agent/v1/jobs/{job}/recovered-state", put(recovered))
            .route("/agent/v1/jobs/{job}/artifacts/{name}", put(artifact))
            .route("/agent/v1/jobs/{job}/outcome", post(outcome))
            .route("/agent/v1/jobs/{job}/finish", post(finish))
            .route("/blobs/{name}", get(blob))
            .route("/damaged/{name}", get(damaged))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub fn record(&self, job: &str) -> Record {
        self.world().jobs.get(job).cloned().unwrap_or_default()
    }

    pub fn enqueue(&self, job: Job) {
        self.world().queue.push_back(job);
        self.changed.notify_waiters();
    }

    pub fn blob(&self, name: &str, content: impl Into<Bytes>) -> String {
        self.world().blobs.insert(name.to_owned(), content.into());
        format!("{}/blobs/{name}", self.address)
    }

    /// Waits until the job looks as wanted; fails after a minute, showing how it looks.
    pub async fn until(&self, job: &str, what: impl Fn(&Record) -> bool) -> Record {
        let waited = tokio::time::timeout(Duration::from_mins(1), async {
            loop {
                let record = self.record(job);
                if what(&record) {
                    return record;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("{job} stays at {:#?}", self.record(job)))
    }

    fn change(
        &self,
        headers: &HeaderMap,
        job: &str,
        call: &str,
        change: impl FnOnce(&mut Record),
    ) -> StatusCode {
        if let Err(refused) = authorized(headers) {
            return refused;
        }
        let mut world = self.world();
        let record = world.jobs.entry(job.to_owned()).or_default();
        if record.gone {
            return StatusCode::GONE;
        }
        record.calls.push(call.to_owned());
        change(record);
        StatusCode::NO_CONTENT
    }
}

fn authorized(headers: &HeaderMap) -> Result<(), StatusCode> {
    let expected = format!("Bearer {TOKEN}");
    match headers.get("authorization") {
        Some(value) if *value == *expected => Ok(()),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}

async fn register(
    State(server): State<Server>,
    headers: HeaderMap,
    Json(body): Json<Register>,
) -> Result<Json<Registered>, StatusCode> {
    authorized(&headers)?;
    server.world().registrations.push(body);
    Ok(Json(Registered { agent_id: "agent-1".into() }))
}

async fn leave(
    State(server): State<Server>,
    headers: HeaderMap,
    Json(body): Json<Leave>,
) -> Result<StatusCode, StatusCode> {
    authorized(&headers)?;
    server.world().left.push(body.agent_id);
    Ok(StatusCode::NO_CONTENT)
}

async fn claim(State(server): State<Server>, headers: HeaderMap) -> Response {
    if let Err(refused) = authorized(&headers) {
        return refused.into_response();
    }
    for _ in 0..20 {
        let woken = server.changed.notified();
        if let Some(job) = server.world().queue.pop_front() {
            return Json(job).into_response();
        }
        let _ = tokio::time::timeout(Duration::from_millis(50), woken).await;
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn start(
    State(server): State<Server>,
    Path(job): Path<String>,
    headers: HeaderMap,
) -> StatusCode {
    server.change(&headers, &job, "start", |_| {})
}

async fn heartbeat(
    State(server): State<Server>,
    Path(job): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Orders>, StatusCode> {
    authorized(&headers)?;
    let record = server.record(&job);
    if record.gone {
        return Err(StatusCode::GONE);
    }
    Ok(Json(Orders { cancel: record.cancel }))
}

#[derive(serde::Deserialize)]
struct Offset {
    offset: usize,
}

async fn log(
    State(server): State<Server>,
    Path(job): Path<String>,
    Query(Offset { offset }): Query<Offset>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<LogPosition>, StatusCode> {
    authorized(&headers)?;
    let mut world = server.world();
    if let Some(length) = world.forgotten_log
        && !body.is_empty()
        && world.jobs.get(&job).is_some_and(|record| record.log.len() > length)
    {
        world.forgotten_log = None;
        world.jobs.get_mut(&job).unwrap().log.truncate(length);
    }
    let torn = world.torn_appends > 0 && body.len() > 1;
    if torn {
        world.torn_appends -= 1;
    }
    let record = world.jobs.entry(job).or_default();
    if record.gone {
        return Err(StatusCode::GONE);
    }
    let known = record.log.len();
    if offset > known {
        return Err(StatusCode::CONFLICT);
    }
    let end = if torn { body.len() / 2 } else { body.len() };
    if offset + end > known {
        record.log.extend_from_slice(&body[known - offset..end]);
    }
    if torn {
        return Err(StatusCode::INTERNAL_SERVER_ERROR);
    }
    record.calls.push("log".to_owned());
    Ok(Json(LogPosition { length: record.log.len() as u64 }))
}

async fn state(
    State(server): State<Server>,
    Path(job): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refused) = server.world().refuse_states {
        return refused.into_response();
    }
    let kept = server.world().forgets_states.then(|| Bytes::from_static(b"another"));
    let sha256 = hex::encode(Sha256::digest(kept.as_ref().unwrap_or(&body)));
    match server.change(&headers, &job, "state", |record| record.states.push(body)) {
        StatusCode::NO_CONTENT => Json(StateKept { sha256 }).into_response(),
        refused => refused.into_response(),
    }
}

async fn recovered(
    State(server): State<Server>,
    Path(job): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Err(refused) = authorized(&headers) {
        return refused.into_response();
    }
    let mut world = server.world();
    let answer = world.recovered.unwrap_or(StatusCode::NOT_FOUND);
    let record = world.jobs.entry(job).or_default();
    record.offers += 1;
    if answer != StatusCode::OK {
        return answer.into_response();
    }
    let sha256 = hex::encode(Sha256::digest(&body));
    record.recovered.push(body);
    Json(Recovered { sha256, is_current: true }).into_response()
}

async fn artifact(
    State(server): State<Server>,
    Path((job, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if server.world().refuse_artifacts == Some(name.as_str()) {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    let call = name.clone();
    server.change(&headers, &job, &call, |record| drop(record.artifacts.insert(name, body)))
}

async fn outcome(
    State(server): State<Server>,
    Path(job): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Outcome>,
) -> StatusCode {
    server.change(&headers, &job, "outcome", |record| record.outcome = Some(body))
}

async fn finish(
    State(server): State<Server>,
    Path(job): Path<String>,
    headers: HeaderMap,
) -> StatusCode {
    server.change(&headers, &job, "finish", |record| record.finished = true)
}

async fn damaged(State(server): State<Server>) -> Response {
    *server.world().downloads.entry("damaged".into()).or_default() += 1;
    let error = serde_json::json!({ "status": "500", "title": protocol::DAMAGED });
    let body = Json(serde_json::json!({ "errors": [error] }));
    (StatusCode::INTERNAL_SERVER_ERROR, body).into_response()
}

async fn blob(
    State(server): State<Server>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Bytes, StatusCode> {
    // The addresses of blobs are signed; the agent's token must not travel to them.
    if headers.contains_key("authorization") {
        return Err(StatusCode::BAD_REQUEST);
    }
    let mut world = server.world();
    *world.downloads.entry(name.clone()).or_default() += 1;
    world.blobs.get(&name).cloned().ok_or(StatusCode::NOT_FOUND)
}
