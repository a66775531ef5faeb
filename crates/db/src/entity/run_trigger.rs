//! Which workspaces queue a run in which others, once they were applied.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{RunTriggerId, WorkspaceId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run_triggers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RunTriggerId,
    /// Where runs are queued.
    pub workspace_id: WorkspaceId,
    /// Whose applies queue them.
    pub source_id: WorkspaceId,
    pub created_at: Timestamp,
}

super::standalone!();
