//! Runs.

use sea_orm::entity::prelude::*;

use super::tool_version::Engine;
use crate::{
    Json, StatusTimestamps, Timestamp,
    column::words,
    id::{
        ApplyId, ConfigurationVersionId, CostEstimateId, PlanId, PolicyCheckId, RunId, TaskStageId,
        UserId, WorkspaceId,
    },
};

words! {
    /// Every status of a run (resource dictionary, state machines).
    Status {
        Pending = "pending",
        Fetching = "fetching",
        FetchingCompleted = "fetching_completed",
        PrePlanRunning = "pre_plan_running",
        PrePlanCompleted = "pre_plan_completed",
        Queuing = "queuing",
        PlanQueued = "plan_queued",
        Planning = "planning",
        Planned = "planned",
        PostPlanRunning = "post_plan_running",
        PostPlanAwaitingDecision = "post_plan_awaiting_decision",
        PostPlanCompleted = "post_plan_completed",
        CostEstimating = "cost_estimating",
        CostEstimated = "cost_estimated",
        PolicyChecking = "policy_checking",
        PolicyOverride = "policy_override",
        PolicySoftFailed = "policy_soft_failed",
        PolicyChecked = "policy_checked",
        Confirmed = "confirmed",
        PreApplyRunning = "pre_apply_running",
        PreApplyCompleted = "pre_apply_completed",
        QueuingApply = "queuing_apply",
        ApplyQueued = "apply_queued",
        Applying = "applying",
        PostApplyRunning = "post_apply_running",
        PostApplyCompleted = "post_apply_completed",
        Applied = "applied",
        PlannedAndFinished = "planned_and_finished",
        PlannedAndSaved = "planned_and_saved",
        Discarded = "discarded",
        Errored = "errored",
        Canceled = "canceled",
        ForceCanceled = "force_canceled",
    }
}

words! {
    Source {
        Api = "tfe-api",
        ConfigurationVersion = "tfe-configuration-version",
        Ui = "tfe-ui",
        TerraformCloud = "terraform+cloud",
        RunTrigger = "tfe-run-trigger",
    }
}

words! {
    /// What somebody asked of a run that is under way.
    Cancel { No = "no", Graceful = "graceful", Force = "force" }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "runs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RunId,
    pub workspace_id: WorkspaceId,
    pub organization_name: String,
    /// Absent for a run without any configuration, such as the destroy of what nobody has the code of.
    pub configuration_version_id: Option<ConfigurationVersionId>,
    /// Counts the runs of a workspace; the order of its queue.
    pub number: i64,
    pub status: Status,
    /// Whether the status is a final one, for the index.
    pub is_final: bool,
    pub message: String,
    pub source: Source,
    pub trigger_reason: String,
    /// Overrides the workspace's version for this run; only plan-only runs may.
    pub terraform_version: Option<String>,
    /// The engine of that version: what somebody asked for, and from when it leaves the queue what it was given.
    pub engine: Option<Engine>,
    pub is_destroy: bool,
    pub auto_apply: bool,
    pub allow_empty_apply: bool,
    pub allow_config_generation: bool,
    pub plan_only: bool,
    pub save_plan: bool,
    pub refresh: bool,
    pub refresh_only: bool,
    pub debugging_mode: bool,
    pub target_addrs: Json<Vec<String>>,
    pub replace_addrs: Json<Vec<String>>,
    pub invoke_action_addrs: Json<Vec<String>>,
    /// Sealed JSON: a list of keys and HCL expressions.
    pub variables: String,
    pub has_changes: bool,
    pub cancel: Cancel,
    pub force_cancel_available_at: Option<Timestamp>,
    pub canceled_at: Option<Timestamp>,
    pub status_timestamps: StatusTimestamps,
    /// The run of another workspace whose apply queued this one.
    pub triggered_by_id: Option<RunId>,
    pub triggering_source_id: Option<WorkspaceId>,
    /// As it was called then.
    pub triggering_source_name: Option<String>,
    pub created_by_id: Option<UserId>,
    pub confirmed_by_id: Option<UserId>,
    pub canceled_by_id: Option<UserId>,
    pub plan_id: PlanId,
    pub apply_id: ApplyId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub task_stages: Json<Vec<TaskStageId>>,
    pub policy_checks: Json<Vec<PolicyCheckId>>,
    pub cost_estimate_id: Option<CostEstimateId>,
    /// Where the machine that asked for the run has policies. Kept, and used by nobody here.
    pub policy_paths: Json<Vec<String>>,
}

super::standalone!();
