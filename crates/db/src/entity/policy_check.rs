//! The Sentinel policies of a run.

use sea_orm::entity::prelude::*;

use crate::{
    StatusTimestamps, Timestamp,
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

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_checks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicyCheckId,
    pub run_id: RunId,
    pub status: Status,
    /// What it said, for people.
    pub output: Option<String>,
    pub status_timestamps: StatusTimestamps,
    pub created_at: Timestamp,
}

super::standalone!();
