//! What a connection is owed, and what it may not take from others.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    process::Child,
    sync::mpsc,
    thread,
};

use rustix::process::Signal;

use crate::{signal, started};

const LARGE: usize = 20 << 20;

fn address(url: &str) -> String {
    url.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

fn connect(url: &str) -> TcpStream {
    TcpStream::connect(address(url)).unwrap()
}

fn ended(mut server: Child) {
    signal(&server, Signal::TERM);
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

fn head(method: &str, path: &str, length: usize, more: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: statehouse\r\ncontent-length: {length}\r\n\
         authorization: Bearer nobody\r\n{more}\r\n"
    )
}

/// The status, and the connection behind the answer if it stays open.
fn answer(stream: TcpStream) -> (u16, Option<TcpStream>) {
    let (status, _, open) = whole_answer(stream);
    (status, open)
}

fn whole_answer(stream: TcpStream) -> (u16, String, Option<TcpStream>) {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
    let value = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
    let length = value("content-length: ").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    let stays = value("connection: ").is_none_or(|word| word != "close");
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    (status, body, stays.then(|| reader.into_inner()))
}

/// Sends all of it before it looks for an answer, as simple clients do.
fn send(mut stream: &TcpStream, head: &str, length: usize) {
    stream.write_all(head.as_bytes()).unwrap();
    let piece = vec![b'x'; 64 << 10];
    let mut left = length;
    while left > 0 {
        let some = left.min(piece.len());
        stream.write_all(&piece[..some]).expect("the connection stays while we send");
        left -= some;
    }
}

#[test]
fn who_is_refused_before_the_body_is_read_gets_the_answer_and_may_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (server, url) = started(dir.path().to_str().unwrap(), &["--no-agent"]);
    let refusals = [
        ("POST", "/api/v2/organizations", 401),
        ("PATCH", "/api/v2/workspaces/ws-1111111111111111", 401),
        ("PUT", "/_archivist/v1/object/nothing", 404),
        ("POST", "/api/v2/nowhere", 404),
        ("PUT", "/api/v2/ping", 405),
        ("POST", "/session", 413),
        ("POST", "/_health_check", 405),
        ("PUT", "/agent/v1/jobs/job-1111111111111111/state", 401),
    ];
    for (method, path, expected) in refusals {
        for _ in 0..3 {
            let mut stream = connect(&url);
            // Each twice on one connection, and then something else.
            for _ in 0..2 {
                send(&stream, &head(method, path, LARGE, ""), LARGE);
                let (status, open) = answer(stream);
                assert!(
                    status == expected || (expected == 413 && (400..500).contains(&status)),
                    "{method} {path}: {status}"
                );
                stream = open.unwrap_or_else(|| panic!("{method} {path} hung up"));
            }
            send(&stream, &head("GET", "/_health_check", 0, ""), 0);
            assert_eq!(answer(stream).0, 200);
        }
    }
    ended(server);
}

#[test]
fn who_sends_without_end_is_answered_and_then_hung_up_on() {
    let dir = tempfile::tempdir().unwrap();
    let (server, url) = started(dir.path().to_str().unwrap(), &["--no-agent"]);
    for _ in 0..8 {
        let stream = connect(&url);
        // More than anybody reads for nothing, sent to its end before the answer is looked for.
        let length = 100 << 20;
        send(&stream, &head("POST", "/api/v2/organizations", length, ""), length);
        let (status, open) = answer(stream);
        assert_eq!(status, 401);
        assert!(open.is_none(), "what is not read would be taken for the next request");
    }
    // Who asks first and is refused has nothing to send.
    let stream = connect(&url);
    let length = 100 << 20;
    send(&stream, &head("POST", "/api/v2/organizations", length, "expect: 100-continue\r\n"), 0);
    assert_eq!(answer(stream).0, 401);
    ended(server);
}

#[test]
fn idle_connections_leave_room_for_others_and_end() {
    let dir = tempfile::tempdir().unwrap();
    let (server, url) = started(dir.path().to_str().unwrap(), &["--no-agent"]);
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let more = rustix::process::Rlimit { current: files.maximum, ..files };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, more).unwrap();
    // Some say nothing, some begin to say something.
    let idle: Vec<_> = (0..1200)
        .map(|number| {
            let mut stream = connect(&url);
            if number % 2 == 0 {
                stream.write_all(b"GET /_health_check HTTP/1.1\r\nhost: a\r\n").unwrap();
            }
            stream
        })
        .collect();
    let stream = connect(&url);
    send(&stream, &head("GET", "/api/v2/ping", 0, ""), 0);
    assert_eq!(answer(stream).0, 204);
    // Each is hung up on: reading ends.
    for mut stream in idle {
        stream.read_to_end(&mut Vec::new()).ok();
    }
    ended(server);
}

#[test]
fn a_single_byte_now_and_then_is_no_request() {
    let dir = tempfile::tempdir().unwrap();
    let (server, url) = started(dir.path().to_str().unwrap(), &["--no-agent"]);
    let mut stream = connect(&url);
    let mut ending = stream.try_clone().unwrap();
    let (closed, is_closed) = mpsc::channel();
    let reading = thread::spawn(move || {
        ending.read_to_end(&mut Vec::new()).ok();
        closed.send(()).ok();
    });
    // It ends by itself; without that this would go on for ever.
    let patience = std::time::Duration::from_millis(500);
    while is_closed.recv_timeout(patience).is_err() && stream.write_all(b"G").is_ok() {}
    stream.shutdown(Shutdown::Both).ok();
    reading.join().unwrap();
    ended(server);
}

#[test]
fn refused_connections_are_told_of_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let (server, url) = started(data_dir, &["--no-agent", "--max-connections", "16"]);
    let kept = connect(&url);
    send(&kept, &head("GET", "/_health_check", 0, ""), 0);
    let (_, kept) = answer(kept);
    let idle: Vec<_> = (0..64).map(|_| connect(&url)).collect();
    // All places are taken, and yet whoever has one is served. It has one of sixteen.
    let mut kept = kept.unwrap();
    loop {
        // A token that nobody knows would be refused.
        let asked = head("GET", "/metrics", 0, "").replace("authorization: Bearer nobody\r\n", "");
        send(&kept, &asked, 0);
        let (status, figures, open) = whole_answer(kept);
        assert_eq!(status, 200);
        if figures.contains("statehouse_connections_refused_total 49\n") {
            break;
        }
        kept = open.unwrap();
    }
    drop(idle);
    ended(server);
}

#[test]
fn who_speaks_http_where_tls_is_spoken_is_told_the_scheme() {
    let dir = tempfile::tempdir().unwrap();
    let (server, url) = started(dir.path().to_str().unwrap(), &["--no-agent", "--tls-self-signed"]);
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream.write_all(head("GET", "/app/settings/tokens", 0, "").as_bytes()).unwrap();
    let (status, body, open) = whole_answer(stream);
    assert_eq!(status, 400);
    assert!(body.contains("use https://") && open.is_none(), "{body}");
    ended(server);
}

#[test]
fn who_speaks_tls_where_http_is_spoken_is_heard_of_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = crate::statehouse(&["serve", "--listen", "127.0.0.1:0", "--no-agent"])
        .args(["--log-format", "json", "--data-dir", dir.path().to_str().unwrap()])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let url = lines
        .find_map(|line| {
            serde_json::from_str::<serde_json::Value>(&line).unwrap()["url"]
                .as_str()
                .map(str::to_owned)
        })
        .unwrap();
    // As a command line begins: a handshake of TLS 1.0 or later.
    connect(&url).write_all(&[0x16, 0x03, 0x01, 0x00, 0x05, 1, 0, 0, 1, 0]).unwrap();
    assert!(lines.any(|line| line.contains("clients speak TLS") && line.contains("https")));
    thread::spawn(move || lines.for_each(drop));
    ended(server);
}
