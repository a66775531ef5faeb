//! Workspaces: one configuration with its variables, its state and its runs.

use sea_orm::entity::prelude::*;

use serde::{Deserialize, Serialize};

use super::tool_version::Engine;
use crate::{
    Json, Timestamp,
    column::words,
    id::{
        AgentPoolId, AssessmentResultId, ConfigurationVersionId, ProjectId, RepositoryId, RunId,
        SshKeyId, StateVersionId, WorkspaceId,
    },
};

words! {
    ExecutionMode { Remote = "remote", Local = "local", Agent = "agent" }
}

words! {
    Source { Api = "tfe-api", Ui = "tfe-ui", Module = "tfe-module", Terraform = "terraform" }
}

words! {
    LockKind { User = "users", Team = "teams", Run = "runs", Organization = "organizations" }
}

words! {
    /// What became of a scheduled destruction.
    AutoDestroy { Queued = "queued", Errored = "errored", Destroyed = "destroyed" }
}

/// How the last runs went, of those that were applied or failed; absent before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Performance {
    /// Milliseconds.
    pub plan_average: Option<i64>,
    /// Milliseconds.
    pub apply_average: Option<i64>,
    pub policy_failures: Option<i64>,
    pub failures: Option<i64>,
    /// How many runs these are about.
    pub runs: Option<i64>,
}

/// The repository that a workspace takes its configuration from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct VcsRepo {
    pub identifier: String,
    pub branch: String,
    pub ingress_submodules: bool,
    pub oauth_token_id: Option<String>,
    pub github_app_installation_id: Option<String>,
    pub tags_regex: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workspaces")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WorkspaceId,
    pub organization_name: String,
    pub project_id: ProjectId,
    pub name: String,
    pub description: Option<String>,
    /// Inherits the project's or the organization's default where absent.
    pub execution_mode: Option<ExecutionMode>,
    pub agent_pool_id: Option<AgentPoolId>,
    /// An exact version, a constraint, or `latest`.
    pub terraform_version: String,
    /// Which engine's version that is; without it, whichever has one, Terraform first.
    pub engine: Option<Engine>,
    /// Relative to the configuration's root; empty for the root.
    pub working_directory: String,
    pub auto_apply: bool,
    pub auto_apply_run_trigger: bool,
    /// People who have to confirm each run.
    pub confirmations_required: i64,
    /// Whether one of them has to be another than who has queued it.
    pub confirmed_by_others: bool,
    pub auto_destroy_at: Option<Timestamp>,
    pub auto_destroy_activity_duration: Option<String>,
    pub inherits_project_auto_destroy: bool,
    pub allow_destroy_plan: bool,
    pub assessments_enabled: bool,
    pub file_triggers_enabled: bool,
    pub trigger_prefixes: Json<Vec<String>>,
    pub trigger_patterns: Json<Vec<String>>,
    pub queue_all_runs: bool,
    pub speculative_enabled: bool,
    pub structured_run_output_enabled: bool,
    pub global_remote_state: bool,
    pub project_remote_state: bool,
    pub source: Source,
    pub source_name: Option<String>,
    pub source_url: Option<String>,
    pub vcs_repo: Option<Json<VcsRepo>>,
    pub ssh_key_id: Option<SshKeyId>,
    /// Absent when the workspace is not locked.
    pub lock_kind: Option<LockKind>,
    pub lock_holder_id: Option<String>,
    pub lock_reason: Option<String>,
    pub locked_at: Option<Timestamp>,
    pub current_run_id: Option<RunId>,
    pub latest_run_id: Option<RunId>,
    pub current_state_version_id: Option<StateVersionId>,
    pub current_configuration_id: Option<ConfigurationVersionId>,
    pub latest_change_at: Timestamp,
    pub resource_count: i64,
    /// Runs so far; numbers the next one.
    pub run_count: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// What became of the last scheduled destruction.
    pub auto_destroy_status: Option<AutoDestroy>,
    /// Reminders of earlier moments are not due any more.
    pub auto_destroy_reminded_at: Option<Timestamp>,
    pub performance: Json<Performance>,
    /// As the current run's row says; for lists.
    pub current_run_status: Option<super::run::Status>,
    /// Likewise.
    pub current_run_created_at: Option<Timestamp>,
    /// As the latest run's row says, where that only plans and so never becomes the current one; for lists.
    pub latest_plan_status: Option<super::run::Status>,
    /// The newest one.
    pub current_assessment_result_id: Option<AssessmentResultId>,
    pub last_assessment_result_at: Option<Timestamp>,
    /// The one of `vcs_repo`.
    pub repository_id: Option<RepositoryId>,
}

super::standalone!();
