//! The last moment before an engine: our own executable prepares the process, then becomes it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use rustix::process::{Resource, Rlimit, Signal};
use serde::{Deserialize, Serialize};

use crate::Limits;
use crate::fence::Fence;

/// Travels through standard input: an environment holds secrets and may hold `LD_PRELOAD`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// Process id of the agent.
    pub parent: i32,
    pub fence: Option<Fence>,
    pub limits: Limits,
}

/// The hidden subcommand `engine-exec`: reads its settings from standard input, leads a session
/// of its own, dies with the agent (by SIGTERM, so that the engine can save its state), closes
/// the fence and becomes the engine. Returns only if that failed.
pub fn engine_exec() -> anyhow::Result<Infallible> {
    let mut settings = Vec::new();
    std::io::stdin().read_to_end(&mut settings).context("read the settings")?;
    let settings: Settings = serde_json::from_slice(&settings).context("read the settings")?;
    // A session of its own: a group to kill, and no terminal to ask for passwords on.
    rustix::process::setsid().context("lead a session")?;
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))
        .context("follow the agent")?;
    if rustix::process::getppid().map(rustix::process::Pid::as_raw_nonzero).map(i32::from)
        != Some(settings.parent)
    {
        bail!("the agent is gone");
    }
    limit(&settings.limits)?;
    if let Some(fence) = &settings.fence {
        fence.close().context("close the sandbox")?;
    }
    let error = Command::new(&settings.program)
        .args(&settings.args)
        .env_clear()
        .envs(&settings.env)
        .stdin(Stdio::null())
        .exec();
    Err(error).with_context(|| format!("start {}", settings.program.display()))
}

fn limit(limits: &Limits) -> anyhow::Result<()> {
    // A core dump would leave the secrets of the run on the disk.
    let ceilings = [
        (Resource::Core, Some(0)),
        (Resource::Data, limits.memory_bytes),
        (Resource::Nproc, limits.processes),
        (Resource::Fsize, limits.file_bytes),
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
