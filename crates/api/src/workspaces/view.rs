//! A workspace on the wire.

use domain::{
    Ctx, Timestamp, can,
    connected_repositories::{self, Shown},
    entity::{
        tool_version::Engine,
        workspace::{AutoDestroy, ExecutionMode, LockKind, Source},
    },
    row::Workspace,
    workspaces::{Details, details, details_of},
};
use jsonapi::{Links, Relationships, Resource};
use serde::Serialize;

use crate::{Result, repositories};

pub struct View {
    details: Details,
    permissions: Permissions,
    /// Where its files come from.
    repository: Option<Shown>,
}

/// Many at once, with one query for each kind of thing that they show.
pub async fn views(cx: &Ctx, rows: Vec<Workspace>) -> Result<Vec<View>> {
    let ids = rows.iter().filter_map(|row| row.repository_id.as_ref());
    let known = connected_repositories::shown(cx, ids).await?;
    let of = |row: &Workspace| row.repository_id.as_ref().and_then(|id| known.get(id)).cloned();
    let details = details(cx, rows).await?.into_iter();
    Ok(details.map(|details| View::new(cx, of(&details.workspace), details)).collect())
}

pub async fn view(cx: &Ctx, row: Workspace) -> Result<View> {
    let known = connected_repositories::shown(cx, row.repository_id.iter()).await?;
    let known = known.into_values().next();
    Ok(View::new(cx, known, details_of(cx, row).await?))
}

/// Without these the command line crashes (CLI protocol, rule 7).
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Permissions {
    can_update: bool,
    can_destroy: bool,
    can_queue_run: bool,
    can_queue_apply: bool,
    can_queue_destroy: bool,
    can_read_run: bool,
    can_read_variable: bool,
    can_update_variable: bool,
    can_read_state_versions: bool,
    can_read_state_outputs: bool,
    can_create_state_versions: bool,
    can_lock: bool,
    can_unlock: bool,
    can_force_unlock: bool,
    can_read_settings: bool,
    can_manage_tags: bool,
    can_manage_run_tasks: bool,
    can_force_delete: bool,
    can_manage_assessments: bool,
    can_manage_ephemeral_workspaces: bool,
    can_read_assessment_results: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    name: &'a str,
    description: Option<&'a str>,
    actions: Actions,
    allow_destroy_plan: bool,
    apply_duration_average: Option<i64>,
    assessments_enabled: bool,
    auto_apply: bool,
    auto_apply_run_trigger: bool,
    /// Ours, as the next one.
    confirmations_required: i64,
    confirmed_by_others: bool,
    auto_destroy_activity_duration: Option<&'a str>,
    auto_destroy_at: Option<Timestamp>,
    auto_destroy_status: Option<AutoDestroy>,
    inherits_project_auto_destroy: bool,
    created_at: Timestamp,
    effective_run_data_retention_desc: Option<&'static str>,
    effective_state_version_retention_desc: Option<String>,
    /// Ours: whose version `terraform-version` names; null where a number alone decides.
    engine: Option<Engine>,
    environment: &'static str,
    execution_mode: ExecutionMode,
    file_triggers_enabled: bool,
    global_remote_state: bool,
    project_remote_state: bool,
    last_assessment_result_at: Option<Timestamp>,
    latest_change_at: Timestamp,
    locked: bool,
    locked_reason: Option<&'a str>,
    operations: bool,
    permissions: Permissions,
    plan_duration_average: Option<i64>,
    policy_check_failures: Option<i64>,
    queue_all_runs: bool,
    resource_count: i64,
    run_failures: Option<i64>,
    setting_overwrites: SettingOverwrites,
    source: Source,
    source_name: Option<&'a str>,
    source_url: Option<&'a str>,
    speculative_enabled: bool,
    structured_run_output_enabled: bool,
    tag_names: &'a [String],
    terraform_version: &'a str,
    trigger_patterns: &'a [String],
    trigger_prefixes: &'a [String],
    updated_at: Timestamp,
    /// Null where there is none: `{}` makes the command line refuse to apply (CLI protocol, gotcha 5).
    vcs_repo: Option<repositories::View<'a>>,
    vcs_repo_identifier: Option<&'a str>,
    working_directory: Option<&'a str>,
    /// The spelling of the Workspaces reference; clients know the other one.
    workspace_kpis_run_count: Option<i64>,
    workspace_kpis_runs_count: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Actions {
    is_destroyable: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct SettingOverwrites {
    execution_mode: bool,
    agent_pool: bool,
}

impl View {
    fn new(cx: &Ctx, repository: Option<Shown>, details: Details) -> Self {
        let row = &details.workspace;
        let permissions = Permissions {
            can_update: cx.may::<can::UpdateWorkspace>(row),
            can_destroy: cx.may::<can::DestroyWorkspace>(row),
            can_queue_run: cx.may::<can::QueueRun>(row),
            can_queue_apply: cx.may::<can::QueueApply>(row),
            can_queue_destroy: cx.may::<can::QueueDestroy>(row),
            can_read_run: cx.may::<can::ReadRun>(row),
            can_read_variable: cx.may::<can::ReadVariables>(row),
            can_update_variable: cx.may::<can::UpdateVariables>(row),
            can_read_state_versions: cx.may::<can::ReadState>(row),
            can_read_state_outputs: cx.may::<can::ReadStateOutputs>(row),
            can_create_state_versions: cx.may::<can::CreateStateVersion>(row),
            can_lock: cx.may::<can::LockWorkspace>(row),
            can_unlock: cx.may::<can::UnlockWorkspace>(row),
            can_force_unlock: cx.may::<can::ForceUnlockWorkspace>(row),
            can_read_settings: cx.may::<can::ReadWorkspace>(row),
            can_manage_tags: cx.may::<can::ManageWorkspaceTags>(row),
            can_manage_run_tasks: cx.may::<can::ManageWorkspaceTasks>(row),
            can_force_delete: details.may_force_delete,
            can_manage_assessments: cx.may::<can::ManageAssessments>(row),
            can_manage_ephemeral_workspaces: cx.may::<can::UpdateWorkspace>(row),
            can_read_assessment_results: cx.may::<can::ReadWorkspace>(row),
        };
        Self { details, permissions, repository }
    }
}

impl Resource for View {
    const TYPE: &'static str = "workspaces";

    fn id(&self) -> String {
        self.details.workspace.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.details.workspace;
        Attributes {
            name: &row.name,
            description: row.description.as_deref(),
            actions: Actions { is_destroyable: row.allow_destroy_plan },
            allow_destroy_plan: row.allow_destroy_plan,
            apply_duration_average: row.performance.apply_average,
            assessments_enabled: row.assessments_enabled,
            auto_apply: row.auto_apply,
            auto_apply_run_trigger: row.auto_apply_run_trigger,
            confirmations_required: row.confirmations_required,
            confirmed_by_others: row.confirmed_by_others,
            auto_destroy_activity_duration: row.auto_destroy_activity_duration.as_deref(),
            auto_destroy_at: row.auto_destroy_at,
            auto_destroy_status: row.auto_destroy_status,
            inherits_project_auto_destroy: row.inherits_project_auto_destroy,
            created_at: row.created_at,
            environment: "default",
            effective_run_data_retention_desc: self
                .details
                .effective_retention
                .map(|_| "Never deleted"),
            effective_state_version_retention_desc: self
                .details
                .effective_retention
                .map(|rule| rule.to_string()),
            execution_mode: self.details.execution.mode,
            file_triggers_enabled: row.file_triggers_enabled,
            global_remote_state: row.global_remote_state,
            project_remote_state: row.project_remote_state,
            last_assessment_result_at: row.last_assessment_result_at,
            latest_change_at: row.latest_change_at,
            locked: row.lock_kind.is_some(),
            locked_reason: row.lock_reason.as_deref(),
            operations: self.details.execution.mode != ExecutionMode::Local,
            permissions: self.permissions,
            plan_duration_average: row.performance.plan_average,
            policy_check_failures: row.performance.policy_failures,
            queue_all_runs: row.queue_all_runs,
            resource_count: row.resource_count,
            run_failures: row.performance.failures,
            setting_overwrites: SettingOverwrites {
                execution_mode: row.execution_mode.is_some(),
                agent_pool: row.execution_mode.is_some(),
            },
            source: row.source,
            source_name: row.source_name.as_deref(),
            source_url: row.source_url.as_deref(),
            speculative_enabled: row.speculative_enabled,
            structured_run_output_enabled: row.structured_run_output_enabled,
            tag_names: &self.details.tag_names,
            terraform_version: &row.terraform_version,
            engine: row.engine,
            trigger_patterns: &row.trigger_patterns,
            trigger_prefixes: &row.trigger_prefixes,
            updated_at: row.updated_at,
            vcs_repo: row
                .vcs_repo
                .as_ref()
                .map(|repo| repositories::View::new(repo, self.repository.as_ref())),
            vcs_repo_identifier: row.vcs_repo.as_ref().map(|repo| repo.identifier.as_str()),
            working_directory: Some(row.working_directory.as_str())
                .filter(|directory| !directory.is_empty()),
            workspace_kpis_run_count: row.performance.runs,
            workspace_kpis_runs_count: row.performance.runs,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let row = &self.details.workspace;
        let here = format!("/api/v2/workspaces/{}", row.id);
        let organization = &row.organization_name;
        to.one_with_link(
            "organization",
            "organizations",
            Some(organization),
            format!("/api/v2/organizations/{organization}"),
        );
        to.one_with_link(
            "project",
            "projects",
            Some(&row.project_id),
            format!("/api/v2/projects/{}", row.project_id),
        );
        to.one("current-run", "runs", row.current_run_id.as_ref().map(|id| id as _));
        to.one("latest-run", "runs", row.latest_run_id.as_ref().map(|id| id as _));
        to.one_with_link(
            "current-state-version",
            "state-versions",
            row.current_state_version_id.as_ref().map(|id| id as _),
            format!("{here}/current-state-version"),
        );
        to.one(
            "current-configuration-version",
            "configuration-versions",
            row.current_configuration_id.as_ref().map(|id| id as _),
        );
        let assessment = row.current_assessment_result_id.as_ref();
        to.one("current-assessment-result", "assessment-results", assessment.map(|id| id as _));
        match &self.details.output_ids {
            Some(ids) => to.many("outputs", "workspace-outputs", ids),
            None => to.link(
                "outputs",
                format!(
                    "/api/v2/workspaces/{}/current-state-version-outputs",
                    self.details.workspace.id
                ),
            ),
        }
        let pool = &self.details.execution.agent_pool_id;
        to.one("agent-pool", "agent-pools", pool.as_ref().map(|id| id as _));
        to.one("ssh-key", "ssh-keys", row.ssh_key_id.as_ref().map(|id| id as _));
        if let (Some(kind), Some(holder)) = (row.lock_kind, &row.lock_holder_id) {
            let (kind, holder) = locked_by(kind, holder);
            to.one("locked-by", kind, Some(&holder));
        }
        crate::data_retention::relate(self.details.retention.as_ref(), to);
        to.link("remote-state-consumers", format!("{here}/relationships/remote-state-consumers"));
        if let Some(ids) = &self.details.variable_ids {
            to.many("vars", "vars", ids);
        }
        to.link("vars", format!("{here}/vars"));
        to.link("tag-bindings", format!("{here}/tag-bindings"));
        to.link("effective-tag-bindings", format!("{here}/effective-tag-bindings"));
    }

    fn path(&self) -> Option<String> {
        let row = &self.details.workspace;
        Some(format!("/api/v2/organizations/{}/workspaces/{}", row.organization_name, row.name))
    }

    fn links(&self, to: &mut Links) {
        let row = &self.details.workspace;
        to.add("self-html", format!("/app/{}/workspaces/{}", row.organization_name, row.name));
    }
}

/// Type and id of who holds a lock. Clients know users, teams and runs; an organization's token is a user to them.
fn locked_by(kind: LockKind, holder: &str) -> (&'static str, String) {
    let holder = holder.to_owned();
    match kind {
        LockKind::User => ("users", holder),
        LockKind::Team => ("teams", holder),
        LockKind::Run => ("runs", holder),
        LockKind::Organization => ("users", crate::users::organization_service_id(&holder)),
    }
}
