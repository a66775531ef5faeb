//! Executes the phases of runs with a real Terraform or OpenTofu binary.
//!
//! The same code is embedded in `statehouse serve` and is `statehouse agent` on another machine.
//! It knows the server only over HTTP ([`protocol`]), and never the database.
//!
//! The way of a job: `agent` claims it → `session` holds its lease → `phase` prepares the
//! `workplace` (`archive`, `engines`, `variables`, `environment`, `identity`, `cli_config`, `git`, `backend`) → `init` runs, or gives what
//! `kept_init` kept of `packages` → `plan` or `apply` starts the
//! engine (`process`) in the `sandbox`, within what `reach` lists → `log` and `state` (out of its `state_file`, whose `writers` are counted) carry to the
//! server what comes out, without the `secrets` that were given to the run (`mask`, `spellings`, `quotes`) → `output` and
//! `redaction` say what it means.
//! `meter` ends in good order what uses more of the machine (`usage`) than it may (`budget`).
//! `disk` sees to the room that all of this needs, and `emergency` to the state of an engine that had none.
//! `recovery` picks up what a crash left.

mod agent;
mod apply;
mod archive;
mod assessment;
mod backend;
mod budget;
mod cli_config;
mod config;
mod disk;
mod emergency;
mod engines;
mod environment;
mod fetch;
mod git;
mod identity;
mod init;
mod kept_init;
mod log;
mod mask;
mod members;
mod meter;
mod output;
mod packages;
mod phase;
mod plan;
mod plugins;
mod process;
mod quotes;
mod reach;
mod recovery;
mod redaction;
mod reported;
mod roots;
mod schemas;
mod secrets;
mod server;
mod session;
mod spellings;
mod state;
mod state_file;
mod steps;
mod undelivered;
mod untrusted;
mod usage;
mod variables;
mod workplace;
mod writers;

pub use agent::{NETWORK, run};
pub use budget::Budget;
pub use config::{ANSWER, Config, MIN_FREE_DISK, PATIENCE, Sandbox};
pub use engines::at_hand;
pub use protocol::EngineKind;
pub use sandbox::{Groups, Limits, Survey, exec as engine_exec, survey};
