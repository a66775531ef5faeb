//! What stands for a provider: as much of GitHub's API as a server asks for, and repositories by `git http-backend`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::commands::{command, output, succeed};

/// Where it tells what happens, and what it signs that with.
#[derive(Clone)]
pub struct Hook {
    pub url: String,
    pub secret: String,
}

pub struct Provider {
    pub url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

struct Shared {
    url: String,
    root: PathBuf,
    /// By the name of the repository.
    hooks: Mutex<BTreeMap<String, Hook>>,
    asked: AtomicUsize,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Provider {
    pub async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("statehouse-bench-git-").tempdir()?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared {
            url: url.clone(),
            root: folder.path().to_owned(),
            hooks: Mutex::default(),
            asked: AtomicUsize::new(0),
        });
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self { url, shared, serving, _folder: folder })
    }

    pub async fn repository(&self, name: &str) -> Result<Origin> {
        let bare = self.shared.root.join(format!("{name}.git"));
        succeed(command("git").args(["init", "--quiet", "--bare", "-b", "main"]).arg(&bare))
            .await?;
        let mut allow = command("git");
        allow.args(["config", "uploadpack.allowFilter", "true"]).current_dir(&bare);
        succeed(&mut allow).await?;
        Ok(Origin { bare })
    }

    /// That was asked for by whoever takes files from it.
    pub fn hook(&self, name: &str) -> Option<Hook> {
        self.shared.hooks.lock().ok()?.get(name).cloned()
    }

    /// How often `git` has come, for whatever it wanted.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::Relaxed)
    }
}

/// A bare repository.
pub struct Origin {
    bare: PathBuf,
}

impl Origin {
    /// Writes these files over what `main` has; the commit.
    pub async fn commit(
        &self,
        message: &str,
        files: impl Iterator<Item = (String, String)>,
    ) -> Result<String> {
        let stream = self.bare.join("stream");
        let has_parent = self.head().await.is_ok();
        write_stream(&stream, message, has_parent, files)?;
        let mut import = command("git");
        import.args(["fast-import", "--quiet"]).current_dir(&self.bare);
        succeed(import.stdin(Stdio::from(File::open(&stream)?))).await?;
        fs::remove_file(&stream)?;
        self.head().await
    }

    async fn head(&self) -> Result<String> {
        let mut head = command("git");
        head.args(["rev-parse", "--verify", "--quiet", "refs/heads/main"]);
        Ok(output(head.current_dir(&self.bare)).await?.trim().to_owned())
    }
}

fn write_stream(
    path: &Path,
    message: &str,
    has_parent: bool,
    files: impl Iterator<Item = (String, String)>,
) -> Result<()> {
    let mut stream = BufWriter::new(File::create(path)?);
    let length = message.len();
    writeln!(stream, "commit refs/heads/main\ncommitter Ann <ann@example.com> 1700000000 +0000")?;
    writeln!(stream, "data {length}\n{message}")?;
    if has_parent {
        writeln!(stream, "from refs/heads/main^0")?;
    }
    for (path, content) in files {
        writeln!(stream, "M 100644 inline {path}\ndata {}\n{content}", content.len())?;
    }
    Ok(stream.flush()?)
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((line, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request| answered(shared.clone(), request));
            // Whoever hangs up early has heard enough.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(line), answer).await;
        });
    }
}

async fn answered(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let answer = match answer(&shared, request).await {
        Ok(answer) => answer,
        Err(error) => said(500, &json!({ "message": format!("{error:#}") })),
    };
    Ok(answer)
}

fn said(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(body.to_string()));
    *answer.status_mut() = hyper::StatusCode::from_u16(status).expect("it is a status");
    answer
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = parts.uri.path().to_owned();
    let parts_of_path: Vec<&str> = path.trim_matches('/').split('/').collect();
    Ok(match (&parts.method, &*parts_of_path) {
        (_, [.., "info", "refs"] | [.., "git-upload-pack"]) => {
            if parts_of_path.last() == Some(&"refs") {
                shared.asked.fetch_add(1, Ordering::Relaxed);
            }
            backend(&shared.root, &parts, &body).await?
        }
        (&Method::GET, ["api", "v3", "user"]) => said(200, &json!({ "login": "bench" })),
        (&Method::GET, ["api", "v3", "repos", "acme", name]) => {
            let (url, name) = (&shared.url, *name);
            said(
                200,
                &json!({
                    "id": 7, "full_name": format!("acme/{name}"), "default_branch": "main",
                    "html_url": format!("{url}/acme/{name}"), "clone_url": format!("{url}/{name}.git"),
                }),
            )
        }
        (&Method::GET, ["api", "v3", "repos", "acme", _, "hooks"]) => said(200, &json!([])),
        (&Method::POST, ["api", "v3", "repos", "acme", name, "hooks"]) => {
            let asked: Value = serde_json::from_slice(&body)?;
            let text = |name: &str| asked["config"][name].as_str().unwrap_or_default().to_owned();
            let hook = Hook { url: text("url"), secret: text("secret") };
            let mut hooks = shared.hooks.lock().expect("nobody breaks down while holding it");
            hooks.insert((*name).to_owned(), hook);
            said(201, &json!({ "id": 1 }))
        }
        (&Method::POST, ["api", "v3", "repos", "acme", _, "statuses", _]) => said(201, &json!({})),
        _ => said(404, &json!({ "message": "Not Found" })),
    })
}

/// As CGI has it.
async fn backend(
    root: &Path,
    parts: &hyper::http::request::Parts,
    body: &Bytes,
) -> Result<Response<Full<Bytes>>> {
    let header = |name: &str| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let mut child = command("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().context("it has an input")?;
    let sent = body.clone();
    // It may end before it has read everything.
    let writing = tokio::spawn(async move { stdin.write_all(&sent).await });
    let answered = child.wait_with_output().await?.stdout;
    let _ = writing.await?;
    let end = answered.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.context("git http-backend says nothing")?;
    let mut answer = Response::builder();
    for line in std::str::from_utf8(&answered[..end])?.lines() {
        let (name, value) = line.split_once(": ").context("it is a header")?;
        answer = match name {
            "Status" => answer.status(value.split(' ').next().unwrap_or_default()),
            _ => answer.header(name, value),
        };
    }
    Ok(answer.body(Full::from(answered[end + 4..].to_vec()))?)
}
