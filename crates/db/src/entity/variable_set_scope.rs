//! What a variable set is applied to: one workspace, or all of a project.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{ProjectId, VariableSetId, VariableSetScopeId, WorkspaceId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "variable_set_scopes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VariableSetScopeId,
    pub variable_set_id: VariableSetId,
    pub workspace_id: Option<WorkspaceId>,
    pub project_id: Option<ProjectId>,
    pub created_at: Timestamp,
}

super::standalone!();
