//! The plan and the apply of a run: two rows of one shape.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Artifacts, Json, StatusTimestamps, Timestamp,
    column::words,
    id::{AgentId, AgentPoolId, RunId},
};

words! {
    Kind { Plan = "plan", Apply = "apply" }
}

words! {
    Status {
        Pending = "pending",
        Queued = "queued",
        Running = "running",
        Finished = "finished",
        Errored = "errored",
        Canceled = "canceled",
        Unreachable = "unreachable",
    }
}

/// Who executed a phase, by the names of that time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executor {
    pub agent_name: String,
    /// Absent for the agents of the site.
    pub pool_id: Option<AgentPoolId>,
    pub pool_name: Option<String>,
}

/// The most that a phase has used of its machine, as its agent saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Peaks {
    pub memory_bytes: u64,
    pub processes: u64,
    pub disk_bytes: u64,
    /// Of the processor, all of it.
    pub cpu_milliseconds: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "phases")]
pub struct Model {
    /// `plan-…` or `apply-…`
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub run_id: RunId,
    pub kind: Kind,
    pub status: Status,
    pub has_changes: bool,
    pub generated_configuration: bool,
    pub resource_additions: Option<i64>,
    pub resource_changes: Option<i64>,
    pub resource_destructions: Option<i64>,
    pub resource_imports: Option<i64>,
    /// Why it failed, in a sentence.
    pub message: Option<String>,
    /// Names of the files that it left behind.
    pub artifacts: Artifacts,
    /// Until when the state that an apply has left may still come from its agent.
    pub state_awaited_until: Option<Timestamp>,
    pub agent_id: Option<AgentId>,
    pub executor: Option<Json<Executor>>,
    pub peaks: Option<Json<Peaks>>,
    /// Words for what it was kept apart by.
    pub layers: Option<Json<Vec<String>>>,
    pub status_timestamps: StatusTimestamps,
}

super::standalone!();
