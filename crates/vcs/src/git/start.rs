//! How a program is started: plainly here, in a sandbox by whoever has one.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use async_trait::async_trait;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// One program to start. Neither its arguments nor its environment hold secrets.
#[derive(Clone, Debug)]
pub struct Order {
    pub program: PathBuf,
    pub args: Vec<String>,
    /// All of its environment.
    pub env: BTreeMap<String, String>,
    /// Where it works; it may write here.
    pub folder: PathBuf,
    /// Its standard input; absent: nothing.
    pub stdin: Option<PathBuf>,
    /// What else it may write to.
    pub writable: Vec<PathBuf>,
    /// What else it has to read.
    pub readable: Vec<PathBuf>,
    /// It has to reach a server.
    pub needs_network: bool,
    /// What a single file may grow to.
    pub file_bytes: u64,
}

/// Starts programs that an enemy feeds.
#[async_trait]
pub trait Start: Debug + Send + Sync {
    /// With pipes for its output and for its complaints, and everything that it starts in one group with it.
    async fn start(&self, order: &Order) -> io::Result<Child>;

    /// Ends it, with all that it has started.
    fn kill(&self, process: u32);
}

/// With nothing around it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

#[async_trait]
impl Start for Plain {
    async fn start(&self, order: &Order) -> io::Result<Child> {
        let stdin = match &order.stdin {
            Some(path) => Stdio::from(File::open(path)?),
            None => Stdio::null(),
        };
        Command::new(&order.program)
            .args(&order.args)
            .env_clear()
            .envs(&order.env)
            .current_dir(&order.folder)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    fn kill(&self, process: u32) {
        let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}
