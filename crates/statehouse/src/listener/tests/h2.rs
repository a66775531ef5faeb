//! As much of an HTTP/2 client as it takes to behave badly.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// How a connection begins, and how many bytes of each answer may come unasked.
pub fn hello(window: u32) -> Vec<u8> {
    let mut settings = vec![0, 4];
    settings.extend(window.to_be_bytes());
    let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    hello.extend(frame(SETTINGS, 0, 0, &settings));
    hello.extend(frame(SETTINGS, 1, 0, &[]));
    hello
}

/// By the numbers of HPACK's table: the method and the scheme, and by their names the path and the authority.
fn head(method: u8, path: &str) -> Vec<u8> {
    let mut head = vec![method, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
    head.extend(path.as_bytes());
    head.extend([0x01, 1, b'a']);
    head
}

pub fn get(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &head(0x82, path))
}

/// Its body is still to come.
pub fn post(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &head(0x83, path))
}

/// The rest of its head is still to come.
pub fn half_a_head() -> Vec<u8> {
    frame(HEADERS, END_STREAM, 1, &head(0x82, "/small"))
}

pub fn nothing_more_of_a_head() -> Vec<u8> {
    frame(CONTINUATION, 0, 1, &[])
}

pub fn data(stream: u32, payload: &[u8]) -> Vec<u8> {
    frame(DATA, 0, stream, payload)
}

pub fn take_back(stream: u32) -> Vec<u8> {
    const CANCEL: [u8; 4] = [0, 0, 0, 8];
    frame(RST_STREAM, 0, stream, &CANCEL)
}

pub fn ping() -> Vec<u8> {
    frame(PING, 0, 0, b"anything")
}

/// One more byte of the answer may come.
pub fn wider(stream: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &[0, 0, 0, 1])
}

/// Reads on until answers have begun on so many streams; what each begins with.
pub async fn answered(connection: &mut (impl AsyncRead + Unpin), streams: usize) -> Vec<u8> {
    let mut begun = Vec::new();
    while begun.len() < streams {
        let (kind, payload) = read(connection).await;
        if kind == HEADERS {
            begun.push(payload[0]);
        }
    }
    begun
}

/// Everything before the next ping has arrived.
pub async fn arrived(connection: &mut TcpStream) -> std::io::Result<()> {
    connection.write_all(&ping()).await?;
    loop {
        let mut head = [0; 9];
        connection.read_exact(&mut head).await?;
        let mut payload = vec![0; usize::from(head[2])];
        connection.read_exact(&mut payload).await?;
        if head[3] == PING {
            return Ok(());
        }
    }
}

/// All of what the answers on a connection hold, until they have so many bytes.
pub async fn body(connection: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < length {
        let (kind, payload) = read(connection).await;
        if kind == DATA {
            body.extend(payload);
        }
    }
    body
}

async fn read(connection: &mut (impl AsyncRead + Unpin)) -> (u8, Vec<u8>) {
    let mut head = [0; 9];
    connection.read_exact(&mut head).await.unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    connection.read_exact(&mut payload).await.unwrap();
    (head[3], payload)
}

pub async fn send(connection: &mut TcpStream, frames: &[Vec<u8>]) {
    connection.write_all(&frames.concat()).await.unwrap();
}
