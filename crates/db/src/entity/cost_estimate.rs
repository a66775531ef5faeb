//! What a run would cost.

use sea_orm::entity::prelude::*;

use crate::{
    StatusTimestamps, Timestamp,
    column::words,
    id::{CostEstimateId, RunId},
};

words! {
    Status {
        Pending = "pending",
        Queued = "queued",
        Finished = "finished",
        Canceled = "canceled",
        Errored = "errored",
        Unreachable = "unreachable",
        SkippedDueToTargeting = "skipped_due_to_targeting",
    }
}

/// Costs are decimal numbers as text.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cost_estimates")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CostEstimateId,
    pub run_id: RunId,
    pub status: Status,
    pub error_message: Option<String>,
    /// Resources that have a price, and that have none.
    pub matched: i64,
    pub unmatched: i64,
    pub prior_monthly_cost: Option<String>,
    pub proposed_monthly_cost: Option<String>,
    pub delta_monthly_cost: Option<String>,
    pub status_timestamps: StatusTimestamps,
    pub created_at: Timestamp,
}

super::standalone!();
