//! The messages between the server and an agent: plain data over HTTP, nothing else.
//!
//! An agent may be the one embedded in `statehouse serve` or a `statehouse agent` on another machine; both speak
//! exactly this. Every request but the blob addresses carries `Authorization: Bearer <agent token>`.
//!
//! | call | body → answer | meaning |
//! | --- | --- | --- |
//! | `POST /agent/v1/register` | [`Register`] → [`Registered`] | introduces the agent, the engines that it found and what it can do |
//! | `POST /agent/v1/jobs/claim` | [`Claim`] → 200 [`Job`] or 204 | long poll, at most `wait_seconds` (30) |
//! | `POST /agent/v1/leave` | [`Leave`] → 204 | the agent ends and holds no job any more |
//! | `POST /agent/v1/jobs/{job}/start` | → 204 | the phase begins; from here on an apply is never handed out again |
//! | `POST /agent/v1/jobs/{job}/heartbeat` | → [`Orders`] | renews the lease (60 s) |
//! | `PUT /agent/v1/jobs/{job}/log?offset=N` | bytes → [`LogPosition`] | appends; bytes below the stored length are skipped, a gap is 409 |
//! | `PUT /agent/v1/jobs/{job}/state` | raw state → [`StateKept`] | a state that an apply has written so far; older serials are ignored |
//! | `PUT /agent/v1/jobs/{job}/recovered-state` | raw state → [`Recovered`] | a state that nobody took before the apply was over; see there |
//! | `PUT /agent/v1/jobs/{job}/artifacts/{name}` | bytes → 204 | see [`Artifact`] |
//! | `POST /agent/v1/jobs/{job}/outcome` | [`Outcome`] → 204 | the phase is over: log complete, final state first; the run moves on |
//! | `POST /agent/v1/jobs/{job}/finish` | → 204 | nothing more will come for this job |
//!
//! A 410 on any job call means: the job is no longer yours, stop the process and forget it.
//! All of them are safe to repeat.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of this protocol. It grows when an agent could no longer read what it is told; that a field or a kind is
/// new is no reason.
pub const VERSION: u32 = 1;

/// How often an agent must call `heartbeat`, in seconds.
pub const HEARTBEAT_SECONDS: u64 = 5;
/// How long a job stays with an agent that does not call, in seconds.
pub const LEASE_SECONDS: u64 = 60;

/// Title of the error, a 500, of an address whose stored content is damaged: trying again does not help.
pub const DAMAGED: &str = "stored content is damaged";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Register {
    /// Shown to people; the host name by default.
    pub name: String,
    /// Version of the agent program.
    pub version: String,
    /// Stays the same over restarts: kept in the agent's work folder. What an earlier process of this instance
    /// had claimed and not begun is free at once; an apply that it had begun waits to be recovered.
    pub instance: String,
    /// Engines found on the agent's own machine.
    pub engines: Vec<LocalEngine>,
    #[serde(default)]
    pub abilities: Abilities,
    /// The agent's own address on its way to the server; shown to people.
    #[serde(default)]
    pub address: Option<std::net::IpAddr>,
}

/// What an agent understands and can do. It is handed nothing else, so that either side may be the newer one: words that
/// the server does not know mean nothing to it, and an agent that says nothing can do what agents could before they said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Abilities {
    /// The version of this protocol: [`VERSION`].
    pub protocol: u32,
    /// Kinds of jobs, in the words of [`Phase`].
    pub jobs: Vec<String>,
    /// Engines that it can fetch and run, in the words of [`EngineKind`].
    pub engines: Vec<String>,
    /// Of its machine, in the words of the engines' own releases: `linux`, `amd64`.
    pub os: String,
    pub arch: String,
}

impl Default for Abilities {
    fn default() -> Self {
        Self {
            protocol: 1,
            jobs: vec!["plan".into(), "apply".into()],
            engines: vec!["terraform".into(), "tofu".into()],
            os: "linux".into(),
            arch: "amd64".into(),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Registered {
    /// `agent-…`
    pub agent_id: String,
}

/// An engine binary that an agent has at hand without downloading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalEngine {
    pub kind: EngineKind,
    /// Exact version such as `1.15.5`.
    pub version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    Terraform,
    Tofu,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claim {
    pub agent_id: String,
    /// How long the server may hold the request, in seconds; more than 30 counts as 30.
    pub wait_seconds: u64,
    /// Hand out phases of runs only: this slot is kept for them.
    #[serde(default)]
    pub phases_only: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Leave {
    pub agent_id: String,
}

/// One phase of one run, or an assessment, with all that is needed to execute it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// `job-…`
    pub id: String,
    /// For an assessment: its own id.
    pub run_id: String,
    pub phase: Phase,
    pub organization: String,
    pub workspace: String,
    pub workspace_id: String,
    pub project: String,
    pub engine: Engine,
    /// Relative to the configuration's root; empty for the root itself.
    pub working_directory: String,
    /// A gzip tar, as all addresses below relative to the server's own; absent when the workspace has no configuration (a destroy without one).
    pub configuration_url: Option<String>,
    /// The current raw state; absent when there is none.
    pub state_url: Option<String>,
    /// The saved plan of this run; only for an apply.
    pub plan_file_url: Option<String>,
    /// The dependency lock file that the plan ended with; only for an apply.
    pub lock_file_url: Option<String>,
    /// The saved plan changes something, an output at least; only for an apply.
    #[serde(default)]
    pub has_changes: bool,
    pub options: PlanOptions,
    /// Workspace variables and the run's own, already merged; sensitive ones in the clear.
    pub variables: Vec<Variable>,
    /// Lets the engine ask the server as this run.
    pub access: Option<Access>,
    /// A private key for modules that are fetched from Git over SSH.
    pub ssh_key: Option<Secret>,
    /// By which the run is vouched for, by audience: those that its environment asks for.
    #[serde(default)]
    pub identity_tokens: BTreeMap<String, Secret>,
    /// Write machine-readable (`-json`) logs.
    pub structured_output: bool,
    /// Seconds after which the phase is stopped gracefully and counts as failed.
    pub timeout_seconds: u64,
    /// What it may use of the agent's machine, where that is less than the agent itself allows.
    #[serde(default)]
    pub limits: Limits,
    /// The log's length so far: not zero when an earlier agent was lost in this phase.
    pub log_offset: u64,
}

/// What a phase may use at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Of all its processes together.
    pub memory_bytes: Option<Limit>,
    pub processes: Option<Limit>,
    /// Of its directory.
    pub disk_bytes: Option<Limit>,
    /// Who has decided about `timeout_seconds`, for people.
    pub timeout_set_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    pub most: u64,
    /// Where it is changed, for people: `run-memory-bytes of the organization acme`.
    pub set_by: String,
}

/// What the engine shows to the server's own host. It is good for nothing once the job is over or is somebody else's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Access {
    /// As configurations name the server: a host, with a port if it has one of its own.
    pub host: String,
    pub token: Secret,
    /// Absolute addresses of the host's services; empty where the engine can ask the host itself, which takes TLS.
    pub services: BTreeMap<String, String>,
}

/// A text that nobody prints by accident.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Plan,
    Apply,
    /// No phase of a run: compares what is there with what was applied, changes nothing and locks nothing.
    Assessment,
}

/// Which engine executes the phase. `url` is absent when the agent has this version itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    pub kind: EngineKind,
    pub version: String,
    /// A ZIP archive with the binary at its root.
    pub url: Option<String>,
    /// Lower-case hex SHA-256 of the archive.
    pub sha256: Option<String>,
}

/// What the plan is asked to do; an apply executes the saved plan and needs none of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanOptions {
    pub destroy: bool,
    pub refresh: bool,
    pub refresh_only: bool,
    pub targets: Vec<String>,
    pub replace: Vec<String>,
    pub invoke_actions: Vec<String>,
    pub generate_config: bool,
    /// A plan that can never be applied.
    pub plan_only: bool,
    /// A plan without changes is the end of its run, as it is unless somebody allows an empty apply.
    #[serde(default)]
    pub ends_if_empty: bool,
    /// Stages of the run read the plan's documents: they are brought before the outcome, so that whoever is lost behind it
    /// takes nothing along that the run needs.
    #[serde(default)]
    pub documents_first: bool,
    pub debug: bool,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Variable {
    pub key: String,
    /// For `hcl` an expression, otherwise the plain string.
    pub value: String,
    pub kind: VariableKind,
    pub hcl: bool,
    pub sensitive: bool,
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variable")
            .field("key", &self.key)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableKind {
    Terraform,
    Environment,
}

/// What a heartbeat answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    pub cancel: Cancel,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancel {
    #[default]
    No,
    /// Interrupt the engine and let it save what it has.
    Graceful,
    /// Kill it.
    Force,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct LogPosition {
    /// Bytes that the server has; the next append starts here.
    pub length: u64,
}

/// The current state of the workspace, read back from where it lies after all that was written is committed.
///
/// Only this lets an agent forget a state: any other answer, and any other digest, means that it has to keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateKept {
    /// Lower-case hex SHA-256 of the raw state.
    pub sha256: String,
}

/// Where a state is by now that came after the end of its apply, read back from there after all is committed.
///
/// 409 means: not yet, offer it again. 410, 413 and 422 mean: never. Whatever else is answered, as 404 by a server that
/// does not know the call, says nothing; the agent keeps the state and offers it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// Lower-case hex SHA-256 of the raw state.
    pub sha256: String,
    /// It is the workspace's current state; otherwise the server keeps it beside.
    pub is_current: bool,
}

/// Files that a phase leaves behind, stored sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Artifact {
    /// The saved plan, for the apply. Must arrive before the outcome of an appliable plan.
    PlanFile,
    /// `.terraform.lock.hcl` after the plan.
    LockFile,
    /// `terraform show -json` of the plan.
    JsonPlan,
    /// `terraform providers schema -json`: what the values in the plan mean.
    ProviderSchemas,
    /// What the command line renders: see section 4.3 of the CLI protocol (plan, provider schemas, values redacted).
    JsonPlanRedacted,
    /// The state that could not be saved.
    ErroredState,
    /// `terraform show -json` of the new state.
    JsonState,
}

impl Artifact {
    /// As in the URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PlanFile => "plan-file",
            Self::LockFile => "lock-file",
            Self::JsonPlan => "json-plan",
            Self::ProviderSchemas => "provider-schemas",
            Self::JsonPlanRedacted => "json-plan-redacted",
            Self::ErroredState => "errored-state",
            Self::JsonState => "json-state",
        }
    }
}

/// How a phase ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    pub result: PhaseResult,
    /// Says in one sentence what went wrong; absent on success.
    pub message: Option<String>,
    pub has_changes: bool,
    pub counts: Counts,
    /// True if the phase wrote configuration for imported resources.
    pub generated_configuration: bool,
    /// The state of an apply is still with the agent, which goes on to offer it as `recovered-state`.
    #[serde(default)]
    pub state_pending: bool,
    /// Absent from agents that do not look.
    #[serde(default)]
    pub peaks: Option<Peaks>,
    /// What the engine was kept apart by, in words that people may look up; absent from agents that do not say.
    #[serde(default)]
    pub layers: Option<Vec<String>>,
    /// Of an assessment that came to its end.
    #[serde(default)]
    pub findings: Option<Findings>,
}

/// The most that all processes of a phase have used together, as far as the agent saw it, and the time of the processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Peaks {
    pub memory_bytes: u64,
    pub processes: u64,
    pub disk_bytes: u64,
    pub cpu_milliseconds: u64,
}

/// What an assessment has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Findings {
    /// Addresses of managed resources that something outside has changed and an apply would change back.
    pub drifted: Vec<String>,
    /// How many managed resources there are besides.
    pub undrifted: u32,
    /// What the configuration checks; absent where the engine knows no checks.
    pub checks: Option<Vec<Check>>,
}

/// Something in the configuration that has conditions, all of its instances together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Check {
    pub address: String,
    /// In the engine's words: `check`, `resource`, `output_value`, `var`.
    pub kind: String,
    /// In the engine's words: `pass`, `fail`, `error`, `unknown`.
    pub status: String,
    /// What the conditions that do not hold say.
    pub problems: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseResult {
    Finished,
    Errored,
    Canceled,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub additions: u32,
    pub changes: u32,
    pub destructions: u32,
    pub imports: u32,
}
