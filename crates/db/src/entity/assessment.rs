//! Looks at whether what a workspace has is still as it was applied.

use sea_orm::entity::prelude::*;

use crate::{
    Artifacts, Timestamp,
    column::words,
    id::{AssessmentId, RunId, WorkspaceId},
};

words! {
    Status {
        Queued = "queued",
        Running = "running",
        /// It has a result.
        Finished = "finished",
        /// It had to make way, and has none.
        Canceled = "canceled",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "assessments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AssessmentId,
    pub workspace_id: WorkspaceId,
    /// The last one that was applied: its configuration and its engine are used.
    pub run_id: RunId,
    pub status: Status,
    /// What it has left, by the names of the agent protocol.
    pub artifacts: Artifacts,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

super::standalone!();
