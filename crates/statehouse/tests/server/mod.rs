//! The binary, started and stopped, and a place for its data.

#![expect(dead_code, reason = "each test program uses what it needs of it")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::TestDatabase;

pub fn statehouse(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statehouse"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STATEHOUSE_")) {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// A server on a free port of loopback, and the address that its log names.
pub fn started(data_dir: &str, more: &[&str]) -> (Child, String) {
    let mut command = statehouse(&["serve", "--data-dir", data_dir]);
    command.args(more);
    answering(command)
}

fn answering(mut command: Command) -> (Child, String) {
    let mut server = command
        .args(["--listen", "127.0.0.1:0", "--log-format", "json"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let url = lines.find_map(|line| {
        let parsed: Option<Value> = serde_json::from_str(&line).ok();
        said.push(line);
        parsed?["url"].as_str().map(str::to_owned)
    });
    let url = url.unwrap_or_else(|| panic!("the log names no address:\n{}", said.join("\n")));
    // What is logged later must find a reader.
    std::thread::spawn(move || lines.for_each(drop));
    (server, url)
}

pub fn signal(server: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(server.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

pub fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub const TOKEN: &str = "an-admin-token-of-a-test";

/// Where one installation keeps everything: a directory and, in tests on PostgreSQL, a database.
pub struct Place {
    pub dir: tempfile::TempDir,
    database: Option<TestDatabase>,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = TestDatabase::is_postgres().then(|| wait(TestDatabase::empty()));
        Self { dir, database }
    }

    /// The same directory on SQLite.
    pub fn without_database(self) -> Self {
        Self { database: None, ..self }
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn key(&self) -> PathBuf {
        self.data().join("statehouse.key")
    }

    pub fn blobs(&self) -> PathBuf {
        self.data().join("blobs")
    }

    pub fn database(&self) -> db::Settings {
        self.database.as_ref().map_or_else(
            || {
                let file = self.data().join("statehouse.db");
                db::Settings::at(format!("sqlite://{}", file.display()))
            },
            TestDatabase::settings,
        )
    }

    /// A command on this place.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = statehouse(words);
        command.arg("--data-dir").arg(self.data());
        command.env("STATEHOUSE_DATABASE_URL", self.database().url);
        command
    }

    pub fn output(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What a command says that must succeed.
    pub fn done(&self, words: &[&str]) -> String {
        let output = self.output(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", message(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What a command says, on both channels, that must fail.
    pub fn refused(&self, words: &[&str]) -> String {
        let output = self.output(words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &message(&output);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        said
    }

    /// Why `serve` does not start.
    pub fn serve_refused(&self) -> String {
        self.refused(&["serve", "--no-agent", "--listen", "127.0.0.1:0"])
    }

    pub fn serve(&self) -> Served {
        self.serve_with(&["--no-agent"])
    }

    pub fn serve_with(&self, more: &[&str]) -> Served {
        let mut command = self.command(&["serve", "--admin-token", TOKEN]);
        command.args(more);
        command.env("RUST_BACKTRACE", "0");
        let (process, url) = answering(command);
        Served { process, url }
    }

    /// Changes rows past all rules.
    pub fn execute(&self, sql: &'static str) {
        use db::sea_orm::ConnectionTrait;
        wait(async {
            let db = db::Db::connect(&self.database()).await.unwrap();
            let tx = db.write().await.unwrap();
            tx.execute_unprepared(sql).await.unwrap();
            tx.commit().await.unwrap();
            db.close().await;
        });
    }

    /// Everything below the directory: names and contents.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn walk(dir: &Path, all: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, all);
                } else {
                    all.push((path.clone(), fs::read(&path).unwrap()));
                }
            }
        }
        let mut all = Vec::new();
        walk(self.dir.path(), &mut all);
        all.sort();
        all
    }
}

/// A server that answers, as its first administrator sees it.
pub struct Served {
    process: Child,
    pub url: String,
}

impl Served {
    pub fn stop(mut self) {
        signal(&self.process, Signal::TERM);
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
    }

    pub fn get(&self, path: &str) -> reqwest::blocking::Response {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}api/v2/{path}", self.url)
        };
        client().get(url).bearer_auth(TOKEN).send().unwrap()
    }

    pub fn post(&self, path: &str, kind: &str, attributes: &Value) -> Value {
        let body = json!({ "data": { "type": kind, "attributes": attributes } }).to_string();
        let answer = client()
            .post(format!("{}api/v2/{path}", self.url))
            .bearer_auth(TOKEN)
            .header("content-type", "application/vnd.api+json")
            .body(body)
            .send()
            .unwrap();
        let status = answer.status();
        let text = answer.text().unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// An organization with a workspace that has a sensitive variable and a state; the workspace's id.
    pub fn fill(&self) -> String {
        self.post(
            "organizations",
            "organizations",
            &json!({ "name": "acme", "email": "a@b.test" }),
        );
        let workspace =
            self.post("organizations/acme/workspaces", "workspaces", &json!({ "name": "net" }));
        let id = workspace["data"]["id"].as_str().unwrap().to_owned();
        let secret =
            json!({ "key": "a", "value": "b", "category": "terraform", "sensitive": true });
        self.post(&format!("workspaces/{id}/vars"), "vars", &secret);
        self.post(&format!("workspaces/{id}/actions/lock"), "", &json!({}));
        self.push(&id, 1);
        id
    }

    /// A state of this serial, by whoever holds the lock; the bytes.
    pub fn push(&self, workspace: &str, serial: u64) -> String {
        let state = state(serial);
        let attributes = json!({
            "serial": serial, "lineage": "l", "md5": hex::encode(Md5::digest(&state)),
            "state": STANDARD.encode(&state),
        });
        self.post(&format!("workspaces/{workspace}/state-versions"), "state-versions", &attributes);
        state
    }

    /// The bytes of the current state.
    pub fn current_state(&self, workspace: &str) -> String {
        let path = format!("workspaces/{workspace}/current-state-version");
        let shown: Value = serde_json::from_str(&self.get(&path).text().unwrap()).unwrap();
        let url = shown["data"]["attributes"]["hosted-state-download-url"].as_str().unwrap();
        let answer = self.get(url);
        assert_eq!(answer.status(), 200);
        answer.text().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Of a test that failed.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn client() -> reqwest::blocking::Client {
    reqwest::blocking::Client::new()
}

pub fn state(serial: u64) -> String {
    let outputs = json!({ "o": { "value": serial, "type": "number" } });
    json!({ "version": 4, "serial": serial, "lineage": "l", "terraform_version": "1.9.0",
        "outputs": outputs, "resources": [] })
    .to_string()
}

pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}
