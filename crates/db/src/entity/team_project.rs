//! What a team may do in one project and in the workspaces of it.

use sea_orm::entity::prelude::*;

use serde::{Deserialize, Serialize};

use super::team_workspace::WorkspaceAccess;
use crate::{
    Json, Timestamp,
    column::words,
    id::{ProjectId, TeamId, TeamProjectId},
};

words! {
    Access { Read = "read", Write = "write", Maintain = "maintain", Admin = "admin", Custom = "custom" }
}

words! {
    Settings { Read = "read", Update = "update", Delete = "delete" }
}

words! {
    Teams { None = "none", Read = "read", Manage = "manage" }
}

words! {
    VariableSets { None = "none", Read = "read", Write = "write" }
}

/// The single rights on the project itself that custom access is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ProjectAccess {
    pub settings: Settings,
    pub teams: Teams,
    pub variable_sets: VariableSets,
}

impl Default for ProjectAccess {
    fn default() -> Self {
        Self { settings: Settings::Read, teams: Teams::None, variable_sets: VariableSets::None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "team_projects")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TeamProjectId,
    pub team_id: TeamId,
    pub project_id: ProjectId,
    pub access: Access,
    /// Counts only where `access` is custom.
    pub project_access: Json<ProjectAccess>,
    /// Counts only where `access` is custom.
    pub workspace_access: Json<WorkspaceAccess>,
    pub created_at: Timestamp,
}

super::standalone!();
