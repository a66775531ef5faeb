//! Work of our own that closes itself in.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

#[test]
fn who_only_computes_reaches_nothing_and_ends_alone_when_it_takes_too_much() {
    let mut work = Command::new(env!("CARGO_BIN_EXE_sandbox-exec"));
    let said = work.arg("compute").output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout);
    let lines: Vec<&str> = text.lines().collect();
    // Landlock may be missing on a machine; the filter of system calls is not.
    assert!(lines[0].starts_with("reads a file: "), "{text}");
    let rest = ["makes a socket: false", "starts a program: false", "has a thread: true"];
    assert_eq!(lines[1..], rest, "{text}");
    assert_eq!(said.status.signal(), Some(6), "{said:?}");
}
