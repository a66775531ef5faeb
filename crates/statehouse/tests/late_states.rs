//! A real engine, a real agent and a real server whose store of blobs takes no states for a while.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod engine;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use serde_json::json;
use testkit::{Answer, Server, Working};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use engine::engine;

/// A server whose states are, as long as `is_full`, taken to where the blobs are away. Everything else goes on.
async fn serve(is_full: Arc<AtomicBool>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::start_with(|options| options.settings.public_url = url).await;
    let whole = api::router(server.app.clone());
    let full = api::router(server.beside_without_blobs().await);
    let answer = move |request: Request| {
        let is_state = request.uri().path().ends_with("state");
        let router = if is_state && is_full.load(Ordering::SeqCst) { &full } else { &whole };
        router.clone().oneshot(request)
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    server
}

struct Agent {
    shutdown: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Agent {
    fn start(server: &Server, folder: &Path) -> Self {
        let shutdown = CancellationToken::new();
        let config = agent::Config {
            server: server.url().parse().unwrap(),
            token: server.app.embedded_agent_token().expose().to_owned().into(),
            name: "test".into(),
            work_dir: folder.join("work"),
            engine_cache_dir: folder.join("cache"),
            engines: vec![engine().0],
            search_path: false,
            concurrency: 1,
            supervisor: env!("CARGO_BIN_EXE_statehouse").into(),
            hidden_paths: Vec::new(),
            shared_paths: Vec::new(),
            sandbox: agent::Sandbox::Preferred,
            limits: agent::Limits::default(),
            keep_init: true,
            cli_config_file: None,
            ca_file: None,
            grace: Duration::from_secs(20),
            answer: agent::ANSWER,
            patience: Duration::from_millis(100),
            budget: agent::Budget::default(),
            min_free_disk: 0,
        };
        let task = tokio::spawn(agent::run(config, shutdown.clone()));
        Self { shutdown, task }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// A configuration of one resource.
fn archive(folder: &Path) -> Vec<u8> {
    let files = folder.join("configuration");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("main.tf"), "resource \"terraform_data\" \"made\" {}\n").unwrap();
    let packed = Command::new("tar").args(["-czf", "-", "-C"]).arg(&files).arg(".").output();
    packed.unwrap().stdout
}

async fn until(server: &Server, path: String, what: impl Fn(&Answer) -> bool) -> Answer {
    let waited = tokio::time::timeout(Duration::from_mins(2), async {
        loop {
            let answer = server.owner().get(&path).await;
            if what(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{path} does not come to it"))
}

/// Runs the newest configuration to an end in one of these ways.
async fn run(server: &Server, workspace: &str, ends: &[&str]) -> String {
    let body = json!({ "data": { "type": "runs", "attributes": { "auto-apply": true },
        "relationships": { "workspace": { "data": { "type": "workspaces", "id": workspace } } } } });
    let id = server.owner().post("/runs", body).await.is_created().id();
    until(server, format!("/runs/{id}"), |run| {
        let status = run.attribute("status");
        assert!(ends.contains(&"errored") || status != "errored", "{run}");
        ends.iter().any(|end| status == *end)
    })
    .await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_apply_has_made_is_in_the_state_when_the_store_takes_states_again() {
    let folder = tempfile::tempdir().unwrap();
    let is_full = Arc::new(AtomicBool::new(true));
    let server = serve(is_full.clone()).await;
    let working = Working::at(&server.app, Duration::from_millis(100));
    let first = Agent::start(&server, folder.path());
    let owner = server.owner();
    let ws = server.workspace("networking").await.id;
    let change = json!({ "data": { "type": "workspaces",
        "attributes": { "terraform-version": engine().1 } } });
    owner.patch(format!("/workspaces/{ws}"), change).await.is_ok();
    let new = json!({ "data": { "type": "configuration-versions",
        "attributes": { "auto-queue-runs": false } } });
    let made = owner.post(format!("/workspaces/{ws}/configuration-versions"), new).await;
    let address = made.is_created().attribute("upload-url");
    owner.put(address.as_str().unwrap(), archive(folder.path())).await.is_ok();

    let errored = run(&server, ws.as_str(), &["errored"]).await;
    let current = format!("/workspaces/{ws}/current-state-version");
    owner.get(&current).await.is_not_found();
    let apply = owner.get(format!("/runs/{errored}/apply")).await.is_ok();
    let message = apply.attribute("message").to_string();
    assert!(message.contains("offered to the server until it has it"), "{message}");
    owner.delete(format!("/workspaces/{ws}")).await.is_conflict();
    let kept = folder.path().join("work/errored");
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 2, "the state and its note");

    first.stop().await;
    let second = Agent::start(&server, folder.path());
    is_full.store(false, Ordering::SeqCst);
    let version = until(&server, current, |answer| answer.status == 200).await;
    assert_eq!(version.related("run"), errored);
    let state = owner.get(format!("/state-versions/{}/download", version.id())).await.is_ok();
    assert!(state.text().contains("\"made\""), "{}", state.text());
    until(&server, format!("/runs/{errored}/apply"), |apply| {
        apply.attribute("message").to_string().contains("it is the workspace's current one")
    })
    .await;
    // What is made is not made again.
    run(&server, ws.as_str(), &["planned_and_finished"]).await;
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 0);
    second.stop().await;
    working.end().await;
}
