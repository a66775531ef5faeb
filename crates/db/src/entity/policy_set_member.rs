//! What a policy set is made of, and where it counts.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    column::words,
    id::{PolicyId, PolicySetId, ProjectId, WorkspaceId},
};

words! {
    Role {
        Policy = "policy",
        Workspace = "workspace",
        Project = "project",
        WorkspaceExclusion = "workspace-exclusion",
        ProjectExclusion = "project-exclusion",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_set_members")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub policy_set_id: PolicySetId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub role: Role,
    /// That one of the three below that is there.
    #[sea_orm(primary_key, auto_increment = false)]
    pub member_id: String,
    pub policy_id: Option<PolicyId>,
    pub workspace_id: Option<WorkspaceId>,
    pub project_id: Option<ProjectId>,
    pub created_at: Timestamp,
}

super::standalone!();
