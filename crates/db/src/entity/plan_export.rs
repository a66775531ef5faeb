//! Plans in a form for those who write policies.

use sea_orm::entity::prelude::*;

use crate::{
    StatusTimestamps, Timestamp,
    column::words,
    id::{PlanExportId, PlanId},
};

words! {
    DataType { SentinelMockBundle = "sentinel-mock-bundle-v0" }
}

words! {
    Status {
        Pending = "pending",
        Queued = "queued",
        Finished = "finished",
        Expired = "expired",
        Canceled = "canceled",
        Errored = "errored",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_exports")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlanExportId,
    pub plan_id: PlanId,
    pub data_type: DataType,
    pub status: Status,
    pub error_message: Option<String>,
    pub status_timestamps: StatusTimestamps,
    pub created_at: Timestamp,
    /// When it is given up, or forgotten.
    pub expires_at: Timestamp,
}

super::standalone!();
