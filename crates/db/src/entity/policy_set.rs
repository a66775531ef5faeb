//! Sets of policies, and where they count.

use sea_orm::entity::prelude::*;

use serde::{Deserialize, Serialize};

pub use super::{policy::Kind, workspace::VcsRepo};
use crate::{
    Json, Timestamp,
    id::{PolicySetId, PolicySetVersionId, RepositoryId},
};

/// Workspaces by their tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TagSelector {
    pub tag_key: String,
    /// Whatever the value, where absent.
    pub tag_value: Option<String>,
    pub is_exclude: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_sets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicySetId,
    pub organization_name: String,
    pub name: String,
    pub description: Option<String>,
    pub kind: Kind,
    /// Counts in all workspaces but the excluded ones.
    pub is_global: bool,
    /// Of Sentinel: evaluated with OPA's in the task stage, instead of in a policy check.
    pub agent_enabled: bool,
    /// Absent where the kind has none to choose.
    pub policy_tool_version: Option<String>,
    pub overridable: bool,
    pub policies_path: Option<String>,
    /// Takes its policies from there, and has no others.
    pub vcs_repo: Option<Json<VcsRepo>>,
    pub policy_update_patterns: Json<Vec<String>>,
    pub tag_selectors: Json<Vec<TagSelector>>,
    /// The newest that could be read.
    pub current_version_id: Option<PolicySetVersionId>,
    pub newest_version_id: Option<PolicySetVersionId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The one of `vcs_repo`.
    pub repository_id: Option<RepositoryId>,
}

super::standalone!();
