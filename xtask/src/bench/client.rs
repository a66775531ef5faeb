//! One keep-alive connection to the server: cheap, because it shares the machine with it.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A connection that speaks as the site admin.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    address: String,
    token: String,
}

/// A body and its media type.
pub enum Body {
    Empty,
    Json(Value),
    Raw(Bytes),
    /// JSON with headers that say whose it is.
    Signed(Vec<(&'static str, String)>, Bytes),
}

impl Client {
    /// Connects to `address`, a host and a port.
    pub async fn connect(address: &str, token: &str) -> Result<Self> {
        let sender = connect(address).await?;
        Ok(Self { sender, address: address.to_owned(), token: token.to_owned() })
    }

    /// Sends a request and reads the whole answer. `path` may be an address of this server.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<(StatusCode, Bytes)> {
        if self.sender.ready().await.is_err() {
            self.sender = connect(&self.address).await?;
        }
        let origin = format!("http://{}", self.address);
        let path = path.strip_prefix(&origin).unwrap_or(path);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.address)
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        let request = match body {
            Body::Empty => request.body(Full::default()),
            Body::Json(value) => request
                .header(CONTENT_TYPE, "application/vnd.api+json")
                .body(Full::from(serde_json::to_vec(&value)?)),
            Body::Raw(bytes) => {
                request.header(CONTENT_TYPE, "application/octet-stream").body(Full::from(bytes))
            }
            Body::Signed(headers, bytes) => {
                let request = request.header(CONTENT_TYPE, "application/json");
                let request = headers
                    .into_iter()
                    .fold(request, |request, (name, value)| request.header(name, value));
                request.body(Full::from(bytes))
            }
        };
        let answer = self.sender.send_request(request?).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// Sends a request that must succeed and returns its document, `null` if there is none.
    pub async fn ask(&mut self, method: Method, path: &str, body: Body) -> Result<Value> {
        let asked = format!("{method} {path}");
        let (status, bytes) = self.send(method, path, body).await.context(asked.clone())?;
        if !status.is_success() {
            bail!("{asked} answered {status}: {}", String::from_utf8_lossy(&bytes));
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Reads a document.
    pub async fn get(&mut self, path: &str) -> Result<Value> {
        self.ask(Method::GET, path, Body::Empty).await
    }

    /// Creates something and returns its `data`.
    pub async fn create(&mut self, path: &str, data: Value) -> Result<Value> {
        let body = Body::Json(serde_json::json!({ "data": data }));
        Ok(self.ask(Method::POST, path, body).await?["data"].take())
    }
}

async fn connect(address: &str) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("cannot connect to the server")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; what goes wrong shows there.
    tokio::spawn(connection);
    Ok(sender)
}

/// A text at a JSON pointer.
pub fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("no {pointer} in {value}"))
}
