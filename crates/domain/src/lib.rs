//! What is true: the nouns, their rules, permissions, events and queries. Knows nothing of HTTP, JSON:API or HTML.

pub mod access;
pub mod accounts;
pub mod agent_pools;
pub mod agents;
mod app;
pub mod archivist;
pub mod assessments;
pub mod audit;
pub mod backup;
pub mod bell;
mod calendar;
pub mod chores;
pub mod cidr_range_lists;
pub mod cleanup;
pub mod commit_statuses;
pub mod configurations;
pub mod connected_repositories;
mod context;
pub mod cost_estimates;
pub mod deletions;
pub mod destructions;
pub mod differences;
mod error;
pub mod events;
pub mod figures;
mod free_text;
pub mod freezes;
pub mod github_app;
pub mod health;
pub mod identity;
pub mod ingress;
pub mod installation;
pub mod keeper;
pub mod letters;
pub mod locks;
pub mod memberships;
mod names;
pub mod notifications;
pub mod oauth_clients;
pub mod organizations;
mod parts;
pub mod plan_changes;
pub mod plan_exports;
pub mod policies;
pub mod policy_evaluations;
pub mod policy_replays;
pub mod policy_sets;
pub mod projects;
pub mod rate_limit;
pub mod readmes;
pub mod repositories;
pub mod retention;
pub mod run_limits;
pub mod run_schedules;
pub mod run_tasks;
pub mod run_triggers;
pub mod runs;
pub mod scans;
pub mod site_settings;
pub mod ssh_keys;
pub mod states;
pub mod stores;
pub mod subscriptions;
pub mod tags;
pub mod task_results;
pub mod task_stages;
mod tasks;
pub mod teams;
pub mod tool_versions;
mod troubles;
mod uploads;
pub mod variable_sets;
pub mod variables;
pub mod vcs_connections;
pub mod vcs_events;
pub mod verify;
pub mod workspace_tasks;
pub mod workspaces;

pub use access::{Actor, Found, Granted, In, can};
pub use app::{App, GitMeans, Settings};
pub(crate) use context::{Change, Subject, Tx};
pub use context::{Ctx, Origin};
pub use courier::IpNet;
pub use db::entity::event::Happened;
pub use db::{Json, JsonText, Order, Page, Paging, StatusTimestamps, Timestamp, id};
pub use error::{Error, Result, TAKEN, about, attribute};
pub use tasks::Deliveries;
pub use troubles::Troubles;

/// Rows by the noun's own name.
pub mod row {
    pub use db::entity::{
        agent::Model as Agent, agent_pool::Model as AgentPool, assessment::Model as Assessment,
        assessment_result::Model as AssessmentResult, audit_entry::Model as AuditEntry,
        cidr_range::Model as CidrRange, cidr_range_list::Model as CidrRangeList,
        comment::Model as Comment, commit_status::Model as CommitStatus,
        configuration_version::Model as ConfigurationVersion, cost_estimate::Model as CostEstimate,
        data_retention_policy::Model as DataRetentionPolicy, event::Model as Event,
        freeze::Model as Freeze, github_app_installation::Model as GithubAppInstallation,
        ingress_attribute::Model as IngressAttributes, job::Model as Job,
        notification_configuration::Model as NotificationConfiguration,
        notification_delivery::Model as NotificationDelivery, oauth_client::Model as OauthClient,
        oauth_token::Model as OauthToken, organization::Model as Organization,
        organization_membership::Model as OrganizationMembership, phase::Model as Phase,
        plan_export::Model as PlanExport, policy::Model as Policy,
        policy_check::Model as PolicyCheck, policy_evaluation::Model as PolicyEvaluation,
        policy_replay::Model as PolicyReplay, policy_replay_result::Model as PolicyReplayResult,
        policy_set::Model as PolicySet, policy_set_outcome::Model as PolicySetOutcome,
        policy_set_parameter::Model as PolicySetParameter,
        policy_set_version::Model as PolicySetVersion, project::Model as Project,
        pull_request_comment::Model as PullRequestComment, repository::Model as Repository,
        reserved_tag_key::Model as ReservedTagKey, run::Model as Run,
        run_confirmation::Model as RunConfirmation, run_schedule::Model as RunSchedule,
        run_task::Model as RunTask, run_trigger::Model as RunTrigger, session::Model as Session,
        ssh_key::Model as SshKey, state_version::Model as StateVersion,
        state_version_output::Model as StateVersionOutput, tag::Model as Tag,
        tag_binding::Model as TagBinding, task_result::Model as TaskResult,
        task_result_outcome::Model as TaskResultOutcome, task_stage::Model as TaskStage,
        team::Model as Team, team_project::Model as TeamProject,
        team_workspace::Model as TeamWorkspace, token::Model as Token,
        token_ttl_policy::Model as TokenTtlPolicy, tool_version::Model as ToolVersion,
        user::Model as User, variable::Model as Variable, variable_set::Model as VariableSet,
        vcs_event::Model as VcsEvent, webhook_delivery::Model as WebhookDelivery,
        workspace::Model as Workspace, workspace_task::Model as WorkspaceTask,
    };
}

/// The words of enumerations, by noun.
pub use db::entity;

/// The whole installation, as something that permissions are about.
#[derive(Clone, Copy, Debug)]
pub struct Site;

impl Site {
    pub fn found() -> Found<Self> {
        Found::new(Self)
    }
}
