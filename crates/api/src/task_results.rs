//! `/task-results`, `/task-result-outcomes`: what run tasks said about a run, and the callback by which they say it

mod callback;
mod outcomes;

pub use outcomes::View as OutcomeView;

use domain::{
    Ctx, In, StatusTimestamps, Timestamp, can,
    entity::{run_task::Enforcement, task_result::Status, task_stage::Stage},
    id::TaskResultOutcomeId,
    row::TaskResult,
    task_results,
};
use jsonapi::{Document, Query, Relationships, Resource};
use serde::Serialize;

use crate::{May, Result, Routes, includes::INCLUDES};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/task-results/{task_result_id}", show)
        .merge(outcomes::routes())
        .merge(callback::routes())
}

/// A result on the wire: never its token.
pub struct View {
    row: TaskResult,
    outcomes: Vec<TaskResultOutcomeId>,
}

/// With their outcomes, read at once.
pub async fn views(cx: &Ctx, rows: Vec<TaskResult>) -> Result<Vec<View>> {
    let mut outcomes = task_results::with_outcomes(cx, &rows).await?;
    Ok(rows
        .into_iter()
        .map(|row| View { outcomes: outcomes.remove(&row.id).unwrap_or_default(), row })
        .collect())
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    message: Option<&'a str>,
    status: Status,
    status_timestamps: &'a StatusTimestamps,
    url: Option<&'a str>,
    created_at: Timestamp,
    updated_at: Timestamp,
    task_id: String,
    task_name: &'a str,
    task_url: &'a str,
    task_result_outcomes_count: usize,
    stage: Stage,
    is_speculative: bool,
    workspace_task_id: Option<String>,
    workspace_task_enforcement_level: Enforcement,
    agent_pool_id: Option<&'a str>,
}

impl Resource for View {
    const TYPE: &'static str = "task-results";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        Attributes {
            message: row.message.as_deref(),
            status: row.status,
            status_timestamps: &row.status_timestamps,
            url: row.url.as_deref(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            task_id: row.run_task_id.to_string(),
            task_name: &row.task_name,
            task_url: &row.task_url,
            task_result_outcomes_count: self.outcomes.len(),
            stage: row.stage,
            is_speculative: row.is_speculative,
            workspace_task_id: row.workspace_task_id.as_ref().map(ToString::to_string),
            workspace_task_enforcement_level: row.enforcement_level,
            agent_pool_id: None,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let stage = &self.row.task_stage_id;
        let related = format!("/api/v2/task-stages/{stage}");
        to.one_with_link("task-stage", "task-stages", Some(stage), related);
        // As HashiCorp's Go client spells it.
        to.one("task_stage", "task-stages", Some(stage));
        let related = format!("/api/v2/task-results/{}/outcomes", self.row.id);
        to.many_with_link("task-result-outcomes", "task-result-outcomes", &self.outcomes, related);
    }
}

async fn show(result: May<can::ReadRun, In<TaskResult>>, query: Query) -> Result<Document> {
    let cx = result.cx;
    let views = views(&cx, vec![result.granted.into_inner().row]).await?;
    Document::one_with(&views[0], &query, &INCLUDES, &cx).await
}
