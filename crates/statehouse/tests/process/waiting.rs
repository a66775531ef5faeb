//! A server whose PostgreSQL is not there: it says so, waits as long as it is told, and obeys.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::Stdio,
};

use rustix::process::Signal;

use crate::{message, signal, statehouse};

/// Nobody listens on this port once its listener is gone.
fn nobody() -> String {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("postgres://somebody@{address}/statehouse")
}

#[test]
fn a_server_says_that_it_waits_for_its_database_and_stops_when_told() {
    // One that refuses, and one that takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("postgres://somebody@{}/statehouse", silent.local_addr().unwrap());
    for (url, asked) in [(nobody(), Signal::TERM), (silent_url, Signal::INT)] {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().to_str().unwrap();
        let mut server =
            statehouse(&["serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0", "--no-agent"])
                .args(["--database-start-wait", "1h"])
                .env("STATEHOUSE_DATABASE_URL", &url)
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
        let place = url.split(['@', '/']).nth(3).unwrap().to_owned();
        let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
        let said = lines.find(|line| line.contains("waiting for PostgreSQL")).unwrap();
        assert!(said.contains(&place) && !said.contains("somebody"), "{said}");
        signal(&server, asked);
        let rest: Vec<_> = lines.collect();
        assert_eq!(server.wait().unwrap().code(), Some(0), "{rest:?}");
    }
}

#[test]
fn a_server_waits_no_longer_than_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let output = statehouse(&["serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0"])
        .args(["--database-start-wait", "1s"])
        .env("STATEHOUSE_DATABASE_URL", nobody())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = message(&output);
    assert!(
        said.contains("waiting for PostgreSQL") && said.contains("cannot be reached"),
        "{said}"
    );
}

#[test]
fn a_command_does_not_wait() {
    let dir = tempfile::tempdir().unwrap();
    let output = statehouse(&["admin", "list-users", "--data-dir", dir.path().to_str().unwrap()])
        .env("STATEHOUSE_DATABASE_URL", nobody())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(message(&output).contains("cannot be reached"), "{}", message(&output));
}
