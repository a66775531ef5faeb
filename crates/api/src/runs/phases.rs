//! The plan and the apply of a run: `/plans`, `/applies`, `/runs/:id/plan`, `/runs/:id/apply`

use std::time::{Duration, Instant};

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Ctx, In, StatusTimestamps,
    archivist::{self, Content},
    can,
    entity::phase::{self, Kind, Status},
    id::{AgentId, AgentPoolId, PlanExportId, PlanId},
    plan_exports,
    row::{Phase, Run},
    runs::{self, Apply, Plan},
};
use http::StatusCode;
use jsonapi::{Document, Links, Query, Relationships, Resource};
use serde::Serialize;
use serde_json::json;

use crate::{May, Result, Routes, includes::INCLUDES};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/plans/{plan_id}", show_plan)
        .get("/api/v2/plans/{plan_id}/json-output", json_output)
        .get("/api/v2/plans/{plan_id}/json-output-redacted", json_output_redacted)
        .get("/api/v2/plans/{plan_id}/json-schema", json_schema)
        .get("/api/v2/applies/{apply_id}", show_apply)
        .get("/api/v2/applies/{apply_id}/errored-state", errored_state)
        .get("/api/v2/runs/{run_id}/plan", plan_of_run)
        .get("/api/v2/runs/{run_id}/apply", apply_of_run)
        .get("/api/v2/runs/{run_id}/plan/json-output", json_output_of_run)
        .get("/api/v2/runs/{run_id}/plan/json-output-redacted", json_output_redacted_of_run)
        .get("/api/v2/runs/{run_id}/plan/json-schema", json_schema_of_run)
}

/// A plan or an apply on the wire; the type decides which of them it is.
pub struct PhaseView<const PLAN: bool> {
    phase: In<Phase>,
    log_read_url: String,
    can_export: bool,
    /// Of a plan, where the caller may know of them.
    exports: Vec<PlanExportId>,
}

impl<const PLAN: bool> PhaseView<PLAN> {
    pub fn new(cx: &Ctx, phase: In<Phase>) -> Self {
        Self {
            log_read_url: archivist::address(cx, Content::Log, &phase.id),
            can_export: cx.may::<can::ExportPlan>(&phase.of),
            exports: Vec::new(),
            phase,
        }
    }
}

/// Plans with their exports, read at once.
pub async fn plans(cx: &Ctx, rows: Vec<In<Phase>>) -> Result<Vec<PhaseView<true>>> {
    let mut exports = plan_exports::of_plans(cx, &rows).await?;
    let view = |phase: In<Phase>| {
        let found = phase.id.parse().ok().and_then(|id: PlanId| exports.remove(&id));
        let exports = found.unwrap_or_default().into_iter().map(|row| row.id).collect();
        PhaseView { exports, ..PhaseView::new(cx, phase) }
    };
    Ok(rows.into_iter().map(view).collect())
}

async fn plan(cx: &Ctx, row: In<Phase>) -> Result<PhaseView<true>> {
    Ok(plans(cx, vec![row]).await?.swap_remove(0))
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    status: Status,
    status_timestamps: &'a StatusTimestamps,
    /// There from the beginning, or the command line gives up (CLI protocol 3.4).
    log_read_url: &'a str,
    resource_additions: Option<i64>,
    resource_changes: Option<i64>,
    resource_destructions: Option<i64>,
    resource_imports: Option<i64>,
    execution_details: Option<ExecutionDetails<'a>>,
    /// Ours: why it failed, and what has become of a state that it could not save.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// Ours: the most that it has used of its machine, and what it was kept apart by.
    #[serde(skip_serializing_if = "Option::is_none")]
    peaks: Option<Peaks>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_layers: Option<&'a [String]>,
    #[serde(flatten)]
    plan: Option<PlanAttributes>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Peaks {
    memory_bytes: u64,
    processes: u64,
    disk_bytes: u64,
    cpu_milliseconds: u64,
}

impl From<phase::Peaks> for Peaks {
    fn from(peaks: phase::Peaks) -> Self {
        let phase::Peaks { memory_bytes, processes, disk_bytes, cpu_milliseconds } = peaks;
        Self { memory_bytes, processes, disk_bytes, cpu_milliseconds }
    }
}

/// Who executes it. What nobody knows is left out, because the published contract knows no null here.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ExecutionDetails<'a> {
    mode: &'static str,
    agent_id: &'a AgentId,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_pool_id: Option<&'a AgentPoolId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_pool_name: Option<&'a str>,
}

/// Absent until somebody executes it.
fn execution_details(phase: &Phase) -> Option<ExecutionDetails<'_>> {
    let agent_id = phase.agent_id.as_ref()?;
    let by = phase.executor.as_ref().map(|by| &by.0);
    let pool = by.and_then(|by| by.pool_id.as_ref());
    Some(ExecutionDetails {
        mode: if pool.is_some() { "agent" } else { "remote" },
        agent_id,
        agent_name: by.map(|by| by.agent_name.as_str()),
        agent_pool_id: pool,
        agent_pool_name: by.and_then(|by| by.pool_name.as_deref()),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct PlanAttributes {
    has_changes: bool,
    generated_configuration: bool,
    structured_run_output_enabled: bool,
    actions: serde_json::Value,
    permissions: serde_json::Value,
}

impl<const PLAN: bool> Resource for PhaseView<PLAN> {
    const TYPE: &'static str = if PLAN { "plans" } else { "applies" };

    fn id(&self) -> String {
        self.phase.id.clone()
    }

    fn attributes(&self) -> impl Serialize {
        let phase = &self.phase.row;
        Attributes {
            status: phase.status,
            status_timestamps: &phase.status_timestamps,
            log_read_url: &self.log_read_url,
            resource_additions: phase.resource_additions,
            resource_changes: phase.resource_changes,
            resource_destructions: phase.resource_destructions,
            resource_imports: phase.resource_imports,
            execution_details: execution_details(phase),
            message: phase.message.as_deref(),
            peaks: phase.peaks.as_ref().map(|peaks| Peaks::from(peaks.0)),
            sandbox_layers: phase.layers.as_ref().map(|layers| layers.0.as_slice()),
            plan: (phase.kind == Kind::Plan).then(|| PlanAttributes {
                has_changes: phase.has_changes,
                generated_configuration: phase.generated_configuration,
                structured_run_output_enabled: self.phase.of.structured_run_output_enabled,
                actions: json!({ "is-exportable": plan_exports::is_exportable(phase) }),
                permissions: json!({ "can-export": self.can_export }),
            }),
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("run", "runs", Some(&self.phase.run_id));
        if PLAN {
            to.many("exports", "plan-exports", &self.exports);
        }
    }

    fn links(&self, to: &mut Links) {
        if PLAN {
            let here = format!("/api/v2/plans/{}", self.phase.id);
            to.add("json-output", format!("{here}/json-output"));
            to.add("json-output-redacted", format!("{here}/json-output-redacted"));
            to.add("json-schema", format!("{here}/json-schema"));
        }
    }
}

async fn show_plan(plan: May<can::ReadRun, Plan>, query: Query) -> Result<Document> {
    let cx = plan.cx;
    let view = self::plan(&cx, plan.granted.into_inner().0).await?;
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

async fn show_apply(apply: May<can::ReadRun, Apply>, query: Query) -> Result<Document> {
    let cx = apply.cx;
    let view = PhaseView::<false>::new(&cx, apply.granted.into_inner().0);
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

async fn plan_of_run(run: May<can::ReadRun, In<Run>>) -> Result<Document> {
    let (plan, _) = runs::phases(&run.cx, &run).await?;
    let plan = In { row: plan, of: run.of.clone() };
    Ok(Document::one(&self::plan(&run.cx, plan).await?))
}

async fn apply_of_run(run: May<can::ReadRun, In<Run>>) -> Result<Document> {
    let (_, apply) = runs::phases(&run.cx, &run).await?;
    let apply = In { row: apply, of: run.of.clone() };
    Ok(Document::one(&PhaseView::<false>::new(&run.cx, apply)))
}

/// Contains sensitive values, so it takes more than reading runs.
async fn json_output(plan: May<can::DownloadPlanJson, Plan>) -> Result<Response> {
    redirect(&plan.cx, &plan.0, "json-plan", Content::PlanJson).await
}

async fn json_output_of_run(run: May<can::ReadPlanJson, In<Run>>) -> Result<Response> {
    let plan = runs::plan_of(&run.cx, &run).await?;
    redirect(&run.cx, &plan, "json-plan", Content::PlanJson).await
}

async fn json_output_redacted(plan: May<can::ReadRun, Plan>) -> Result<Response> {
    redirect(&plan.cx, &plan.0, "json-plan-redacted", Content::PlanJsonRedacted).await
}

async fn json_output_redacted_of_run(run: May<can::ReadRun, In<Run>>) -> Result<Response> {
    let plan = runs::plan_of(&run.cx, &run).await?;
    redirect(&run.cx, &plan, "json-plan-redacted", Content::PlanJsonRedacted).await
}

/// The schemas that the JSON plan is read with, for whoever may read that.
async fn json_schema(plan: May<can::ReadPlanJson, Plan>) -> Result<Response> {
    redirect(&plan.cx, &plan.0, "provider-schemas", Content::ProviderSchemas).await
}

async fn json_schema_of_run(run: May<can::ReadPlanJson, In<Run>>) -> Result<Response> {
    let plan = runs::plan_of(&run.cx, &run).await?;
    redirect(&run.cx, &plan, "provider-schemas", Content::ProviderSchemas).await
}

async fn errored_state(apply: May<can::ReadState, Apply>) -> Result<Response> {
    let phase = &apply.0;
    if !phase.artifacts.has("errored-state") {
        return Err(domain::Error::NotFound.into());
    }
    let address = archivist::address(&apply.cx, Content::ErroredState, &phase.id);
    Ok(Redirect::temporary(&address).into_response())
}

async fn redirect(cx: &Ctx, plan: &Phase, name: &str, content: Content) -> Result<Response> {
    if wait_for_artifact(cx, plan, name).await? {
        let address = archivist::address(cx, content, &plan.id);
        return Ok(Redirect::temporary(&address).into_response());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The log of a plan ends a moment before the plan is over, and the plan a moment before its files are there: the
/// run does not wait for them. The command line takes "nothing" for an error, so whoever asks in these moments waits.
async fn wait_for_artifact(cx: &Ctx, plan: &Phase, name: &str) -> Result<bool> {
    const PAUSE: Duration = Duration::from_millis(50);
    const END_IN: Duration = Duration::from_secs(3);
    const FILES_IN: Duration = Duration::from_secs(30);
    let asked = Instant::now();
    loop {
        let patience = match runs::artifact(cx, &plan.id, name).await? {
            runs::Artifact::There => return Ok(true),
            runs::Artifact::Early => END_IN,
            runs::Artifact::Coming => FILES_IN,
            runs::Artifact::Never => return Ok(false),
        };
        if asked.elapsed() >= patience {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
