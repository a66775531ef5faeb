//! `/run-schedules`, and those of a workspace: runs by the calendar. Ours: HCP Terraform has no such thing.

use domain::{
    In, Timestamp, can,
    entity::run_schedule::Kind,
    row::RunSchedule,
    run_schedules::{self, Change},
};
use jsonapi::{Body, Document, Empty, Query, Relationships, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/workspaces/{workspace_id}/run-schedules", list)
        .post("/api/v2/workspaces/{workspace_id}/run-schedules", create)
        .get("/api/v2/run-schedules/{run_schedule_id}", show)
        .patch("/api/v2/run-schedules/{run_schedule_id}", update)
        .delete("/api/v2/run-schedules/{run_schedule_id}", delete)
}

struct View(RunSchedule);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    kind: Kind,
    cron: &'a str,
    time_zone: &'a str,
    message: &'a str,
    enabled: bool,
    next_run_at: Option<Timestamp>,
    last_run_at: Option<Timestamp>,
    last_error: Option<&'a str>,
    created_at: Timestamp,
}

impl Resource for View {
    const TYPE: &'static str = "run-schedules";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.0;
        Attributes {
            kind: row.kind,
            cron: &row.cron,
            time_zone: &row.time_zone,
            message: &row.message,
            enabled: row.enabled,
            next_run_at: row.next_at.filter(|_| row.enabled),
            last_run_at: row.last_at,
            last_error: row.last_error.as_deref(),
            created_at: row.created_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let id = &self.0.workspace_id;
        to.one_with_link("workspace", "workspaces", Some(id), format!("/api/v2/workspaces/{id}"));
        to.one("last-run", "runs", self.0.last_run_id.as_ref().map(|id| id as _));
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/run-schedules/{}", self.0.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    kind: Option<Kind>,
    cron: Option<String>,
    time_zone: Option<String>,
    message: Option<String>,
    enabled: Option<bool>,
}

impl Typed for Input {
    const TYPE: &'static str = "run-schedules";
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        let Input { kind, cron, time_zone, message, enabled } = input;
        Self { kind, cron, time_zone, message, enabled }
    }
}

async fn list(workspace: May<can::ReadRun>, query: Query) -> Result<Document> {
    let page = run_schedules::list(&workspace.cx, &workspace, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &workspace.cx).await
}

async fn create(workspace: May<can::UpdateWorkspace>, body: Body<Input>) -> Result<Document> {
    let row = run_schedules::create(&workspace.cx, &workspace, body.attributes.into()).await?;
    Ok(Document::one(&View(row)).created())
}

async fn show(schedule: May<can::ReadRun, In<RunSchedule>>, query: Query) -> Result<Document> {
    let cx = schedule.cx;
    Document::one_with(&View(schedule.granted.into_inner().row), &query, &INCLUDES, &cx).await
}

async fn update(
    schedule: May<can::UpdateWorkspace, In<RunSchedule>>,
    body: Body<Input>,
) -> Result<Document> {
    let row = run_schedules::update(&schedule.cx, &schedule, body.attributes.into()).await?;
    Ok(Document::one(&View(row)))
}

async fn delete(schedule: May<can::UpdateWorkspace, In<RunSchedule>>) -> Result<Empty> {
    run_schedules::delete(&schedule.cx, &schedule).await?;
    Ok(Empty)
}
