//! What a team may do in one workspace.

use sea_orm::entity::prelude::*;

use serde::{Deserialize, Serialize};

use crate::{
    Json, Timestamp,
    column::words,
    id::{TeamId, TeamWorkspaceId, WorkspaceId},
};

words! {
    Access { Read = "read", Plan = "plan", Write = "write", Admin = "admin", Custom = "custom" }
}

words! {
    /// How far a team may go with runs, each including the one before.
    Runs { Read = "read", Plan = "plan", Apply = "apply" }
}

words! {
    Variables { None = "none", Read = "read", Write = "write" }
}

words! {
    StateVersions { None = "none", ReadOutputs = "read-outputs", Read = "read", Write = "write" }
}

words! {
    SentinelMocks { None = "none", Read = "read" }
}

/// The single rights that custom access is made of; `create`, `move` and `delete` only exist on projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct WorkspaceAccess {
    pub runs: Runs,
    pub variables: Variables,
    pub state_versions: StateVersions,
    pub sentinel_mocks: SentinelMocks,
    pub create: bool,
    pub locking: bool,
    pub r#move: bool,
    pub delete: bool,
    pub run_tasks: bool,
    pub policy_overrides: bool,
}

impl Default for WorkspaceAccess {
    fn default() -> Self {
        Self {
            runs: Runs::Read,
            variables: Variables::None,
            state_versions: StateVersions::None,
            sentinel_mocks: SentinelMocks::None,
            create: false,
            locking: false,
            r#move: false,
            delete: false,
            run_tasks: false,
            policy_overrides: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "team_workspaces")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TeamWorkspaceId,
    pub team_id: TeamId,
    pub workspace_id: WorkspaceId,
    pub access: Access,
    /// Counts only where `access` is custom.
    pub custom: Json<WorkspaceAccess>,
    pub created_at: Timestamp,
}

super::standalone!();
