//! The policies of one kind in one task stage of a run.

use sea_orm::entity::prelude::*;

use serde::{Deserialize, Serialize};

use super::policy::Kind;
use crate::{
    Json, StatusTimestamps, Timestamp,
    column::words,
    id::{PolicyEvaluationId, TaskStageId},
};

words! {
    Status {
        Pending = "pending",
        Queued = "queued",
        Running = "running",
        Passed = "passed",
        Failed = "failed",
        Overridden = "overridden",
        Errored = "errored",
        Canceled = "canceled",
        Unreachable = "unreachable",
    }
}

/// How many policies ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ResultCount {
    pub advisory_failed: u64,
    pub mandatory_failed: u64,
    pub passed: u64,
    pub errored: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_evaluations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicyEvaluationId,
    pub task_stage_id: TaskStageId,
    pub kind: Kind,
    pub status: Status,
    /// It speaks against the run, and somebody may let the run go on nevertheless.
    pub can_be_overridden: bool,
    pub result_count: Json<ResultCount>,
    pub status_timestamps: StatusTimestamps,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
