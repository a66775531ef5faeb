//! Which run tasks a workspace has, in which stages of its runs they are asked, and what follows from what they say.

use db::{
    Json,
    entity::{
        run_task::{self, Enforcement},
        task_stage::Stage,
        workspace,
        workspace_task::{self, Column},
    },
    id::{RunTaskId, WorkspaceId, WorkspaceTaskId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, can,
    row::{Organization, RunTask, Workspace, WorkspaceTask},
    run_tasks::check_stages,
    workspaces,
};

/// What can be given on create and changed later; absent fields keep their value.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub stages: Option<Vec<Stage>>,
    pub enforcement_level: Option<Enforcement>,
}

impl Change {
    fn apply(self, to: &mut WorkspaceTask) -> Result<()> {
        if let Some(stages) = self.stages {
            to.stages = Json(check_stages("stages", stages)?);
        }
        if to.stages.is_empty() {
            return Err(Error::invalid("stages", "can't be blank"));
        }
        to.enforcement_level = self.enforcement_level.unwrap_or(to.enforcement_level);
        Ok(())
    }
}

/// One, with its workspace.
pub async fn find(cx: &Ctx, id: &WorkspaceTaskId) -> Result<Found<In<WorkspaceTask>>> {
    workspaces::find_in::<workspace_task::Entity>(cx, id, |row| &row.workspace_id).await
}

/// The same in the workspace that it has to be in.
pub async fn find_in(
    cx: &Ctx,
    workspace: &WorkspaceId,
    id: &WorkspaceTaskId,
) -> Result<Found<In<WorkspaceTask>>> {
    let found = find(cx, id).await?.into_unchecked();
    if found.of.id == *workspace { Ok(Found::new(found)) } else { Err(Error::NotFound) }
}

/// Those of a workspace, the oldest first.
pub async fn list(
    cx: &Ctx,
    workspace: &Granted<can::ReadWorkspace>,
    paging: Paging,
) -> Result<Page<WorkspaceTask>> {
    let query = workspace_task::Entity::find()
        .filter(Column::WorkspaceId.eq(&workspace.id))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// Where these run tasks are asked, as far as the caller may see the workspaces.
pub async fn of_tasks(cx: &Ctx, tasks: &[RunTaskId]) -> Result<Vec<WorkspaceTask>> {
    let rows = workspace_task::Entity::find()
        .filter(Column::RunTaskId.is_in(tasks))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(cx.read())
        .await?;
    visible(cx, rows).await
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[WorkspaceTaskId]) -> Result<Vec<WorkspaceTask>> {
    let query = workspace_task::Entity::find().filter(Column::Id.is_in(ids));
    visible(cx, query.all(cx.read()).await?).await
}

async fn visible(cx: &Ctx, mut rows: Vec<WorkspaceTask>) -> Result<Vec<WorkspaceTask>> {
    let ids: Vec<WorkspaceId> = rows.iter().map(|row| row.workspace_id.clone()).collect();
    let readable = workspaces::load(cx, &ids).await?;
    rows.retain(|row| readable.iter().any(|workspace| workspace.id == row.workspace_id));
    Ok(rows)
}

/// Has a run task asked about the runs of a workspace that are made from now on; after their plans, unless it is said.
///
/// # Errors
/// Invalid without a level, and for a run task that the workspace has already; NotFound for one of another organization.
pub async fn create(
    cx: &Ctx,
    workspace: &Granted<can::ManageWorkspaceTasks>,
    task: &Granted<can::ReadRunTasks, In<RunTask, Organization>>,
    change: Change,
) -> Result<WorkspaceTask> {
    if task.organization_name != workspace.organization_name {
        return Err(Error::NotFound);
    }
    if change.enforcement_level.is_none() {
        return Err(Error::invalid("enforcement-level", "can't be blank"));
    }
    let tx = cx.write().await?;
    tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    tx.lock::<run_task::Entity>(task.id.clone()).await?.ok_or(Error::NotFound)?;
    let mut new = WorkspaceTask {
        id: WorkspaceTaskId::fresh(),
        workspace_id: workspace.id.clone(),
        run_task_id: task.id.clone(),
        stages: Json(vec![Stage::PostPlan]),
        enforcement_level: Enforcement::Advisory,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    change.apply(&mut new)?;
    let taken = |error| match error {
        db::Error::Taken(_) => {
            Error::invalid_relation("task", "The workspace has this run task already.")
        }
        other => other.into(),
    };
    let row = tx.insert(new).await.map_err(taken)?;
    let detail = detail(&row, &task.name);
    tx.emit(Happened::WorkspaceTaskCreated, subject(workspace, &row), detail).await?;
    tx.commit().await?;
    Ok(row)
}

/// Changes what is given, for runs that are made from now on.
pub async fn update(
    cx: &Ctx,
    held: &Granted<can::ManageWorkspaceTasks, In<WorkspaceTask>>,
    change: Change,
) -> Result<WorkspaceTask> {
    let name = name(cx, &held.run_task_id).await?;
    let tx = cx.write().await?;
    let mut row =
        tx.lock::<workspace_task::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    change.apply(&mut row)?;
    row.updated_at = tx.now();
    let row = tx.update(row).await?;
    let detail = detail(&row, &name);
    tx.emit(Happened::WorkspaceTaskUpdated, subject(&held.of, &row), detail).await?;
    tx.commit().await?;
    Ok(row)
}

/// Takes a run task away from a workspace.
pub async fn delete(
    cx: &Ctx,
    held: &Granted<can::ManageWorkspaceTasks, In<WorkspaceTask>>,
) -> Result<()> {
    let name = name(cx, &held.run_task_id).await?;
    let tx = cx.write().await?;
    let row = tx.lock::<workspace_task::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    let detail = detail(&row, &name);
    tx.emit(Happened::WorkspaceTaskDeleted, subject(&held.of, &row), detail).await?;
    tx.delete(row).await?;
    tx.commit().await
}

async fn name(cx: &Ctx, task: &RunTaskId) -> Result<String> {
    let row = run_task::Entity::find_by_id(task.clone()).one(cx.read()).await?;
    row.map(|row| row.name).ok_or(Error::NotFound)
}

fn detail(row: &WorkspaceTask, name: &str) -> serde_json::Value {
    json!({
        "name": name, "task": row.run_task_id,
        "stages": row.stages, "enforcement_level": row.enforcement_level,
    })
}

fn subject<'a>(workspace: &'a Workspace, row: &'a WorkspaceTask) -> Subject<'a> {
    Subject { kind: "workspace-tasks", id: row.id.as_str(), ..workspaces::subject(workspace) }
}
