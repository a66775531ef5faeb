//! The Sentinel policies of a run.

use sea_orm::entity::prelude::*;

use serde::{Deserialize, Serialize};

use crate::{
    Json, StatusTimestamps, Timestamp,
    column::words,
    id::{PolicyCheckId, RunId},
};

words! {
    Status {
        Pending = "pending",
        Queued = "queued",
        Passed = "passed",
        SoftFailed = "soft_failed",
        HardFailed = "hard_failed",
        Overridden = "overridden",
        Errored = "errored",
        Canceled = "canceled",
        Unreachable = "unreachable",
    }
}

/// How many policies passed, and how the others are taken. One that errs has failed at its level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    pub passed: u64,
    pub advisory_failed: u64,
    pub soft_failed: u64,
    pub hard_failed: u64,
    pub duration_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_checks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicyCheckId,
    pub run_id: RunId,
    pub status: Status,
    /// What people read where no policy was asked.
    pub output: Option<String>,
    pub counts: Option<Json<Counts>>,
    /// What the policies said, once they were asked. Sealed JSON.
    pub said: Option<String>,
    pub status_timestamps: StatusTimestamps,
    pub created_at: Timestamp,
}

super::standalone!();
