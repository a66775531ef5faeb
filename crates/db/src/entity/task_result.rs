//! What a service is asked in a stage of a run, and what it says.

use sea_orm::entity::prelude::*;

use super::{run_task::Enforcement, task_stage::Stage};
use crate::{
    StatusTimestamps, Timestamp,
    column::words,
    id::{RunTaskId, TaskResultId, TaskStageId, WorkspaceTaskId},
};

words! {
    Status {
        Pending = "pending",
        Running = "running",
        Passed = "passed",
        Failed = "failed",
        Errored = "errored",
        Canceled = "canceled",
        Unreachable = "unreachable",
    }
}

/// Name, address, key, level and stage are those that held when the run was made.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task_results")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskResultId,
    pub task_stage_id: TaskStageId,
    pub run_task_id: RunTaskId,
    /// `None` for what is asked in all workspaces.
    pub workspace_task_id: Option<WorkspaceTaskId>,
    pub task_name: String,
    pub task_url: String,
    /// Sealed.
    pub hmac_key: Option<String>,
    pub stage: Stage,
    pub enforcement_level: Enforcement,
    pub is_speculative: bool,
    pub status: Status,
    pub message: Option<String>,
    pub url: Option<String>,
    /// Sealed.
    pub token: Option<String>,
    pub token_hash: Option<String>,
    pub token_ends_at: Option<Timestamp>,
    /// It is given up if nothing is heard until then.
    pub silent_until: Option<Timestamp>,
    /// It is given up then, whatever is heard.
    pub ends_at: Option<Timestamp>,
    pub status_timestamps: StatusTimestamps,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
