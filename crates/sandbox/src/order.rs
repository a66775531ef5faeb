//! What is to be started and how: the message that our processes hand to each other.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use rustix::process::{Resource, Rlimit};
use serde::{Deserialize, Serialize};

use crate::{Layers, Reach, inside, outside};

/// One program to start. It works in the current directory of who carries this out.
///
/// It travels through standard input: an environment holds secrets and may hold `LD_PRELOAD`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Absent: nothing is started, and what is there of the layers is printed.
    pub program: Option<PathBuf>,
    pub args: Vec<String>,
    /// The file that it reads as its standard input, by its path inside; absent: nothing.
    #[serde(default)]
    pub stdin: Option<PathBuf>,
    /// All of its environment.
    pub env: BTreeMap<String, String>,
    /// Process id of who gives the order: when it ends, the program is sent SIGTERM.
    pub parent: i32,
    /// Seconds that it then has to end by itself, before it is killed.
    pub orphan_seconds: u32,
    pub limits: Limits,
    pub layers: Layers,
    pub reach: Reach,
}

/// Ceilings for one program and everything it starts; absent means the agent's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of data memory per process (`RLIMIT_DATA`).
    pub memory_bytes: Option<u64>,
    /// Processes and threads of the agent's user (`RLIMIT_NPROC`).
    pub processes: Option<u64>,
    /// Size of a single file in bytes (`RLIMIT_FSIZE`).
    pub file_bytes: Option<u64>,
    /// Seconds of a processor's time per process (`RLIMIT_CPU`).
    pub cpu_seconds: Option<u64>,
}

/// How far an order has come.
#[derive(Debug, Serialize, Deserialize)]
enum Step {
    Outside(Order),
    Inside(Order),
}

impl Order {
    /// What `engine-exec` wants on its standard input.
    pub fn message(&self) -> io::Result<Vec<u8>> {
        message(&Step::Outside(self.clone()))
    }

    /// Starts the second of our processes. Its standard input stays open for as long as we live.
    pub(crate) fn go_inside(self) -> anyhow::Result<Child> {
        // Not by its path: the file may have been replaced by a newer version.
        let child = Command::new("/proc/self/exe")
            .arg("engine-exec")
            .env_clear()
            .stdin(Stdio::piped())
            .spawn()
            .context("start the inner process")?;
        let mut stdin = child.stdin.as_ref().context("the inner process has no input")?;
        io::Write::write_all(&mut stdin, &message(&Step::Inside(self))?)
            .context("hand the order on")?;
        Ok(child)
    }

    /// The program itself.
    pub(crate) fn command(&self, program: &Path) -> anyhow::Result<Command> {
        let stdin = match &self.stdin {
            Some(path) => File::open(path).context("open its standard input")?.into(),
            None => Stdio::null(),
        };
        let mut command = Command::new(program);
        command.args(&self.args).env_clear().envs(&self.env).stdin(stdin);
        Ok(command)
    }
}

fn message(step: &Step) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(step)?;
    line.push(b'\n');
    Ok(line)
}

/// The hidden subcommand `engine-exec`: carries out the order on its standard input, and ends as
/// the program ended. Returns only if the program could not be started.
pub fn exec() -> anyhow::Result<Infallible> {
    // Before anything secret is read: a core dump would leave it on the disk.
    Limits::default().set()?;
    // What the server was started with, such as a supervisor's sockets, is not for programs.
    close_fds::set_fds_cloexec(3, &[]);
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("read the order")?;
    if !line.ends_with('\n') {
        bail!("the agent is gone");
    }
    match serde_json::from_str(&line).context("read the order")? {
        Step::Outside(order) => outside::carry_out(order),
        Step::Inside(order) => inside::carry_out(&order),
    }
}

impl Limits {
    pub(crate) fn set(&self) -> anyhow::Result<()> {
        // A core dump would leave the secrets of the run on the disk.
        let ceilings = [
            (Resource::Core, Some(0)),
            (Resource::Data, self.memory_bytes),
            (Resource::Nproc, self.processes),
            (Resource::Fsize, self.file_bytes),
            (Resource::Cpu, self.cpu_seconds),
        ];
        for (resource, ceiling) in ceilings {
            let Some(ceiling) = ceiling else { continue };
            // Never above what we have: raising is not allowed, and lowering is all we want.
            let maximum = rustix::process::getrlimit(resource).maximum;
            let ceiling = Some(maximum.map_or(ceiling, |maximum| maximum.min(ceiling)));
            rustix::process::setrlimit(resource, Rlimit { current: ceiling, maximum: ceiling })
                .with_context(|| format!("limit {resource:?}"))?;
        }
        Ok(())
    }
}
