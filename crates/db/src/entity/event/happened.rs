//! Everything that can happen: a new event is one line here, in the past tense.

use crate::{column::words, entity::run::Status};

words! {
    /// What happened. The words are kept in the database: one that was written once stays readable.
    Happened {
        AdminGranted = "admin_granted",
        AdminRevoked = "admin_revoked",
        AgentDeleted = "agent_deleted",
        AgentPoolCreated = "agent_pool_created",
        AgentPoolDeleted = "agent_pool_deleted",
        AgentPoolUpdated = "agent_pool_updated",
        AgentRegistered = "agent_registered",
        AssessmentCanceled = "assessment_canceled",
        AssessmentCheckFailed = "assessment_check_failed",
        AssessmentDrifted = "assessment_drifted",
        AssessmentFailed = "assessment_failed",
        AssessmentFinished = "assessment_finished",
        AssessmentQueued = "assessment_queued",
        BackingDataDeleted = "permanently_delete_backing_data",
        BackingDataRestored = "restore_backing_data",
        BackingDataSoftDeleted = "soft_delete_backing_data",
        ConfigurationArchived = "configuration_archived",
        ConfigurationCreated = "configuration_created",
        ConfigurationErrored = "configuration_errored",
        ConfigurationReopened = "configuration_reopened",
        ConfigurationUploaded = "configuration_uploaded",
        DataRetentionPolicyRemoved = "data_retention_policy_removed",
        DataRetentionPolicySet = "data_retention_policy_set",
        EmailConfirmed = "email_confirmed",
        FirstAdminCreated = "first_admin_created",
        FreezeCreated = "freeze_created",
        FreezeDeleted = "freeze_deleted",
        FreezeUpdated = "freeze_updated",
        IdentityKeyRotated = "identity_key_rotated",
        IdentityKeysTrimmed = "identity_keys_trimmed",
        JobHandedOutAgain = "job_handed_out_again",
        LoginAuthorized = "login_authorized",
        LoginRefused = "login_refused",
        LoginReplayed = "login_replayed",
        MemberInvited = "member_invited",
        MemberJoined = "member_joined",
        MemberRemoved = "member_removed",
        NotificationConfigurationCreated = "notification_configuration_created",
        NotificationConfigurationDeleted = "notification_configuration_deleted",
        NotificationConfigurationUpdated = "notification_configuration_updated",
        GithubAppLinked = "github_app_linked",
        GithubAppUnlinked = "github_app_unlinked",
        OauthClientCreated = "oauth_client_created",
        OauthClientDeleted = "oauth_client_deleted",
        OauthClientUpdated = "oauth_client_updated",
        OauthTokenCreated = "oauth_token_created",
        OauthTokenDeleted = "oauth_token_deleted",
        OauthTokenUpdated = "oauth_token_updated",
        OrganizationCreated = "organization_created",
        OrganizationDeleted = "organization_deleted",
        OrganizationUpdated = "organization_updated",
        PasswordChanged = "password_changed",
        PlanExportCreated = "plan_export_created",
        PlanExportDeleted = "plan_export_deleted",
        PlanJsonRead = "plan_json_read",
        PolicyCreated = "policy_created",
        PolicyDeleted = "policy_deleted",
        PolicyReplayCanceled = "policy_replay_canceled",
        PolicyReplayCreated = "policy_replay_created",
        PolicySetCreated = "policy_set_created",
        PolicySetDeleted = "policy_set_deleted",
        PolicySetParameterCreated = "policy_set_parameter_created",
        PolicySetParameterDeleted = "policy_set_parameter_deleted",
        PolicySetParameterUpdated = "policy_set_parameter_updated",
        PolicySetUpdated = "policy_set_updated",
        PolicySetVersionCreated = "policy_set_version_created",
        PolicySetVersionErrored = "policy_set_version_errored",
        PolicySetVersionReady = "policy_set_version_ready",
        PolicyUpdated = "policy_updated",
        PolicyUploaded = "policy_uploaded",
        ProjectCreated = "project_created",
        ProjectDeleted = "project_deleted",
        ProjectTagsChanged = "project_tags_changed",
        ProjectUpdated = "project_updated",
        RecoveryCodeUsed = "recovery_code_used",
        ReservedTagKeyCreated = "reserved_tag_key_created",
        ReservedTagKeyDeleted = "reserved_tag_key_deleted",
        ReservedTagKeyUpdated = "reserved_tag_key_updated",
        RunApplyPutBack = "run_apply_put_back",
        RunCancelRequested = "run_cancel_requested",
        RunChangedTaskEnforcements = "run_changed_task_enforcements",
        RunCommented = "run_commented",
        RunConfirmationGiven = "run_confirmation_given",
        RunCreated = "run_created",
        RunFreezeBroken = "run_freeze_broken",
        RunPoliciesOverridden = "run_policies_overridden",
        RunTaskCreated = "task_created",
        RunTaskDeleted = "task_deleted",
        RunTaskUpdated = "task_updated",
        RunScheduleCreated = "run_schedule_created",
        RunScheduleDeleted = "run_schedule_deleted",
        RunScheduleFailed = "run_schedule_failed",
        RunScheduleUpdated = "run_schedule_updated",
        RunTriggerCreated = "run_trigger_created",
        RunTriggerDeleted = "run_trigger_deleted",
        RunTriggerFailed = "run_trigger_failed",
        SecondFactorAdded = "second_factor_added",
        SecondFactorRemoved = "second_factor_removed",
        SignedIn = "signed_in",
        SiteSettingsChanged = "site_settings_changed",
        SshKeyCreated = "ssh_key_created",
        SshKeyDeleted = "ssh_key_deleted",
        SshKeyUpdated = "ssh_key_updated",
        StateRead = "state_read",
        StateVersionCreated = "state_version_created",
        TagsDeleted = "tags_deleted",
        TeamAccessAdded = "team_access_added",
        TeamAccessRemoved = "team_access_removed",
        TeamAccessUpdated = "team_access_updated",
        TeamCreated = "team_created",
        TeamDeleted = "team_deleted",
        TeamMemberAdded = "team_member_added",
        TeamMemberRemoved = "team_member_removed",
        TeamProjectAccessAdded = "team_project_access_added",
        TeamProjectAccessRemoved = "team_project_access_removed",
        TeamProjectAccessUpdated = "team_project_access_updated",
        TeamUpdated = "team_updated",
        TokenCreated = "token_created",
        TokenDeleted = "token_deleted",
        TokenTtlPoliciesSet = "token_ttl_policies_set",
        ToolVersionCreated = "tool_version_created",
        ToolVersionDeleted = "tool_version_deleted",
        ToolVersionUpdated = "tool_version_updated",
        UserCreated = "user_created",
        UserDeleted = "user_deleted",
        UserJoined = "user_joined",
        UserSuspended = "user_suspended",
        UserUnsuspended = "user_unsuspended",
        UserUpdated = "user_updated",
        VariableCreated = "variable_created",
        VariableDeleted = "variable_deleted",
        VariableSetCreated = "variable_set_created",
        VariableSetDeleted = "variable_set_deleted",
        VariableSetScopesChanged = "variable_set_scopes_changed",
        VariableSetUpdated = "variable_set_updated",
        VariableUpdated = "variable_updated",
        WorkspaceAutoDestroyFailed = "workspace_auto_destroy_failed",
        WorkspaceAutoDestroyQueued = "workspace_auto_destroy_queued",
        WorkspaceAutoDestroyReminded = "workspace_auto_destroy_reminded",
        WorkspaceCreated = "workspace_created",
        WorkspaceDeleted = "workspace_deleted",
        WorkspaceForceUnlocked = "workspace_force_unlocked",
        WorkspaceLocked = "workspace_locked",
        WorkspaceMoved = "workspace_moved",
        WorkspaceSshKeyChanged = "workspace_ssh_key_changed",
        WorkspaceStateConsumersChanged = "workspace_state_consumers_changed",
        WorkspaceTagsChanged = "workspace_tags_changed",
        WorkspaceTaskCreated = "workspace_task_created",
        WorkspaceTaskDeleted = "workspace_task_deleted",
        WorkspaceTaskUpdated = "workspace_task_updated",
        WorkspaceUnlocked = "workspace_unlocked",
        WorkspaceUpdated = "workspace_updated",

        // A run has come to a status.
        RunPending = "run_pending",
        RunFetching = "run_fetching",
        RunFetchingCompleted = "run_fetching_completed",
        RunPrePlanRunning = "run_pre_plan_running",
        RunPrePlanCompleted = "run_pre_plan_completed",
        RunQueuing = "run_queuing",
        RunPlanQueued = "run_plan_queued",
        RunPlanning = "run_planning",
        RunPlanned = "run_planned",
        RunPostPlanRunning = "run_post_plan_running",
        RunPostPlanAwaitingDecision = "run_post_plan_awaiting_decision",
        RunPostPlanCompleted = "run_post_plan_completed",
        RunCostEstimating = "run_cost_estimating",
        RunCostEstimated = "run_cost_estimated",
        RunPolicyChecking = "run_policy_checking",
        RunPolicyOverride = "run_policy_override",
        RunPolicySoftFailed = "run_policy_soft_failed",
        RunPolicyChecked = "run_policy_checked",
        RunConfirmed = "run_confirmed",
        RunPreApplyRunning = "run_pre_apply_running",
        RunPreApplyCompleted = "run_pre_apply_completed",
        RunQueuingApply = "run_queuing_apply",
        RunApplyQueued = "run_apply_queued",
        RunApplying = "run_applying",
        RunPostApplyRunning = "run_post_apply_running",
        RunPostApplyCompleted = "run_post_apply_completed",
        RunApplied = "run_applied",
        RunPlannedAndFinished = "run_planned_and_finished",
        RunPlannedAndSaved = "run_planned_and_saved",
        RunDiscarded = "run_discarded",
        RunErrored = "run_errored",
        RunCanceled = "run_canceled",
        RunForceCanceled = "run_force_canceled",
    }
}

macro_rules! statuses {
    ($($status:ident => $happened:ident),+ $(,)?) => {
        impl From<Status> for Happened {
            /// That a run has come to this status.
            fn from(status: Status) -> Self {
                match status { $(Status::$status => Self::$happened),+ }
            }
        }

        impl Happened {
            /// The status that a run has come to, if it is that.
            pub fn status(self) -> Option<Status> {
                match self { $(Self::$happened => Some(Status::$status),)+ _ => None }
            }
        }
    };
}

statuses! {
    Pending => RunPending,
    Fetching => RunFetching,
    FetchingCompleted => RunFetchingCompleted,
    PrePlanRunning => RunPrePlanRunning,
    PrePlanCompleted => RunPrePlanCompleted,
    Queuing => RunQueuing,
    PlanQueued => RunPlanQueued,
    Planning => RunPlanning,
    Planned => RunPlanned,
    PostPlanRunning => RunPostPlanRunning,
    PostPlanAwaitingDecision => RunPostPlanAwaitingDecision,
    PostPlanCompleted => RunPostPlanCompleted,
    CostEstimating => RunCostEstimating,
    CostEstimated => RunCostEstimated,
    PolicyChecking => RunPolicyChecking,
    PolicyOverride => RunPolicyOverride,
    PolicySoftFailed => RunPolicySoftFailed,
    PolicyChecked => RunPolicyChecked,
    Confirmed => RunConfirmed,
    PreApplyRunning => RunPreApplyRunning,
    PreApplyCompleted => RunPreApplyCompleted,
    QueuingApply => RunQueuingApply,
    ApplyQueued => RunApplyQueued,
    Applying => RunApplying,
    PostApplyRunning => RunPostApplyRunning,
    PostApplyCompleted => RunPostApplyCompleted,
    Applied => RunApplied,
    PlannedAndFinished => RunPlannedAndFinished,
    PlannedAndSaved => RunPlannedAndSaved,
    Discarded => RunDiscarded,
    Errored => RunErrored,
    Canceled => RunCanceled,
    ForceCanceled => RunForceCanceled,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_status_is_told_by_its_own_word() {
        for status in Status::ALL {
            let happened = Happened::from(*status);
            assert_eq!(happened.as_str(), format!("run_{status}"));
            assert_eq!(happened.status(), Some(*status));
        }
    }

    #[test]
    fn no_two_events_have_the_same_word() {
        let words: BTreeSet<_> = Happened::ALL.iter().map(|happened| happened.as_str()).collect();
        assert_eq!(words.len(), Happened::ALL.len());
    }
}
