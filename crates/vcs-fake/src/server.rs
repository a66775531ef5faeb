//! Serves the repositories of a folder by `git http-backend`, the way that every provider does at heart.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, WWW_AUTHENTICATE};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

pub struct Server {
    pub folder: TempDir,
    pub url: String,
    pub port: u16,
    pub shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
pub struct Shared {
    root: PathBuf,
    /// Method and path of each request.
    pub requests: Mutex<Vec<String>>,
    /// The header without which nobody is let in.
    pub authorization: Mutex<Option<String>>,
    /// Where everybody is sent instead.
    pub redirect: Mutex<Option<String>>,
    /// Whether nobody is ever answered.
    pub silent: Mutex<bool>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Server {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shared = Arc::new(Shared { root: folder.path().to_owned(), ..Shared::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let url = format!("http://{address}");
        Self { folder, url, port: address.port(), shared, serving }
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn of(&self, name: &str) -> String {
        format!("{}/{name}.git", self.url)
    }

    /// How often something was fetched.
    pub fn fetches(&self) -> usize {
        let requests = self.shared.requests.lock().unwrap();
        requests.iter().filter(|request| request.starts_with("POST")).count()
    }

    pub fn requests(&self) -> usize {
        self.shared.requests.lock().unwrap().len()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let said = format!("{} {}", request.method(), request.uri());
    shared.requests.lock().unwrap().push(said);
    if *shared.silent.lock().unwrap() {
        std::future::pending::<()>().await;
    }
    let shown =
        request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let wanted = shared.authorization.lock().unwrap().clone();
    if wanted.is_some() && wanted != shown {
        let builder = Response::builder().status(401);
        return builder.header(WWW_AUTHENTICATE, "Basic realm=\"x\"").body(Body::empty()).unwrap();
    }
    if let Some(to) = shared.redirect.lock().unwrap().clone() {
        let to = format!("{to}{}", request.uri());
        return Response::builder().status(302).header("location", to).body(Body::empty()).unwrap();
    }
    backend(&shared.root, request).await
}

pub async fn backend(root: &Path, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let header = |name: &str| {
        parts.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default().to_owned()
    };
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_TYPE", header(CONTENT_TYPE.as_str()))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header(CONTENT_ENCODING.as_str()))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writing = tokio::spawn(async move {
        // It may end before it has read everything.
        let _ = stdin.write_all(&body).await;
    });
    let output = child.wait_with_output().await.unwrap();
    writing.await.unwrap();
    let end = output.stdout.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(output.stdout[..end].to_vec()).unwrap();
    let mut builder = Response::builder();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        builder = match name {
            "Status" => builder.status(value[..3].parse::<u16>().unwrap()),
            _ => builder.header(name, value),
        };
    }
    builder.body(Body::from(output.stdout[end + 4..].to_vec())).unwrap()
}
