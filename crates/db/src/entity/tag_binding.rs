//! A tag on a workspace or project: flat, or a key and perhaps a value.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{ProjectId, TagBindingId, WorkspaceId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tag_bindings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TagBindingId,
    pub workspace_id: Option<WorkspaceId>,
    pub project_id: Option<ProjectId>,
    pub tag_key: String,
    /// Empty for a flat tag, and for a key without a value.
    pub tag_value: String,
    pub created_at: Timestamp,
    /// Only of workspaces.
    pub is_flat: bool,
}

super::standalone!();
