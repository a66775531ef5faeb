//! The step between agent and engine.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn start(script: &str, folder: &Path, parent: u32) -> Child {
    let settings = serde_json::json!({
        "program": "/bin/sh", "args": ["-c", script], "env": { "PATH": "/usr/bin:/bin" },
        "parent": parent, "fence": null,
        "limits": { "memory_bytes": null, "processes": null, "file_bytes": 1024 },
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_engine-exec"))
        .arg("engine-exec")
        .env("SECRET_OF_THE_AGENT", "x")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(settings.to_string().as_bytes()).unwrap();
    child
}

#[test]
fn an_engine_is_told_when_its_agent_dies() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap 'echo told > told; exit' TERM; echo up > up; while :; do sleep 0.05; done";
    let path = folder.path().to_owned();
    // The death signal comes when the thread ends that started the engine.
    let starter = std::thread::spawn(move || {
        let child = start(script, &path, std::process::id());
        wait_for(&path.join("up"));
        child
    });
    let mut child = starter.join().unwrap();
    wait_for(&folder.path().join("told"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_engine_does_not_start_without_its_agent() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start("echo up > up", folder.path(), 1);
    assert!(!child.wait().unwrap().success());
    assert!(!folder.path().join("up").exists());
}

#[test]
fn limits_and_environment_are_those_of_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let script = "env > env; ulimit -c > core; head -c 100000 /dev/zero > big";
    let mut child = start(script, folder.path(), std::process::id());
    assert!(!child.wait().unwrap().success(), "the big file is refused");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(!read("env").contains("SECRET"));
    assert_eq!(read("core").trim(), "0");
    assert_eq!(std::fs::metadata(folder.path().join("big")).unwrap().len(), 1024);
}

#[expect(clippy::disallowed_methods, reason = "a test without a runtime may sleep")]
fn wait_for(path: &Path) {
    for _ in 0..1000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{} does not appear", path.display());
}
