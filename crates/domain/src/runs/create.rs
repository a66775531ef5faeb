//! Making a run: every rule about what may be asked for stands here.

use db::{
    Json,
    entity::{
        configuration_version, phase,
        run::{self, Cancel, Source, Status},
        tool_version::Engine,
        workspace::ExecutionMode,
    },
    id::{ApplyId, ConfigurationVersionId, PlanId, RunId},
    sea_orm::EntityTrait,
};
use serde_json::json;

use super::{
    held::Floor,
    moves::{self, subject},
    stages::Part,
    status, turns,
};
use crate::{
    Ctx, Error, Granted, Happened, In, Result, Timestamp, assessments, can, configurations,
    free_text, names,
    row::{ConfigurationVersion, Run, Workspace},
    run_schedules, task_stages,
    tool_versions::{self, Wish},
    variables::{self, OfRun},
    workspaces::{self, ConfirmationRule, auto_destroy},
};

/// What a run is asked to do. Absent means: as the workspace or the configuration says.
#[derive(Debug, Default)]
pub struct New {
    pub configuration_version_id: Option<ConfigurationVersionId>,
    pub message: Option<String>,
    pub is_destroy: bool,
    pub auto_apply: Option<bool>,
    pub plan_only: Option<bool>,
    pub save_plan: bool,
    pub refresh: Option<bool>,
    pub refresh_only: bool,
    pub allow_empty_apply: bool,
    pub allow_config_generation: bool,
    pub debugging_mode: bool,
    pub terraform_version: Option<String>,
    pub engine: Option<Engine>,
    pub target_addrs: Vec<String>,
    pub replace_addrs: Vec<String>,
    pub invoke_action_addrs: Vec<String>,
    pub policy_paths: Vec<String>,
    pub variables: Vec<OfRun>,
    pub source: Option<Source>,
    pub trigger_reason: Option<String>,
    pub triggered_by: Option<TriggeredBy>,
    /// The time at which the workspace is to be destroyed, which this run uses up.
    pub scheduled_for: Option<Timestamp>,
    /// The time of a schedule, which this run uses up.
    pub due: Option<run_schedules::Due>,
}

/// The run of another workspace whose apply is the reason.
#[derive(Debug)]
pub struct TriggeredBy {
    pub run: RunId,
    pub workspace: Workspace,
}

const SEALED_VARIABLES: &str = "runs.variables";
/// Characters of each, or numbers of elements. A message may be that of a commit.
const MESSAGE_LIMIT: usize = 10_000;
const ADDRESS_LIMIT: usize = 2_000;
const ADDRESSES_LIMIT: usize = 1_000;
const VARIABLES_LIMIT: usize = 1_000;
const VARIABLE_KEY_LIMIT: usize = 256;
const VARIABLE_LIMIT: usize = 256 << 10;

/// Queues a run.
pub async fn create(cx: &Ctx, workspace: &Granted<can::QueueRun>, new: New) -> Result<Run> {
    let source = new.source.unwrap_or(Source::Api);
    Box::pin(queue(cx, workspace, new, source)).await
}

/// Queues the run that a configuration asked for when it was announced.
pub async fn queue_for_configuration(
    cx: &Ctx,
    configuration: &ConfigurationVersion,
) -> Result<Run> {
    let found = workspaces::find(cx, &configuration.workspace_id).await?;
    let workspace = cx.check::<can::QueueRun, _>(found)?;
    let ingress = configurations::ingress(cx, &configuration.id).await?;
    let about = ingress.map(|of| configurations::about(&of, &workspace)).unwrap_or_default();
    let new = New { configuration_version_id: Some(configuration.id.clone()), ..about };
    Box::pin(queue(cx, &workspace, new, Source::ConfigurationVersion)).await
}

async fn queue(cx: &Ctx, workspace: &Workspace, new: New, source: Source) -> Result<Run> {
    let configuration = configuration(cx, workspace, &new).await?;
    let speculative = configuration.as_ref().is_some_and(|row| row.speculative);
    let plan_only = speculative || new.plan_only.unwrap_or(false);
    check(cx, workspace, &new, plan_only).await?;
    variables::check_environment(cx, workspace).await?;
    let auto_apply = applies_by_itself(cx, workspace, &new, plan_only)?;
    if new.terraform_version.is_some() || new.engine.is_some() {
        let version = new.terraform_version.as_ref().unwrap_or(&workspace.terraform_version);
        let engine = new.engine.or(workspace.engine);
        tool_versions::check(cx, Wish { version, engine }, workspace).await?;
    }
    let id = RunId::fresh();
    let variables = serde_json::to_vec(&new.variables).map_err(|e| Error::Internal(e.into()))?;
    let sealed = cx.keyring().seal(SEALED_VARIABLES, id.as_str(), &variables);
    let created_by = cx.actor().user_id();
    let mut floor = Floor::lock(cx, &workspace.id).await?;
    if let Some(at) = new.scheduled_for {
        let (tx, row) = floor.parts();
        if !auto_destroy::begin(row, at) {
            return Err(Error::Conflict("The time of the destruction is another one now.".into()));
        }
        tx.emit(Happened::WorkspaceAutoDestroyQueued, workspaces::subject(row), json!({})).await?;
    }
    if let Some(due) = &new.due {
        run_schedules::use_up(floor.parts().0, due, &id).await?;
    }
    let (tx, row) = floor.parts();
    assessments::make_way(tx, row).await?;
    row.run_count += 1;
    let now = tx.now();
    let run = Run {
        number: row.run_count,
        workspace_id: row.id.clone(),
        organization_name: row.organization_name.clone(),
        configuration_version_id: configuration.map(|row| row.id),
        status: Status::Pending,
        is_final: false,
        message: new
            .message
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| "Queued manually via the Terraform Enterprise API".into()),
        source,
        trigger_reason: new.trigger_reason.unwrap_or_else(|| "manual".into()),
        terraform_version: new.terraform_version,
        engine: new.engine,
        is_destroy: new.is_destroy,
        auto_apply,
        allow_empty_apply: new.allow_empty_apply,
        allow_config_generation: new.allow_config_generation,
        plan_only,
        save_plan: new.save_plan,
        refresh: new.refresh.unwrap_or(true),
        refresh_only: new.refresh_only,
        debugging_mode: new.debugging_mode,
        target_addrs: Json(new.target_addrs),
        replace_addrs: Json(new.replace_addrs),
        invoke_action_addrs: Json(new.invoke_action_addrs),
        variables: sealed,
        has_changes: false,
        cancel: Cancel::No,
        force_cancel_available_at: None,
        canceled_at: None,
        status_timestamps: Json([(status::timestamp_key(Status::Pending), now)].into()),
        triggered_by_id: new.triggered_by.as_ref().map(|by| by.run.clone()),
        triggering_source_name: new.triggered_by.as_ref().map(|by| by.workspace.name.clone()),
        triggering_source_id: new.triggered_by.map(|by| by.workspace.id),
        created_by_id: created_by,
        confirmed_by_id: None,
        canceled_by_id: None,
        plan_id: PlanId::fresh(),
        apply_id: ApplyId::fresh(),
        created_at: now,
        updated_at: now,
        task_stages: Json::default(),
        policy_checks: Json::default(),
        cost_estimate_id: None,
        policy_paths: Json(new.policy_paths),
        id,
    };
    moves::make_latest(row, &run);
    tx.insert(run.clone()).await?;
    for (id, kind) in
        [(run.plan_id.as_str(), phase::Kind::Plan), (run.apply_id.as_str(), phase::Kind::Apply)]
    {
        tx.insert(new_phase(id, &run, kind, now)).await?;
    }
    let mut run = floor.hold(&run.id).await?;
    // Command lines look for what comes after the plan before they follow it.
    task_stages::prepare(&mut run, &[Part::BeforePlan, Part::Plan, Part::BeforeApply, Part::Apply])
        .await?;
    let (tx, row, held) = run.parts();
    turns::settle(tx, row, None).await?;
    tx.emit(Happened::RunCreated, subject(held), json!({ "message": held.message })).await?;
    run.commit().await
}

/// Whether nobody is asked once the plan is there.
fn applies_by_itself(cx: &Ctx, workspace: &Workspace, new: &New, plan_only: bool) -> Result<bool> {
    let may_apply = cx.may::<can::QueueApply>(workspace);
    if new.auto_apply == Some(true) && !plan_only && !may_apply {
        return Err(Error::invalid("auto-apply", "needs the permission to apply runs"));
    }
    if ConfirmationRule::of(workspace).is_strict() {
        // What comes by itself waits for people as well.
        let comes_by_itself =
            new.scheduled_for.is_some() || new.due.is_some() || new.triggered_by.is_some();
        if new.auto_apply == Some(true) && !plan_only && !comes_by_itself {
            return Err(Error::invalid("auto-apply", ConfirmationRule::NOT_BY_ITSELF));
        }
        return Ok(false);
    }
    // The run of somebody who may only plan waits for somebody who may apply, whatever the workspace's setting.
    let wanted = new.auto_apply.unwrap_or(workspace.auto_apply && may_apply);
    Ok(wanted && !plan_only && !new.save_plan)
}

fn new_phase(id: &str, run: &Run, kind: phase::Kind, now: Timestamp) -> phase::Model {
    phase::Model {
        id: id.to_owned(),
        run_id: run.id.clone(),
        kind,
        status: phase::Status::Pending,
        has_changes: false,
        generated_configuration: false,
        state_awaited_until: None,
        resource_additions: None,
        resource_changes: None,
        resource_destructions: None,
        resource_imports: None,
        message: None,
        artifacts: Json::default(),
        agent_id: None,
        executor: None,
        peaks: None,
        layers: None,
        status_timestamps: Json([("pending-at".to_owned(), now)].into()),
    }
}

/// The configuration that was asked for, or the workspace's current one.
async fn configuration(
    cx: &Ctx,
    workspace: &Workspace,
    new: &New,
) -> Result<Option<ConfigurationVersion>> {
    use configuration_version::Status as S;
    let wanted =
        new.configuration_version_id.as_ref().or(workspace.current_configuration_id.as_ref());
    let Some(id) = wanted else {
        // What nobody has the code of any more can still be destroyed.
        return if workspace.repository_id.is_some() {
            configurations::fetch_head(cx, &workspace.id, false, None).await
        } else if new.is_destroy {
            Ok(None)
        } else {
            Err(Error::invalid_relation(
                "configuration-version",
                "The workspace has no configuration yet: upload one first.",
            ))
        };
    };
    let row = configuration_version::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let row = row.filter(|row| row.workspace_id == workspace.id).ok_or_else(|| {
        Error::invalid_relation("configuration-version", "does not exist in this workspace")
    })?;
    if let Some(again) = configurations::fetch_again(cx, &row).await? {
        return Ok(Some(again));
    }
    match row.status {
        S::Errored => Err(Error::invalid_relation(
            "configuration-version",
            "could not be uploaded; upload it again",
        )),
        S::Archived | S::BackingDataSoftDeleted | S::BackingDataPermanentlyDeleted => {
            Err(Error::invalid_relation(
                "configuration-version",
                "is not there any more; upload it again",
            ))
        }
        S::Pending | S::Fetching | S::Uploaded => Ok(Some(row)),
    }
}

async fn check(cx: &Ctx, workspace: &Workspace, new: &New, plan_only: bool) -> Result<()> {
    let details = workspaces::details_of(cx, workspace.clone()).await?;
    if details.execution.mode == ExecutionMode::Local {
        return Err(Error::invalid_relation(
            "workspace",
            "Runs cannot be queued while the workspace's execution mode is local.",
        ));
    }
    let refused = |attribute, why: &str| Err(Error::invalid(attribute, why));
    if new.is_destroy && !workspace.allow_destroy_plan {
        return refused("is-destroy", "is not allowed by the workspace's settings");
    }
    // Nobody is to find the end of everything waiting for a click who was not to be asked for it.
    if new.is_destroy && !plan_only && !cx.may::<can::QueueDestroy>(workspace) {
        return refused("is-destroy", "needs the permission to apply runs, unless it is plan-only");
    }
    if new.is_destroy && new.refresh_only {
        return refused("refresh-only", "cannot be combined with is-destroy");
    }
    if new.refresh_only && new.refresh == Some(false) {
        return refused("refresh", "cannot be false when refresh-only is true");
    }
    if new.refresh_only && !new.replace_addrs.is_empty() {
        return refused("replace-addrs", "cannot be combined with refresh-only");
    }
    if new.save_plan && plan_only {
        return refused("save-plan", "cannot be combined with plan-only");
    }
    if new.terraform_version.is_some() && !plan_only {
        return refused("terraform-version", "can only be set for plan-only runs");
    }
    if new.engine.is_some() && !plan_only {
        return refused("engine", "can only be set for plan-only runs");
    }
    if new.invoke_action_addrs.len() > 1 {
        return refused("invoke-action-addrs", "can only name one action");
    }
    free_text::prose("message", new.message.as_deref().unwrap_or_default(), MESSAGE_LIMIT)?;
    free_text::lines("policy-paths", &new.policy_paths, ADDRESS_LIMIT, ADDRESSES_LIMIT)?;
    for (attribute, addresses) in [
        ("target-addrs", &new.target_addrs),
        ("replace-addrs", &new.replace_addrs),
        ("invoke-action-addrs", &new.invoke_action_addrs),
    ] {
        free_text::addresses(attribute, addresses, ADDRESS_LIMIT, ADDRESSES_LIMIT)?;
    }
    if new.variables.len() > VARIABLES_LIMIT {
        return Err(Error::invalid("variables", format!("has at most {VARIABLES_LIMIT} elements")));
    }
    for variable in &new.variables {
        names::check("variables", &variable.key, VARIABLE_KEY_LIMIT)?;
        free_text::is_short("variables", &variable.value, VARIABLE_LIMIT)?;
        variables::expression::check("variables", &variable.value)?;
    }
    for addresses in [&new.target_addrs, &new.replace_addrs, &new.invoke_action_addrs] {
        if addresses.iter().any(|text| text.trim().is_empty() || text.starts_with('-')) {
            return refused("target-addrs", "must be resource addresses");
        }
    }
    for variable in &new.variables {
        let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        if variable.key.is_empty() || !variable.key.chars().all(name) {
            return refused("variables", "must have the names of Terraform variables");
        }
    }
    Ok(())
}

/// The run's own variables in the clear, for the agent.
pub(crate) fn variables_of(cx: &Ctx, run: &run::Model) -> Result<Vec<OfRun>> {
    let opened = cx.keyring().open(SEALED_VARIABLES, run.id.as_str(), &run.variables)?;
    serde_json::from_slice(&opened).map_err(|error| Error::Internal(error.into()))
}

/// The same as the API shows them: to those who may read the workspace's variables, as a value may be a secret.
pub fn shown_variables(cx: &Ctx, run: &In<Run>) -> Vec<OfRun> {
    if !cx.may::<can::ReadVariables>(&run.of) {
        return Vec::new();
    }
    variables_of(cx, run).unwrap_or_else(|error| {
        tracing::error!(run = %run.id, "the variables of {} cannot be read: {error}", run.id);
        Vec::new()
    })
}
