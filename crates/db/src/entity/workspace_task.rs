//! Where services are asked about runs.

use sea_orm::entity::prelude::*;

use super::{run_task::Enforcement, task_stage::Stage};
use crate::{
    Json, Timestamp,
    id::{RunTaskId, WorkspaceId, WorkspaceTaskId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workspace_tasks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WorkspaceTaskId,
    pub workspace_id: WorkspaceId,
    pub run_task_id: RunTaskId,
    pub stages: Json<Vec<Stage>>,
    pub enforcement_level: Enforcement,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
