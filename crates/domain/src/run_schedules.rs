//! Runs of a workspace by the calendar: each time comes once, and of those that were missed only the last.

use db::{
    Locked,
    entity::{
        run,
        run_schedule::{self, Kind},
        workspace,
    },
    id::{RunId, RunScheduleId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect},
};
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, Timestamp, Tx,
    calendar::Pattern,
    can, free_text,
    row::{RunSchedule, Workspace},
    runs::{self, New},
    workspaces,
};

/// How failures of this room are reported.
const CHORE: &str = "scheduled runs";
/// The reason of their runs.
const REASON: &str = "schedule";
/// Of a workspace.
const LIMIT: u64 = 20;
/// Schedules in one go; the rest comes with the next.
const AT_ONCE: u64 = 50;
const MESSAGE_LIMIT: usize = 1000;

/// A schedule with its workspace.
pub async fn find(cx: &Ctx, id: &RunScheduleId) -> Result<Found<In<RunSchedule>>> {
    workspaces::find_in::<run_schedule::Entity>(cx, id, |row| &row.workspace_id).await
}

/// Those of a workspace, the oldest first.
pub async fn list(
    cx: &Ctx,
    workspace: &Granted<can::ReadRun>,
    paging: Paging,
) -> Result<Page<RunSchedule>> {
    let query = run_schedule::Entity::find()
        .filter(run_schedule::Column::WorkspaceId.eq(&workspace.id))
        .order_by_asc(run_schedule::Column::CreatedAt)
        .order_by_asc(run_schedule::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// What is asked for; absent leaves things as they are.
#[derive(Debug, Default)]
pub struct Change {
    pub kind: Option<Kind>,
    pub cron: Option<String>,
    pub time_zone: Option<String>,
    pub message: Option<String>,
    pub enabled: Option<bool>,
}

/// # Errors
/// Invalid for what is no time, and beyond 20 of them.
pub async fn create(
    cx: &Ctx,
    workspace: &Granted<can::UpdateWorkspace>,
    change: Change,
) -> Result<RunSchedule> {
    let required = |what: &str| Error::invalid(what, "is required");
    let mut row = RunSchedule {
        id: RunScheduleId::fresh(),
        workspace_id: workspace.id.clone(),
        kind: change.kind.ok_or_else(|| required("kind"))?,
        cron: change.cron.clone().ok_or_else(|| required("cron"))?,
        time_zone: "UTC".to_owned(),
        message: String::new(),
        enabled: true,
        next_at: None,
        last_at: None,
        last_run_id: None,
        last_error: None,
        created_at: cx.now(),
    };
    change.apply(&mut row, cx.now())?;
    let tx = cx.write().await?;
    // Held, so that the count is still true when the row is in.
    tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    let own =
        run_schedule::Entity::find().filter(run_schedule::Column::WorkspaceId.eq(&workspace.id));
    if own.count(tx.db()).await? >= LIMIT {
        return Err(Error::invalid(
            "cron",
            format!("is one too many: a workspace has at most {LIMIT} schedules"),
        ));
    }
    let row = tx.insert(row).await?;
    let detail = json!({ "kind": row.kind, "cron": row.cron, "time_zone": row.time_zone });
    tx.emit(Happened::RunScheduleCreated, subject(workspace, &row), detail).await?;
    tx.commit().await?;
    Ok(row)
}

/// # Errors
/// As [`create`].
pub async fn update(
    cx: &Ctx,
    schedule: &Granted<can::UpdateWorkspace, In<RunSchedule>>,
    change: Change,
) -> Result<RunSchedule> {
    let tx = cx.write().await?;
    let mut row =
        tx.lock::<run_schedule::Entity>(schedule.id.clone()).await?.ok_or(Error::NotFound)?;
    change.apply(&mut row, tx.now())?;
    let row = tx.update(row).await?;
    let detail = json!({ "kind": row.kind, "cron": row.cron, "time_zone": row.time_zone, "enabled": row.enabled });
    tx.emit(Happened::RunScheduleUpdated, subject(&schedule.of, &row), detail).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn delete(
    cx: &Ctx,
    schedule: &Granted<can::UpdateWorkspace, In<RunSchedule>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<run_schedule::Entity>(schedule.id.clone()).await?.ok_or(Error::NotFound)?;
    tx.emit(Happened::RunScheduleDeleted, subject(&schedule.of, &row), json!({})).await?;
    tx.delete(row).await?;
    tx.commit().await
}

impl Change {
    /// The next time is found anew: what was missed while it was switched off does not come.
    fn apply(self, row: &mut RunSchedule, now: Timestamp) -> Result<()> {
        row.kind = self.kind.unwrap_or(row.kind);
        row.cron = self.cron.unwrap_or_else(|| row.cron.clone());
        row.time_zone = self.time_zone.unwrap_or_else(|| row.time_zone.clone());
        row.message = self.message.unwrap_or_else(|| row.message.clone());
        row.enabled = self.enabled.unwrap_or(row.enabled);
        free_text::line("message", &row.message, MESSAGE_LIMIT)?;
        row.next_at = Pattern::parse(&row.cron, &row.time_zone)?.next_after(now);
        Ok(())
    }
}

fn subject<'a>(workspace: &'a Workspace, row: &'a RunSchedule) -> Subject<'a> {
    Subject { kind: "run-schedules", id: row.id.as_str(), ..workspaces::subject(workspace) }
}

/// A time of a schedule, which a run uses up.
#[derive(Clone, Debug)]
pub struct Due {
    schedule: RunScheduleId,
    at: Timestamp,
}

/// In the transaction that queues the run.
///
/// # Errors
/// Conflict where somebody else has used it up, or it is another one now.
pub(crate) async fn use_up(tx: &Tx, due: &Due, run: &RunId) -> Result<()> {
    let row = still_due(tx, due).await?;
    let mut row =
        row.ok_or_else(|| Error::conflict("The time of the schedule is another one now."))?;
    passed(&mut row, tx.now())?;
    row.last_run_id = Some(run.clone());
    row.last_error = None;
    tx.update(row).await?;
    Ok(())
}

/// The schedule, if this time of it has neither been used up nor changed.
async fn still_due(tx: &Tx, due: &Due) -> Result<Option<Locked<run_schedule::Entity>>> {
    let row = tx.lock::<run_schedule::Entity>(due.schedule.clone()).await?;
    Ok(row.filter(|row| row.enabled && row.next_at == Some(due.at)))
}

/// Its time has come, and those that came before it as well.
fn passed(row: &mut RunSchedule, now: Timestamp) -> Result<()> {
    let pattern = Pattern::parse(&row.cron, &row.time_zone)?;
    row.last_at = pattern.last_by(now).or(row.next_at);
    row.next_at = pattern.next_after(now);
    Ok(())
}

/// Queues the runs whose time has come. Safe to repeat, and for several servers at once.
pub async fn queue_due(cx: &Ctx) -> Result<()> {
    let due: Vec<RunSchedule> = run_schedule::Entity::find()
        .filter(run_schedule::Column::Enabled.eq(true))
        .filter(run_schedule::Column::NextAt.lte(cx.now()))
        .order_by_asc(run_schedule::Column::NextAt)
        .limit(AT_ONCE)
        .all(cx.read())
        .await?;
    for row in due {
        let queued = Box::pin(queue_one(cx, &row)).await;
        cx.troubles().settle(CHORE, row.id.as_str(), queued, cx.now());
    }
    Ok(())
}

async fn queue_one(cx: &Ctx, row: &RunSchedule) -> Result<()> {
    let (Some(at), Some(workspace)) =
        (row.next_at, workspaces::by_id(cx, &row.workspace_id).await?)
    else {
        return Ok(());
    };
    let due = Due { schedule: row.id.clone(), at };
    if let Some(id) = &row.last_run_id
        && let Some(last) = run::Entity::find_by_id(id.clone()).one(cx.read()).await?
        && !last.is_final
    {
        let why = format!("The run {id} of the time before is not over yet.");
        return fail(cx, &workspace, &due, &why).await;
    }
    let message = match row.message.as_str() {
        "" => format!("Queued by a schedule ({}, {})", row.cron, row.time_zone),
        own => own.to_owned(),
    };
    let new = New {
        message: Some(message),
        plan_only: Some(row.kind == Kind::Plan),
        refresh_only: row.kind == Kind::RefreshOnly,
        auto_apply: Some(row.kind == Kind::Apply),
        trigger_reason: Some(REASON.to_owned()),
        due: Some(due.clone()),
        ..New::default()
    };
    let granted = cx.check::<can::QueueRun, _>(Found::new(workspace.clone()))?;
    match runs::create(cx, &granted, new).await {
        Ok(_) => Ok(()),
        Err(error) if !error.is_refusal() => Err(error),
        Err(refusal) => fail(cx, &workspace, &due, &refusal.to_string()).await,
    }
}

/// Uses up a time of which nothing came, unless it is another one by now.
async fn fail(cx: &Ctx, workspace: &Workspace, due: &Due, why: &str) -> Result<()> {
    let tx = cx.write().await?;
    let Some(mut row) = still_due(&tx, due).await? else { return Ok(()) };
    passed(&mut row, tx.now())?;
    row.last_error = Some(why.to_owned());
    let row = tx.update(row).await?;
    let detail = json!({ "reason": why });
    tx.emit(Happened::RunScheduleFailed, subject(workspace, &row), detail).await?;
    tx.commit().await
}
