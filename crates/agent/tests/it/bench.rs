//! A server, an agent and its directories as one value.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use protocol::{Engine, EngineKind, Job, Phase, PlanOptions, Variable, VariableKind};
use statehouse_agent::{Config, Limits, Sandbox};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::server::{Record, Server, TOKEN};

/// The real engine, and its version.
pub static ENGINE: LazyLock<(PathBuf, String)> = LazyLock::new(|| {
    let path = std::env::var_os("STATEHOUSE_TEST_ENGINE").map(PathBuf::from).or_else(|| {
        std::env::split_paths(&std::env::var_os("PATH")?)
            .map(|folder| folder.join("terraform"))
            .find(|path| path.is_file())
    });
    let path = path.expect(
        "these tests need a real Terraform (1.4 or later): install one on PATH, \
         or name it in STATEHOUSE_TEST_ENGINE",
    );
    let output = Command::new(&path).arg("version").env("CHECKPOINT_DISABLE", "1").output();
    let text = String::from_utf8(output.expect("the engine can be started").stdout).unwrap();
    let version = text.lines().next().and_then(|line| line.strip_prefix("Terraform v"));
    let version = version.unwrap_or_else(|| panic!("{} is not Terraform", path.display()));
    (path, version.to_owned())
});

pub struct Bench {
    pub server: Server,
    pub folder: TempDir,
    pub shutdown: CancellationToken,
    agent: Option<JoinHandle<anyhow::Result<()>>>,
}

static NUMBER: AtomicUsize = AtomicUsize::new(1);

impl Bench {
    /// An agent at work.
    pub async fn start() -> Self {
        let mut bench = Self::idle().await;
        bench.go();
        bench
    }

    /// All but the agent.
    pub async fn idle() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("open")).unwrap();
        let server = Server::start().await;
        Self { server, folder, shutdown: CancellationToken::new(), agent: None }
    }

    pub fn go(&mut self) {
        let config = self.config();
        self.go_with(config);
    }

    pub fn go_with(&mut self, config: Config) {
        let agent = statehouse_agent::run(config, self.shutdown.clone());
        self.agent = Some(tokio::spawn(agent));
    }

    pub fn config(&self) -> Config {
        Config {
            server: self.server.address.parse().unwrap(),
            token: TOKEN.to_owned().into(),
            name: "bench".into(),
            work_dir: self.path("work"),
            engine_cache_dir: self.path("cache"),
            engines: vec![ENGINE.0.clone()],
            search_path: false,
            concurrency: 2,
            supervisor: env!("CARGO_BIN_EXE_engine-exec").into(),
            hidden_paths: vec![self.path("hidden"), self.path("open/closed")],
            shared_paths: vec![self.path("open")],
            sandbox: Sandbox::Preferred,
            limits: Limits::default(),
            keep_init: true,
            cli_config_file: None,
            ca_file: None,
            grace: Duration::from_secs(20),
            answer: Duration::from_mins(1),
            patience: statehouse_agent::PATIENCE,
            budget: statehouse_agent::Budget::default(),
            min_free_disk: statehouse_agent::MIN_FREE_DISK,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Directories of jobs that are still there.
    fn leftovers(&self) -> usize {
        std::fs::read_dir(self.path("work/jobs")).map_or(0, Iterator::count)
    }

    /// Waits until every job directory is removed.
    pub async fn until_clean(&self) {
        let clean = async {
            while self.leftovers() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), clean).await.expect("nothing is left over");
    }

    /// Ends the agent and answers what it returns.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        self.agent.take().expect("the agent runs").await.unwrap()
    }

    /// Another agent on what this one has left.
    pub async fn restart(&mut self) {
        self.stop().await.unwrap();
        self.shutdown = CancellationToken::new();
        self.go();
    }

    /// Waits until no state lies here that the server does not have.
    pub async fn until_delivered(&self) {
        let delivered = async {
            while std::fs::read_dir(self.path("work/errored")).unwrap().next().is_some() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), delivered).await;
        waited.expect("all states are delivered");
    }

    pub fn plan(&self, files: &[(&str, &str)]) -> Job {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Where it does not matter what is in it, there is something all the same: nothing would not be planned.
        let files = if files.is_empty() { &[("main.tf", "")][..] } else { files };
        let url = self.server.blob(&format!("configuration-{number}"), archive(files));
        Job {
            id: format!("job-{number}"),
            run_id: format!("run-{number}"),
            phase: Phase::Plan,
            organization: "acme".into(),
            workspace: "networking".into(),
            workspace_id: "ws-1".into(),
            project: "Default Project".into(),
            engine: Engine {
                kind: EngineKind::Terraform,
                version: ENGINE.1.clone(),
                url: None,
                sha256: None,
            },
            working_directory: String::new(),
            configuration_url: Some(url),
            state_url: None,
            plan_file_url: None,
            lock_file_url: None,
            has_changes: false,
            options: PlanOptions { refresh: true, ..PlanOptions::default() },
            variables: Vec::new(),
            access: None,
            ssh_key: None,
            identity_tokens: std::collections::BTreeMap::new(),
            structured_output: false,
            timeout_seconds: 600,
            limits: protocol::Limits::default(),
            log_offset: 0,
        }
    }

    /// The apply of a plan that was run, on the given state.
    pub fn apply(&self, plan: &Job, planned: &Record, state: Option<&Bytes>) -> Job {
        let blob = |name: &str, content: Option<&Bytes>| {
            content.map(|content| self.server.blob(&format!("{name}-{}", plan.id), content.clone()))
        };
        Job {
            id: format!("{}-apply", plan.id),
            phase: Phase::Apply,
            state_url: blob("state", state),
            plan_file_url: blob("plan", planned.artifacts.get("plan-file")),
            lock_file_url: blob("lock", planned.artifacts.get("lock-file")),
            has_changes: planned.outcome().has_changes,
            ..plan.clone()
        }
    }

    /// Has a job executed to its end.
    pub async fn execute(&self, job: &Job) -> Record {
        self.server.enqueue(job.clone());
        self.server.until(&job.id, |record| record.finished).await
    }

    /// Plans, and applies what was planned.
    pub async fn plan_and_apply(&self, plan: &Job) -> (Record, Record) {
        let planned = self.execute(plan).await;
        let state = plan.state_url.as_ref().map(|url| {
            let name = Path::new(url).file_name().unwrap().to_str().unwrap();
            self.server.world().blobs[name].clone()
        });
        let apply = self.apply(plan, &planned, state.as_ref());
        let applied = self.execute(&apply).await;
        (planned, applied)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A gzip tar of regular files.
pub fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    packed(|tar| {
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            tar.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
    })
}

pub fn packed(fill: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    fill(&mut tar);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &tar.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

pub fn variable(key: &str, value: &str, hcl: bool) -> Variable {
    let kind = VariableKind::Terraform;
    Variable { key: key.into(), value: value.into(), kind, hcl, sensitive: false }
}

pub fn environment(key: &str, value: &str) -> Variable {
    Variable { kind: VariableKind::Environment, ..variable(key, value, false) }
}

/// One resource that runs a shell command when it is created.
pub fn resource(name: &str, command: &str) -> String {
    format!(
        "resource \"terraform_data\" \"{name}\" {{\n  provisioner \"local-exec\" {{\n    \
         command = {command:?}\n  }}\n}}\n"
    )
}

/// Serial of a state and the addresses of what is in it.
pub fn inspect(state: &[u8]) -> (u64, Vec<String>) {
    let state: serde_json::Value = serde_json::from_slice(state).unwrap();
    let names = state["resources"].as_array().unwrap().iter();
    let mut names: Vec<String> = names.map(|r| r["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    (state["serial"].as_u64().unwrap(), names)
}
