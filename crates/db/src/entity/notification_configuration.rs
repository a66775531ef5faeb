//! Who is told what happens.

use sea_orm::entity::prelude::*;

use crate::{
    Json, Timestamp,
    column::words,
    id::{NotificationConfigurationId, ProjectId, TeamId, UserId, WorkspaceId},
};

words! {
    Destination {
        Generic = "generic",
        Email = "email",
        Slack = "slack",
        MicrosoftTeams = "microsoft-teams",
    }
}

words! {
    /// What a configuration can be about (resource dictionary, "Notification destinations").
    Trigger {
        RunCreated = "run:created",
        RunPlanning = "run:planning",
        RunNeedsAttention = "run:needs_attention",
        RunApplying = "run:applying",
        RunCompleted = "run:completed",
        RunErrored = "run:errored",
        AssessmentDrifted = "assessment:drifted",
        AssessmentFailed = "assessment:failed",
        AssessmentCheckFailure = "assessment:check_failure",
        AutoDestroyReminder = "workspace:auto_destroy_reminder",
        AutoDestroyRunResults = "workspace:auto_destroy_run_results",
        ChangeRequestCreated = "change_request:created",
        TeamChangeRequest = "team:change_request",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_configurations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NotificationConfigurationId,
    pub workspace_id: Option<WorkspaceId>,
    pub project_id: Option<ProjectId>,
    pub team_id: Option<TeamId>,
    pub name: String,
    pub destination_type: Destination,
    pub enabled: bool,
    /// Sealed.
    pub url: Option<String>,
    /// Sealed.
    pub token: Option<String>,
    pub triggers: Json<Vec<Trigger>>,
    pub email_addresses: Json<Vec<String>>,
    pub user_ids: Json<Vec<UserId>>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
