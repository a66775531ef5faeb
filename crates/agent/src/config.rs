//! What an agent must be told before it can work.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use sandbox::Limits;
use secrecy::SecretString;

use crate::budget::Budget;

/// As long as the documents about a large plan may take.
pub const ANSWER: Duration = Duration::from_mins(5);
/// The usual time for which an apply waits for its state to be taken.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Settings of one agent; paths may be relative to the current directory.
#[derive(Clone, Debug)]
pub struct Config {
    /// Root address of the server, without `/agent/v1`.
    pub server: Url,
    /// An agent token; it is never visible to an engine.
    pub token: SecretString,
    /// Shown to people; usually the host name.
    pub name: String,
    /// Job directories and unsaved states. One agent per directory, enforced by a lock.
    pub work_dir: PathBuf,
    /// Downloaded engines and provider plugins; may be deleted while no agent runs.
    pub engine_cache_dir: PathBuf,
    /// Engine binaries to offer besides those found on `PATH`.
    pub engines: Vec<PathBuf>,
    /// Look for `terraform` and `tofu` on `PATH`.
    pub search_path: bool,
    /// Jobs executed at the same time; 0 counts as 1.
    pub concurrency: usize,
    /// An executable whose `engine-exec` subcommand calls [`crate::engine_exec`]; usually our own.
    pub supervisor: PathBuf,
    /// Invisible to engines, with everything below them: the server's data, key files.
    pub hidden_paths: Vec<PathBuf>,
    /// Readable for engines beside what each of them needs.
    pub shared_paths: Vec<PathBuf>,
    pub sandbox: Sandbox,
    pub limits: Limits,
    /// Keep what `init` made for the workspace's next run of the same configuration.
    pub keep_init: bool,
    /// Stands in every engine's `TF_CLI_CONFIG_FILE`, before the credentials of its run.
    pub cli_config_file: Option<PathBuf>,
    /// Trusted besides the system's roots when talking to the server (PEM).
    pub ca_file: Option<PathBuf>,
    /// At shutdown the time that running phases get to finish; after an interrupt the time an
    /// engine gets to save its state before it is killed.
    pub grace: Duration,
    /// How long an engine may take to answer a question about a plan or a state.
    pub answer: Duration,
    /// How long the last state of an apply is offered before its run ends without it and it is offered beside other work.
    pub patience: Duration,
    /// Bytes that are free on the disk of `work_dir` when a phase begins; 0 switches off that the disk is looked at.
    pub min_free_disk: u64,
    /// What one phase may use of the machine.
    pub budget: Budget,
}

/// The usual minimum of free bytes.
pub const MIN_FREE_DISK: u64 = 256 << 20;

/// How much there must be of the sandbox of an engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// All layers, or the agent does not start.
    Required,
    /// The layers that this machine has; what is missing is logged once.
    #[default]
    Preferred,
    /// None, by explicit choice.
    Off,
}
