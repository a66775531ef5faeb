//! A disk that fails to keep the database: nothing that was said to be kept is gone, and of what nobody knows whether it
//! was kept the content stays.

use std::{
    fs::{File, remove_file},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use reqwest::StatusCode;
use rustix::process::Signal;
use serde_json::json;

use crate::{
    disk::{Disk, a_full_disk_loses_nothing, nothing_is_gone_after_a_restart, start},
    signal,
};

/// While its flag is there, what is to reach the disk of a database does not.
struct Unsynced {
    shim: PathBuf,
    flag: PathBuf,
}

impl Unsynced {
    fn within(dir: &Path) -> Self {
        let (shim, flag) = (dir.join("unsynced.so"), dir.join("unsynced"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/unsynced.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(source).arg("-ldl");
        let made = cc.stdin(Stdio::null()).status();
        assert!(made.unwrap().success());
        Self { shim, flag }
    }
}

impl Disk for Unsynced {
    fn command(&self) -> Command {
        let mut command = Command::new("env");
        command.env("LD_PRELOAD", &self.shim).env("UNSYNCED_WHILE", &self.flag);
        command
    }

    fn fill(&self, _: &Child) {
        File::create(&self.flag).unwrap();
    }

    fn free(&self, _: &Child) {
        remove_file(&self.flag).unwrap();
    }

    fn beside(&self, _: &Child) -> Command {
        Command::new("env")
    }
}

#[test]
fn a_disk_that_keeps_nothing_for_a_while_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    a_full_disk_loses_nothing(&Unsynced::within(dir.path()), &data_dir);
    nothing_is_gone_after_a_restart(&data_dir);
}

#[test]
fn a_state_of_which_nobody_knows_whether_it_was_kept_has_its_content_if_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, data_dir) = (Unsynced::within(dir.path()), dir.path().join("data"));
    let (mut server, api) = start(&disk, &data_dir);
    let organization = json!({"data": {"type": "organizations", "attributes": {
        "name": "acme", "email": "a@example.com",
    }}});
    assert_eq!(api.send("POST", "organizations", &organization).0, StatusCode::CREATED);
    let (_, workspace) = api.make_workspace("first");
    let id = workspace["data"]["id"].as_str().unwrap();
    api.send("POST", &format!("workspaces/{id}/actions/lock"), &json!({}));
    assert_eq!(api.save_state(id, 1), StatusCode::CREATED);
    disk.fill(&server);
    assert_eq!(api.save_state(id, 2), StatusCode::SERVICE_UNAVAILABLE);
    // What reached the system and not the disk is there for the next process.
    signal(&server, Signal::KILL);
    server.wait().unwrap();
    disk.free(&server);

    let mut verify = Command::new(env!("CARGO_BIN_EXE_statehouse"));
    let said = verify.args(["verify", "--data-dir"]).arg(&data_dir).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    let (mut server, api) = start(&disk, &data_dir);
    let serial = api.serial(id).as_i64().unwrap();
    assert!((1..=2).contains(&serial), "{serial}");
    assert_eq!(api.save_state(id, 3), StatusCode::CREATED);
    assert_eq!(api.serial(id), 3);
    signal(&server, Signal::TERM);
    assert_eq!(server.wait().unwrap().code(), Some(0));
}
