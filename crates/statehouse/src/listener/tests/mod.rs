//! Clients that keep us waiting: each has to give its place back, and nobody else may be taken for one.

mod h2;
mod leaving;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::limits::Limits;
use super::{Listener, bind};

/// More than is ever on its way between two sockets.
const LARGE: usize = 64 << 20;
const SOON: Duration = Duration::from_millis(500);
const NEVER: Duration = Duration::from_hours(1);
/// Until a test fails that would wait for ever.
const PATIENCE: Duration = Duration::from_mins(1);

/// Nothing is waited for in vain here, except for what a test names.
fn endless() -> Limits {
    Limits {
        first: NEVER,
        next: NEVER,
        coming: NEVER,
        going: NEVER,
        grace: NEVER,
        bytes_a_second: 1 << 20,
        lingering: NEVER,
        room: NEVER,
    }
}

fn first_comes_soon() -> Limits {
    Limits { first: SOON, ..endless() }
}

fn answers_go_soon() -> Limits {
    Limits { next: SOON, going: SOON, grace: SOON, ..endless() }
}

fn bodies_come_soon() -> Limits {
    Limits { grace: SOON, ..endless() }
}

fn others_find_no_room() -> Limits {
    Limits { room: Duration::ZERO, ..endless() }
}

struct Server {
    listener: Listener,
    address: SocketAddr,
    /// What `/waits` and `/follows` wait for.
    released: CancellationToken,
}

impl Server {
    fn with(limits: Limits, places: usize) -> Self {
        let listener = bind("listen", "127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let released = CancellationToken::new();
        let router = router(&released);
        let listener = Listener::start_within(limits, listener, None, router, places).unwrap();
        Self { listener, address, released }
    }

    async fn connect(&self) -> TcpStream {
        let connection = TcpStream::connect(self.address).await.unwrap();
        connection.set_nodelay(true).unwrap();
        connection
    }

    /// Waits until somebody else gets in.
    async fn has_a_place(&self) {
        loop {
            let mut connection = self.connect().await;
            let mut answer = Vec::new();
            // Whoever is refused reads of it or finds out when writing.
            connection.write_all(&h1("GET", "/small", "connection: close\r\n")).await.ok();
            connection.read_to_end(&mut answer).await.ok();
            if answer.starts_with(b"HTTP/1.1 200") {
                return;
            }
        }
    }
}

fn router(released: &CancellationToken) -> Router {
    let (waits, follows) = (released.clone(), released.clone());
    Router::new()
        .route("/small", get("small"))
        .route("/large", get(|| async { Bytes::from(vec![b'x'; LARGE]) }))
        .route("/takes", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/waits", get(|| async move { waits.cancelled_owned().await }))
        .route("/follows", get(|| async move { follow(follows) }))
}

fn follow(released: CancellationToken) -> Body {
    let begin = futures::stream::iter(["begin "]);
    let end = futures::stream::once(async move {
        released.cancelled_owned().await;
        "end"
    });
    Body::from_stream(begin.chain(end).map(Ok::<_, std::io::Error>))
}

fn h1(method: &str, path: &str, more: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: a\r\n{more}\r\n").into_bytes()
}

/// Sends that again and again, and takes what comes meanwhile.
async fn insist(connection: TcpStream, what: Vec<u8>) {
    let (mut reading, mut writing) = connection.into_split();
    let taking = async {
        let mut taken = vec![0; 16 << 10];
        while reading.read(&mut taken).await.is_ok_and(|size| size > 0) {}
    };
    let sending = async {
        while writing.write_all(&what).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(taking, sending);
}

/// Does nothing more.
async fn keep(connection: TcpStream) {
    let _kept = connection;
    std::future::pending::<()>().await;
}

/// Somebody has the only place, and goes on like that; it comes back all the same.
async fn comes_back(what: &str, server: Server, going_on: impl Future<Output = ()>) {
    let both = async {
        tokio::select! {
            () = server.has_a_place() => {}
            () = async { going_on.await; std::future::pending().await } => {}
        }
    };
    timeout(PATIENCE, both).await.unwrap_or_else(|_| panic!("{what} keeps its place"));
    server.listener.stop().await;
}

/// Over HTTP/2, behind answers that have begun.
async fn comes_back_from(what: &str, window: u32, gets: &[&str], going_on: Option<Vec<u8>>) {
    let server = Server::with(answers_go_soon(), 1);
    let mut connection = server.connect().await;
    let mut frames = vec![h2::hello(window)];
    let numbers = (1..).step_by(2);
    frames.extend(gets.iter().zip(numbers).map(|(path, number)| h2::get(number, path)));
    h2::send(&mut connection, &frames).await;
    h2::answered(&mut connection, gets.len()).await;
    comes_back(what, server, async move {
        if let Some(frame) = going_on {
            insist(connection, frame).await;
        } else {
            keep(connection).await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_takes_no_answer_over_http2_loses_the_place() {
    comes_back_from("an answer without a window", 0, &["/small"], None).await;
    comes_back_from("many of them", 0, &["/small"; 100], None).await;
    comes_back_from("a large one", 0, &["/large"], None).await;
    comes_back_from("one that stops in its middle", 100_000, &["/large"], None).await;
    comes_back_from("pings behind it", 0, &["/small"], Some(h2::ping())).await;
    comes_back_from("a window of single bytes", 0, &["/large"], Some(h2::wider(1))).await;
}

#[tokio::test]
async fn who_takes_no_answer_over_http1_loses_the_place() {
    let server = Server::with(answers_go_soon(), 1);
    let mut connection = server.connect().await;
    connection.write_all(&h1("GET", "/large", "")).await.unwrap();
    connection.read_exact(&mut [0; 9]).await.unwrap();
    comes_back("an answer that nobody reads", server, keep(connection)).await;
}

#[tokio::test]
async fn who_goes_on_without_an_end_of_the_head_loses_the_place() {
    let beginnings: [(&str, Vec<u8>, Vec<u8>); 4] = [
        ("a head", b"GET / HTTP/1.1\r\nhost: a\r\n".to_vec(), b"a".to_vec()),
        ("pings", h2::hello(0), h2::ping()),
        (
            "a head that is continued",
            [h2::hello(0), h2::half_a_head()].concat(),
            h2::nothing_more_of_a_head(),
        ),
        ("nothing", Vec::new(), Vec::new()),
    ];
    for (what, beginning, more) in beginnings {
        let server = Server::with(first_comes_soon(), 1);
        let mut connection = server.connect().await;
        connection.write_all(&beginning).await.unwrap();
        comes_back(what, server, insist(connection, more)).await;
    }
}

#[tokio::test]
async fn who_sends_no_more_and_waits_for_us_loses_the_place() {
    for (what, beginning) in [
        ("http/1", h1("GET", "/waits", "")),
        ("http/2", [h2::hello(0), h2::get(1, "/waits")].concat()),
    ] {
        let server = Server::with(endless(), 1);
        let mut connection = server.connect().await;
        connection.write_all(&beginning).await.unwrap();
        connection.shutdown().await.unwrap();
        comes_back(what, server, keep(connection)).await;
    }
}

#[tokio::test]
async fn a_body_of_single_bytes_is_answered_before_its_end() {
    let server = Server::with(bodies_come_soon(), 4);
    let answered = async {
        let mut connection = server.connect().await;
        connection.write_all(&h1("POST", "/takes", "content-length: 1000000\r\n")).await.unwrap();
        let (mut reading, mut writing) = connection.split();
        let mut status = [0; 12];
        tokio::select! {
            read = reading.read_exact(&mut status) => { read.unwrap(); }
            () = drip(&mut writing, b"x") => {}
        }
        assert_eq!(&status, b"HTTP/1.1 400");

        let mut connection = server.connect().await;
        h2::send(&mut connection, &[h2::hello(1000), h2::post(1, "/takes")]).await;
        let (mut connection, mut writing) = connection.into_split();
        let byte = h2::data(1, b"x");
        tokio::select! {
            begun = h2::answered(&mut connection, 1) => {
                // The number of `:status: 400`.
                assert_eq!(begun, [0x8c]);
            }
            () = drip(&mut writing, &byte) => {}
        }
    };
    timeout(PATIENCE, answered).await.expect("a byte now and then gains time");
    server.listener.stop().await;
}

/// Until somebody looks away.
async fn drip(writing: &mut (impl AsyncWriteExt + Unpin), what: &[u8]) {
    while writing.write_all(what).await.is_ok() {
        tokio::task::yield_now().await;
    }
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn what_waits_for_us_has_all_the_time() {
    let server = Server::with(answers_go_soon(), 8);
    let mut waits = server.connect().await;
    waits.write_all(&h1("GET", "/waits", "connection: close\r\n")).await.unwrap();
    let mut follows = server.connect().await;
    follows.write_all(&h1("GET", "/follows", "connection: close\r\n")).await.unwrap();
    let mut both = server.connect().await;
    let asked = [h2::hello(1000), h2::get(1, "/waits"), h2::get(3, "/follows")];
    h2::send(&mut both, &asked).await;
    assert_eq!(h2::body(&mut both, 6).await, b"begin ");
    // What others lose their place by goes by, one after the other.
    for _ in 0..3 {
        let mut other = server.connect().await;
        h2::send(&mut other, &[h2::hello(0), h2::get(1, "/small")]).await;
        let ended = timeout(PATIENCE, other.read_to_end(&mut Vec::new())).await;
        ended.expect("it is hung up on").ok();
    }
    server.released.cancel();
    let mut answer = String::new();
    waits.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer.clear();
    follows.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("begin ") && answer.ends_with("end\r\n0\r\n\r\n"), "{answer}");
    assert_eq!(h2::body(&mut both, 3).await, b"end");
    drop(both);
    server.listener.stop().await;
}

#[tokio::test]
async fn a_large_answer_comes_whole() {
    let server = Server::with(Limits::default(), 1);
    let mut connection = server.connect().await;
    connection.write_all(&h1("GET", "/large", "connection: close\r\n")).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let length = format!("content-length: {LARGE}\r\n");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert!(String::from_utf8_lossy(&answer[..end]).contains(&length));
    assert_eq!(answer.len() - end, LARGE);
    assert!(answer[end..].iter().all(|byte| *byte == b'x'));
    server.listener.stop().await;
}

#[tokio::test]
async fn who_keeps_us_waiting_makes_room_where_all_places_are_taken() {
    let shut = |asked: Vec<u8>| [h2::hello(0), asked].concat();
    // With what comes of it before anybody else comes: of each there is an answer, or nothing at all.
    let kinds: [(&str, Vec<u8>, &[u8]); 6] = [
        ("silence", Vec::new(), b""),
        ("half a head", b"GET / HTTP/1.1\r\nhost: a\r\n".to_vec(), b""),
        ("a request that is over", h1("GET", "/small", ""), b"small"),
        ("an answer that nobody takes", shut(h2::get(1, "/small")), BEGUN),
        ("a body that does not come", h1("POST", "/takes", EXPECTING), b"100 Continue"),
        ("a body that does not come over http/2", shut(h2::post(1, "/takes")), b""),
    ];
    for (what, said, answered) in kinds {
        let server = Server::with(others_find_no_room(), 2);
        let mut kept = Vec::new();
        for _ in 0..2 {
            let mut connection = server.connect().await;
            connection.write_all(&said).await.unwrap();
            until(&mut connection, answered).await;
            kept.push(connection);
        }
        let has_a_place = timeout(PATIENCE, server.has_a_place()).await;
        has_a_place.unwrap_or_else(|_| panic!("{what} makes no room"));
        let ended = timeout(PATIENCE, kept[0].read_to_end(&mut Vec::new())).await;
        ended.unwrap_or_else(|_| panic!("{what} goes on without a place")).ok();
        drop(kept);
        server.listener.stop().await;
    }
}

/// The head of an answer on the first stream, which is 200.
const BEGUN: &[u8] = &[1, 4, 0, 0, 0, 1, 0x88];
/// The server says so when it begins to read.
const EXPECTING: &str = "content-length: 5\r\nexpect: 100-continue\r\n";

async fn until(connection: &mut TcpStream, end: &[u8]) {
    let mut read = Vec::new();
    while !read.windows(end.len().max(1)).any(|some| some == end) && !end.is_empty() {
        let byte = timeout(PATIENCE, connection.read_u8()).await;
        read.push(byte.expect("an answer").expect("all of it"));
    }
}

#[tokio::test]
async fn who_waits_for_us_or_came_last_makes_no_room() {
    let server = Server::with(others_find_no_room(), 3);
    let mut waits = server.connect().await;
    waits.write_all(&h1("GET", "/waits", "connection: close\r\n")).await.unwrap();
    let mut first = server.connect().await;
    let mut last = server.connect().await;
    for connection in [&mut first, &mut last] {
        connection.write_all(&h1("GET", "/small", "")).await.unwrap();
        until(connection, b"small").await;
    }
    timeout(PATIENCE, server.has_a_place()).await.expect("the first one makes room");
    let ended = timeout(PATIENCE, first.read(&mut [0])).await;
    assert_eq!(ended.expect("it is hung up on").unwrap_or(0), 0);
    last.write_all(&h1("GET", "/small", "")).await.unwrap();
    until(&mut last, b"small").await;
    // A fourth and a fifth find room, but not there where something is awaited.
    let _fourth = server.connect().await;
    timeout(PATIENCE, server.has_a_place()).await.expect("there is room");
    server.released.cancel();
    until(&mut waits, b"200 OK").await;
    server.listener.stop().await;
}
