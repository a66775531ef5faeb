//! `git` as it is started here: in the same sandbox as the engines of runs, for what it reads is somebody else's.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use async_trait::async_trait;
use domain::GitMeans;
use rustix::process::Pid;
use sandbox::{Layers, Limits, Order, Reach};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use vcs::git::Start;

use crate::config::{Sandbox, Settings};

/// Bytes of memory for each process: large repositories are packed in it.
const MEMORY: u64 = 4 << 30;
/// Where ours look for other programs.
const SAFE_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// How this server fetches repositories.
pub fn means(settings: &Settings) -> io::Result<GitMeans> {
    let data_dir = std::path::absolute(&settings.store.data_dir)?;
    let execution = settings.agent.as_ref();
    Ok(GitMeans {
        root: data_dir.join("repositories"),
        program: program(),
        start: std::sync::Arc::new(InSandbox {
            supervisor: env::current_exe()?,
            wish: execution.map_or(Sandbox::Preferred, |execution| execution.sandbox),
            closed: execution.map_or_else(|| vec![data_dir], |execution| execution.closed.clone()),
            layers: OnceCell::new(),
        }),
    })
}

/// The first on the PATH. A missing one is found out when it is needed.
fn program() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_else(|| SAFE_PATH.into());
    let found = env::split_paths(&path).map(|folder| folder.join("git"));
    let found = found.into_iter().find(|path| path.is_absolute() && path.is_file());
    found.unwrap_or_else(|| "/usr/bin/git".into())
}

#[derive(Debug)]
struct InSandbox {
    supervisor: PathBuf,
    wish: Sandbox,
    /// What it may not see.
    closed: Vec<PathBuf>,
    /// What this machine has of the sandbox; found out once.
    layers: OnceCell<Layers>,
}

impl InSandbox {
    async fn layers(&self, scratch: &Path) -> io::Result<Layers> {
        if self.wish == Sandbox::Off {
            return Ok(Layers::NONE);
        }
        let survey = || async {
            let (supervisor, scratch) = (self.supervisor.clone(), scratch.to_owned());
            let survey =
                tokio::task::spawn_blocking(move || sandbox::survey(&supervisor, &scratch));
            let survey = survey.await.map_err(io::Error::other)?;
            let missing = survey.missing();
            if !missing.is_empty() && self.wish == Sandbox::Required {
                let missing = missing.join("; ");
                return Err(io::Error::other(format!(
                    "the sandbox is required, and this machine lacks a part of it: {missing}"
                )));
            }
            Ok(survey.layers)
        };
        self.layers.get_or_try_init(survey).await.copied()
    }
}

#[async_trait]
impl Start for InSandbox {
    async fn start(&self, order: &vcs::git::Order) -> io::Result<Child> {
        let mut writable = order.writable.clone();
        writable.push(order.folder.clone());
        let message = Order {
            program: Some(order.program.clone()),
            args: order.args.clone(),
            stdin: order.stdin.clone(),
            env: order.env.clone(),
            parent: rustix::process::getpid().as_raw_nonzero().get(),
            orphan_seconds: 1,
            limits: Limits {
                memory_bytes: Some(MEMORY),
                file_bytes: Some(order.file_bytes),
                ..Limits::default()
            },
            layers: self.layers(&order.folder).await?,
            reach: Reach {
                shared: Vec::new(),
                closed: self.closed.clone(),
                readable: order.readable.clone(),
                writable,
                tmp: order.folder.clone(),
            },
        }
        .message()?;
        let mut child = Command::new(&self.supervisor)
            .arg("engine-exec")
            .env_clear()
            .env("PATH", SAFE_PATH)
            .current_dir(&order.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().ok_or_else(|| io::Error::other("no standard input"))?;
        // Who is not told what to do ends by itself.
        stdin.write_all(&message).await?;
        Ok(child)
    }

    fn kill(&self, process: u32) {
        if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
            sandbox::kill(pid);
        }
    }
}
