//! Windows in which nothing is applied.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{FreezeId, ProjectId, WorkspaceId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "freezes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FreezeId,
    pub organization_name: String,
    /// All of the organization, where neither a project nor a workspace is named.
    pub project_id: Option<ProjectId>,
    pub workspace_id: Option<WorkspaceId>,
    pub name: String,
    /// Of a window that is once.
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    /// When a window begins that comes again and again.
    pub cron: Option<String>,
    pub time_zone: String,
    /// How long such a window is.
    pub minutes: Option<i64>,
    pub created_at: Timestamp,
}

super::standalone!();
