//! `/workspaces/:id/tasks`: which run tasks are asked about the runs of a workspace

use domain::{
    In, Timestamp, can,
    entity::{run_task::Enforcement, task_stage::Stage},
    id::RunTaskId,
    row::{Organization, RunTask, WorkspaceTask},
    run_tasks,
    workspace_tasks::{self, Change},
};
use jsonapi::{Body, Document, Empty, Error, Query, Relationships, Resource, ToOne, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/workspaces/{workspace_id}/tasks", list)
        .post("/api/v2/workspaces/{workspace_id}/tasks", create)
        .get("/api/v2/workspaces/{workspace_id}/tasks/{workspace_task_id}", show)
        .patch("/api/v2/workspaces/{workspace_id}/tasks/{workspace_task_id}", update)
        .delete("/api/v2/workspaces/{workspace_id}/tasks/{workspace_task_id}", delete)
}

/// One on the wire.
pub struct View(pub WorkspaceTask);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    enforcement_level: Enforcement,
    /// The first of them, for clients from before there were several.
    stage: Option<&'a Stage>,
    stages: &'a [Stage],
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Resource for View {
    const TYPE: &'static str = "workspace-tasks";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            enforcement_level: self.0.enforcement_level,
            stage: self.0.stages.first(),
            stages: &self.0.stages,
            created_at: self.0.created_at,
            updated_at: self.0.updated_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let (task, workspace) = (&self.0.run_task_id, &self.0.workspace_id);
        to.one_with_link("task", "tasks", Some(task), format!("/api/v2/tasks/{task}"));
        let related = format!("/api/v2/workspaces/{workspace}");
        to.one_with_link("workspace", "workspaces", Some(workspace), related);
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/workspaces/{}/tasks/{}", self.0.workspace_id, self.0.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    enforcement_level: Option<Enforcement>,
    stage: Option<Stage>,
    stages: Option<Vec<Stage>>,
}

impl Typed for Input {
    const TYPE: &'static str = "workspace-tasks";
}

/// Some clients name one of the stages once more, as those do that know one only.
fn change(input: Input) -> Result<Change> {
    if let (Some(stage), Some(stages)) = (&input.stage, &input.stages)
        && !stages.contains(stage)
    {
        return Err(domain::Error::invalid("stage", "is none of stages").into());
    }
    let stages = input.stages.or(input.stage.map(|stage| vec![stage]));
    Ok(Change { stages, enforcement_level: input.enforcement_level })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relations {
    task: Option<ToOne<RunTaskId>>,
}

async fn list(workspace: May<can::ReadWorkspace>, query: Query) -> Result<Document> {
    let cx = &workspace.cx;
    let page = workspace_tasks::list(cx, &workspace, paging(&query)).await?.map(View);
    Document::page(&page.items, page.total, &query, &INCLUDES, cx).await
}

/// The run task is named in the body, so its permission is checked here.
async fn create(
    workspace: May<can::ManageWorkspaceTasks>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &workspace.cx;
    let task = body.relationships.task.map(|one| one.of_kind("tasks", "task"));
    let task = task
        .transpose()?
        .flatten()
        .ok_or_else(|| Error::unprocessable("/data/relationships/task", "task is required"))?;
    let task = run_tasks::find(cx, &task).await?;
    let task = cx.check::<can::ReadRunTasks, In<RunTask, Organization>>(task)?;
    let row = workspace_tasks::create(cx, &workspace, &task, change(body.attributes)?).await?;
    Ok(Document::one(&View(row)).created())
}

async fn show(held: May<can::ReadWorkspace, In<WorkspaceTask>>, query: Query) -> Result<Document> {
    let view = View(held.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &held.cx).await
}

async fn update(
    held: May<can::ManageWorkspaceTasks, In<WorkspaceTask>>,
    body: Body<Input>,
) -> Result<Document> {
    let row = workspace_tasks::update(&held.cx, &held, change(body.attributes)?).await?;
    Ok(Document::one(&View(row)))
}

async fn delete(held: May<can::ManageWorkspaceTasks, In<WorkspaceTask>>) -> Result<Empty> {
    workspace_tasks::delete(&held.cx, &held).await?;
    Ok(Empty)
}
