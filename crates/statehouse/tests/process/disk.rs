//! A server whose disk is full, and has room again: nothing that it said to be kept is gone.

use std::{
    fs::{File, remove_file},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use reqwest::{StatusCode, blocking::Client};
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::{Value, json};

use crate::{signal, started_by};

const TOKEN: &str = "a-token-of-a-test-that-is-long-enough";

/// What ends the room for a server, and gives it back.
pub trait Disk {
    /// Starts what is given with its data on this disk.
    fn command(&self) -> Command;
    fn fill(&self, server: &Child);
    fn free(&self, server: &Child);
    /// Starts what is given beside the server, where the disk is what it is for the server.
    fn beside(&self, server: &Child) -> Command;
}

/// A small file system of its own, in a mount namespace that nobody else sees.
struct Small {
    at: PathBuf,
    more: &'static [&'static str],
}

impl Small {
    /// `None` where the kernel gives such a namespace neither to us nor to anybody.
    fn at(at: &Path) -> Option<Self> {
        let ways: [&[&str]; 2] = [&["--mount"], &["--mount", "--map-root-user"]];
        ways.into_iter().map(|more| Self { at: at.to_owned(), more }).find(|disk| {
            let mut tried = disk.within("true");
            tried.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        })
    }

    fn within(&self, script: &str) -> Command {
        let mut command = Command::new("unshare");
        let mount = format!("mount -t tmpfs -o size=6m tmpfs \"$0\" && {script}");
        command.args(self.more).args(["sh", "-c", &mount]).arg(&self.at);
        command
    }

    /// As the server sees it.
    fn filler(&self, server: &Child) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", server.id()));
        root.join(self.at.strip_prefix("/").unwrap()).join("filler")
    }
}

impl Disk for Small {
    fn command(&self) -> Command {
        self.within("exec \"$@\"")
    }

    fn fill(&self, server: &Child) {
        let mut file = File::create(self.filler(server)).unwrap();
        // To the last byte.
        for size in [1 << 16, 1 << 10, 1] {
            let some = vec![b'x'; size];
            while file.write_all(&some).is_ok() {}
        }
    }

    fn free(&self, server: &Child) {
        remove_file(self.filler(server)).unwrap();
    }

    fn beside(&self, server: &Child) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &server.id().to_string(), "--mount"]);
        if self.more.contains(&"--map-root-user") {
            command.args(["--user", "--preserve-credentials"]);
        }
        command
    }
}

/// A quota: no file may be longer than nothing.
struct Quota;

impl Quota {
    fn set(server: &Child, most: Option<u64>) {
        let pid = Pid::from_raw(i32::try_from(server.id()).unwrap());
        prlimit(pid, Resource::Fsize, Rlimit { current: most, maximum: None }).unwrap();
    }
}

impl Disk for Quota {
    fn command(&self) -> Command {
        // With the signal that ends who writes too much as it is by default: the server must not die of it.
        let mut command = Command::new("env");
        command.arg("--default-signal=XFSZ");
        command
    }

    fn fill(&self, server: &Child) {
        Self::set(server, Some(0));
    }

    fn free(&self, server: &Child) {
        Self::set(server, None);
    }

    fn beside(&self, _: &Child) -> Command {
        Command::new("env")
    }
}

pub struct Api {
    url: String,
    http: Client,
}

impl Api {
    pub fn send(&self, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}api/v2/{path}", self.url));
        request = request.bearer_auth(TOKEN).header("content-type", "application/vnd.api+json");
        let answer = request.body(body.to_string()).send().unwrap();
        let (status, text) = (answer.status(), answer.text().unwrap());
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub fn make_workspace(&self, name: &str) -> (StatusCode, Value) {
        let body = json!({"data": {"type": "workspaces", "attributes": {"name": name}}});
        self.send("POST", "organizations/acme/workspaces", &body)
    }

    fn has_workspace(&self, name: &str) -> bool {
        let path = format!("organizations/acme/workspaces/{name}");
        self.send("GET", &path, &Value::Null).0 == StatusCode::OK
    }

    pub fn save_state(&self, workspace: &str, serial: i64) -> StatusCode {
        let state = json!({
            "version": 4, "terraform_version": "1.9.0", "serial": serial, "lineage": "l",
            "outputs": {}, "resources": [],
        });
        let state = state.to_string();
        let md5 = {
            use md5::{Digest, Md5};
            hex::encode(Md5::digest(&state))
        };
        let body = json!({"data": {"type": "state-versions", "attributes": {
            "serial": serial, "lineage": "l", "md5": md5, "state": base64(&state),
        }}});
        self.send("POST", &format!("workspaces/{workspace}/state-versions"), &body).0
    }

    pub fn serial(&self, workspace: &str) -> Value {
        let path = format!("workspaces/{workspace}/current-state-version");
        self.send("GET", &path, &Value::Null).1["data"]["attributes"]["serial"].clone()
    }

    fn is_healthy(&self) -> bool {
        let url = format!("{}_health_check?full=1", self.url);
        self.http.get(url).send().unwrap().status() == StatusCode::OK
    }
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

pub fn start(disk: &dyn Disk, data_dir: &Path) -> (Child, Api) {
    let mut command = disk.command();
    command.arg(env!("CARGO_BIN_EXE_statehouse"));
    command.args(["serve", "--no-agent", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data_dir);
    command.env("STATEHOUSE_ADMIN_TOKEN", TOKEN);
    let (server, url) = started_by(command);
    (server, Api { url, http: Client::new() })
}

pub fn a_full_disk_loses_nothing(disk: &dyn Disk, data_dir: &Path) {
    let (mut server, api) = start(disk, data_dir);
    let organization = json!({"data": {"type": "organizations", "attributes": {
        "name": "acme", "email": "a@example.com",
    }}});
    assert_eq!(api.send("POST", "organizations", &organization).0, StatusCode::CREATED);
    let (status, workspace) = api.make_workspace("first");
    assert_eq!(status, StatusCode::CREATED);
    let id = workspace["data"]["id"].as_str().unwrap();
    let lock = format!("workspaces/{id}/actions/lock");
    assert_eq!(api.send("POST", &lock, &json!({})).0, StatusCode::OK);
    assert_eq!(api.save_state(id, 1), StatusCode::CREATED);

    for round in 0..2 {
        disk.fill(&server);
        for number in 0..3 {
            let (status, said) = api.make_workspace(&format!("lost-{round}-{number}"));
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{said}");
            assert_eq!(api.save_state(id, 2 + round), StatusCode::SERVICE_UNAVAILABLE);
        }
        // What cannot write is not well; who asked a moment ago may have been told otherwise.
        while api.is_healthy() {}
        can_be_backed_up(disk.beside(&server), data_dir);

        disk.free(&server);
        for number in 0..3 {
            assert!(!api.has_workspace(&format!("lost-{round}-{number}")));
            let name = format!("kept-{round}-{number}");
            assert_eq!(api.make_workspace(&name).0, StatusCode::CREATED);
            assert!(api.has_workspace(&name), "{name} was said to be made");
        }
        assert_eq!(api.save_state(id, 2 + round), StatusCode::CREATED);
        assert_eq!(api.serial(id), 2 + round);
        // It looks again within a second.
        while !api.is_healthy() {}
    }

    signal(&server, Signal::TERM);
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

/// Onto another disk, which is what is wanted at such a time.
fn can_be_backed_up(mut backup: Command, data_dir: &Path) {
    let dir = tempfile::tempdir().unwrap();
    backup.args([env!("CARGO_BIN_EXE_statehouse"), "backup"]).arg(dir.path().join("backup"));
    backup.arg("--data-dir").arg(data_dir);
    let said = backup.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// What was said to be kept is there for the next process, too.
pub fn nothing_is_gone_after_a_restart(data_dir: &Path) {
    let (mut server, api) = start(&Quota, data_dir);
    for (round, number) in [(0, 0), (0, 2), (1, 0), (1, 2)] {
        assert!(api.has_workspace(&format!("kept-{round}-{number}")));
    }
    let path = "organizations/acme/workspaces/first";
    let workspace = api.send("GET", path, &Value::Null).1;
    assert_eq!(api.serial(workspace["data"]["id"].as_str().unwrap()), 3);
    signal(&server, Signal::TERM);
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn a_quota_that_is_used_up_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    a_full_disk_loses_nothing(&Quota, dir.path());
    nothing_is_gone_after_a_restart(dir.path());
}

#[test]
fn a_disk_that_is_full_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // Where nobody may mount anything, the quota above is the test.
    let Some(disk) = Small::at(dir.path()) else { return eprintln!("no namespace to mount in") };
    a_full_disk_loses_nothing(&disk, &dir.path().join("data"));
}

/// It would not start.
#[test]
fn the_doctor_finds_a_disk_that_keeps_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, _) = start(&Quota, dir.path());
    signal(&server, Signal::TERM);
    assert_eq!(server.wait().unwrap().code(), Some(0));
    let doctor = |before: &[&str]| {
        let (program, more) = before.split_first().unwrap();
        let mut command = Command::new(program);
        command.args(more).args([env!("CARGO_BIN_EXE_statehouse"), "doctor", "--no-agent"]);
        command.args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(dir.path());
        let said = command.output().unwrap();
        (said.status.success(), String::from_utf8(said.stdout).unwrap())
    };
    let (is_well, said) = doctor(&["env"]);
    assert!(is_well, "{said}");
    let (is_well, said) = doctor(&["prlimit", "--fsize=0"]);
    assert!(!is_well && said.contains("keeps nothing more"), "{said}");
    let (is_well, said) = doctor(&["env"]);
    assert!(is_well, "nothing is left of it: {said}");
}
