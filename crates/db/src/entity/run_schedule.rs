//! Runs of a workspace by the calendar.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    column::words,
    id::{RunId, RunScheduleId, WorkspaceId},
};

words! {
    /// What its runs do.
    Kind {
        Plan = "plan",
        RefreshOnly = "refresh-only",
        Apply = "apply",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run_schedules")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RunScheduleId,
    pub workspace_id: WorkspaceId,
    pub kind: Kind,
    pub cron: String,
    /// Of the tz database.
    pub time_zone: String,
    pub message: String,
    pub enabled: bool,
    /// Absent where no time will come any more.
    pub next_at: Option<Timestamp>,
    /// When its time came last.
    pub last_at: Option<Timestamp>,
    pub last_run_id: Option<RunId>,
    /// Why there was no run then.
    pub last_error: Option<String>,
    pub created_at: Timestamp,
}

super::standalone!();
