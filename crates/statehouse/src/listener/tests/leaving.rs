//! Who is to make room does so at once, or at least soon, whatever comes.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::super::activity::Activity;
use super::super::limits::Limits;
use super::super::places::Places;
use super::super::stream::Guarded;
use super::super::tongue::{Ear, Tongue};
use super::{PATIENCE, SOON, Server, comes_back, endless, h1, h2, others_find_no_room, until};

/// More than is read before it is answered.
const ENDLESS_BODY: &str = "content-length: 100000000000\r\n";

#[tokio::test]
async fn who_lingers_behind_an_early_answer_makes_room_by_being_closed() {
    let server = Server::with(others_find_no_room(), 2);
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut connection = server.connect().await;
        connection.write_all(&h1("POST", "/small", ENDLESS_BODY)).await.unwrap();
        until(&mut connection, b"405 Method Not Allowed").await;
        connection.read_to_end(&mut Vec::new()).await.unwrap();
        kept.push(connection);
    }
    timeout(PATIENCE, server.has_a_place()).await.expect("who lingers makes room");
    // Only who is closed refuses what is sent to it; else it is thrown away.
    let refused = async { while kept[0].write_all(b"x").await.is_ok() {} };
    timeout(PATIENCE, refused).await.expect("it is closed");
    server.listener.stop().await;
}

#[tokio::test]
async fn who_sends_on_behind_an_early_answer_is_closed_in_the_end() {
    let server = Server::with(Limits { lingering: SOON, ..endless() }, 1);
    let mut connection = server.connect().await;
    connection.write_all(&h1("POST", "/small", ENDLESS_BODY)).await.unwrap();
    until(&mut connection, b"405 Method Not Allowed").await;
    let much = vec![b'x'; 4 << 20];
    let sends = async { while connection.write_all(&much).await.is_ok() {} };
    timeout(PATIENCE, sends).await.expect("it is closed");
    server.listener.stop().await;
}

#[tokio::test]
async fn who_takes_requests_back_makes_room() {
    let server = Server::with(Limits { room: SOON, ..endless() }, 1);
    let mut connection = server.connect().await;
    h2::send(&mut connection, &[h2::hello(0)]).await;
    comes_back("a request taken back again and again", server, async move {
        for stream in (1..).step_by(2) {
            let both = [h2::get(stream, "/waits"), h2::take_back(stream)].concat();
            if connection.write_all(&both).await.is_err()
                || h2::arrived(&mut connection).await.is_err()
            {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_was_dismissed_is_neither_read_nor_written_to_in_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (inner, _) = listener.accept().await.unwrap();
    let activity = Arc::new(Activity::within(Limits { first: Duration::ZERO, ..endless() }));
    // Something waits for us.
    let _busy = activity.begin();
    let place = Arc::new(Places::new(1, Duration::ZERO))
        .take(std::net::Ipv4Addr::LOCALHOST.into(), &activity)
        .unwrap();
    let mut guarded = Guarded::new(inner, activity.clone(), Ear::of(Tongue::Http), place);
    client.write_all(b"more than is read at once").await.unwrap();
    let mut read = [0; 4];
    guarded.read_exact(&mut read).await.unwrap();
    guarded.write_all(b"some").await.unwrap();
    activity.dismiss();
    let read = guarded.read_exact(&mut read).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::TimedOut);
    let written = guarded.write_all(b"more").await;
    assert_eq!(written.unwrap_err().kind(), ErrorKind::TimedOut);
}
