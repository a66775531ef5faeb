//! Teams: through them people get their rights.

use sea_orm::entity::prelude::*;

use serde::{Deserialize, Serialize};

use crate::{Json, Timestamp, column::words, id::TeamId};

/// The team that may do everything in its organization and always exists.
pub const OWNERS: &str = "owners";

words! {
    Visibility { Secret = "secret", Organization = "organization" }
}

/// What a team may do in its whole organization (resource dictionary, teams).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct OrganizationAccess {
    pub manage_policies: bool,
    pub manage_workspaces: bool,
    pub manage_vcs_settings: bool,
    pub manage_policy_overrides: bool,
    pub delegate_policy_overrides: bool,
    pub manage_modules: bool,
    pub manage_providers: bool,
    pub manage_run_tasks: bool,
    pub manage_projects: bool,
    pub manage_membership: bool,
    pub manage_teams: bool,
    pub manage_organization_access: bool,
    pub access_secret_teams: bool,
    pub read_projects: bool,
    pub read_workspaces: bool,
    pub manage_agent_pools: bool,
    pub manage_public_providers: bool,
    pub manage_public_modules: bool,
    pub manage_registry_components: bool,
    pub manage_registry_artifact_tags: bool,
    pub manage_registry_artifact_version_tags: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "teams")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TeamId,
    pub organization_name: String,
    pub name: String,
    pub visibility: Visibility,
    pub sso_team_id: Option<String>,
    pub organization_access: Json<OrganizationAccess>,
    pub allow_member_token_management: bool,
    pub created_at: Timestamp,
}

impl Model {
    /// The team that may do everything: names are unique whatever their case, so there is no other of that name.
    pub fn is_owners(&self) -> bool {
        self.name == OWNERS
    }
}

super::standalone!();
