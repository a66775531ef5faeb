//! The stages of a run, as far as they are not its plan and its apply.

use sea_orm::entity::prelude::*;

use crate::{
    StatusTimestamps, Timestamp,
    column::words,
    id::{RunId, TaskStageId},
};

words! {
    /// All that a run goes through, in this order. The plan and the apply are phases and have no row here.
    Stage {
        PrePlan = "pre_plan",
        Plan = "plan",
        PostPlan = "post_plan",
        CostEstimation = "cost_estimation",
        PolicyCheck = "policy_check",
        PreApply = "pre_apply",
        Apply = "apply",
        PostApply = "post_apply",
    }
}

words! {
    Status {
        Pending = "pending",
        Running = "running",
        Passed = "passed",
        Failed = "failed",
        AwaitingOverride = "awaiting_override",
        Errored = "errored",
        Canceled = "canceled",
        /// The run ended before.
        Unreachable = "unreachable",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task_stages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskStageId,
    pub run_id: RunId,
    pub stage: Stage,
    pub status: Status,
    /// Until then nobody else works on it.
    pub leased_until: Option<Timestamp>,
    /// How often somebody began to work on it.
    pub attempts: i64,
    pub status_timestamps: StatusTimestamps,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
