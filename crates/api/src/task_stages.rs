//! `/task-stages`, `/runs/:id/task-stages`: what is between the phases of a run, with its members

use domain::{
    Ctx, In, StatusTimestamps, Timestamp, can,
    entity::task_stage::{Stage, Status},
    id::{PolicyEvaluationId, TaskResultId},
    policy_evaluations,
    row::{Run, TaskStage},
    task_results, task_stages,
};
use jsonapi::{Document, Plain, Query, Relationships, Resource};
use serde::Serialize;

use crate::{
    May, Result, Routes, includes::INCLUDES, paging::paging, policy_evaluations::Actions,
    runs::comments::Said,
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/runs/{run_id}/task-stages", list)
        .get("/api/v2/task-stages/{task_stage_id}", show)
        .post("/api/v2/task-stages/{task_stage_id}/actions/override", override_it)
}

/// A stage on the wire.
pub struct View {
    stage: In<TaskStage>,
    evaluations: Vec<PolicyEvaluationId>,
    results: Vec<TaskResultId>,
    can_override: bool,
}

/// With their members, read at once.
pub async fn views(cx: &Ctx, stages: Vec<In<TaskStage>>) -> Result<Vec<View>> {
    let mut evaluations = policy_evaluations::with_evaluations(cx, &stages).await?;
    let mut results = task_results::with_results(cx, &stages).await?;
    Ok(stages
        .into_iter()
        .map(|stage| View {
            evaluations: evaluations.remove(&stage.row.id).unwrap_or_default(),
            results: results.remove(&stage.row.id).unwrap_or_default(),
            can_override: cx.may::<can::OverridePolicies>(&stage.of),
            stage,
        })
        .collect())
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    status: Status,
    stage: Stage,
    status_timestamps: &'a StatusTimestamps,
    created_at: Timestamp,
    updated_at: Timestamp,
    permissions: Permissions,
    actions: Actions,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Permissions {
    can_override_policy: bool,
    can_override_tasks: bool,
    can_override: bool,
}

impl Resource for View {
    const TYPE: &'static str = "task-stages";

    fn id(&self) -> String {
        self.stage.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.stage.row;
        Attributes {
            status: row.status,
            stage: row.stage,
            status_timestamps: &row.status_timestamps,
            created_at: row.created_at,
            updated_at: row.updated_at,
            permissions: Permissions {
                can_override_policy: self.can_override,
                can_override_tasks: false,
                can_override: self.can_override,
            },
            actions: Actions { is_overridable: task_stages::is_overridable(row) },
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let row = &self.stage.row;
        to.one("run", "runs", Some(&row.run_id));
        to.many("task-results", "task-results", &self.results);
        to.many("policy-evaluations", "policy-evaluations", &self.evaluations);
    }
}

async fn list(run: May<can::ReadRun, In<Run>>, query: Query) -> Result<Document> {
    let page = task_stages::list(&run.cx, &run, paging(&query)).await?;
    let views = views(&run.cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, &run.cx).await
}

async fn show(stage: May<can::ReadRun, In<TaskStage>>, query: Query) -> Result<Document> {
    let cx = stage.cx;
    let views = views(&cx, vec![stage.granted.into_inner()]).await?;
    Document::one_with(&views[0], &query, &INCLUDES, &cx).await
}

async fn override_it(
    stage: May<can::OverridePolicies, In<TaskStage>>,
    body: Plain<Said>,
) -> Result<Document> {
    let cx = &stage.cx;
    let row = task_stages::override_stage(cx, &stage, body.0.comment).await?;
    let of = stage.granted.of.clone();
    let views = views(cx, vec![In { row, of }]).await?;
    Ok(Document::one(&views[0]))
}
