//! What one plan led to when draft policies were asked about it.

use sea_orm::entity::prelude::*;

use crate::{
    column::words,
    id::{PolicyReplayId, PolicyReplayResultId, RunId, WorkspaceId},
};

words! {
    Status {
        Pending = "pending",
        Passed = "passed",
        Failed = "failed",
        Errored = "errored",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_replay_results")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicyReplayResultId,
    pub replay_id: PolicyReplayId,
    /// The newest plan is 0.
    pub position: i64,
    pub workspace_id: WorkspaceId,
    pub run_id: RunId,
    pub status: Status,
    /// Sealed JSON, once there is something.
    pub said: Option<String>,
}

super::standalone!();
