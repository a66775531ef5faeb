//! Organizations, known by their names.

use sea_orm::entity::prelude::*;

use super::{run_limits::RunLimits, workspace::ExecutionMode};
use crate::{
    Json, Timestamp,
    column::words,
    id::{AgentPoolId, OrganizationId, ProjectId},
};

words! {
    CollaboratorAuthPolicy { Password = "password", TwoFactorMandatory = "two_factor_mandatory" }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organizations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub id: OrganizationId,
    pub email: String,
    /// Minutes.
    pub session_timeout: Option<i64>,
    /// Minutes.
    pub session_remember: Option<i64>,
    pub collaborator_auth_policy: CollaboratorAuthPolicy,
    pub cost_estimation_enabled: bool,
    pub passing_statuses_for_untriggered: bool,
    pub aggregated_commit_status_enabled: bool,
    pub speculative_plan_management: bool,
    /// Whether the plans of pull requests are told below these, too.
    pub pull_request_comments: bool,
    pub allow_force_delete_workspaces: bool,
    pub assessments_enforced: bool,
    pub default_execution_mode: ExecutionMode,
    pub default_agent_pool_id: Option<AgentPoolId>,
    pub default_project_id: Option<ProjectId>,
    pub owners_team_saml_role_id: Option<String>,
    pub user_tokens_enabled: bool,
    /// Whether tokens live no longer than its policies say.
    pub max_ttl_enabled: bool,
    /// Whether policies may send requests to the outside.
    pub policy_http_enabled: bool,
    pub run_limits: Json<RunLimits>,
    /// Destroyed resources above which pages ask for the workspace's name; they never do where absent.
    pub ask_name_above: Option<i64>,
    /// How many workspaces the site allows it; of 0 there is no limit.
    pub workspace_limit: Option<i64>,
    pub created_at: Timestamp,
}

super::standalone!();
