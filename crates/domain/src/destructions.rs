//! Scheduled destructions: who is told of those to come, and how those that are due become runs.

mod reminders;

use db::{
    entity::workspace::{self, AutoDestroy},
    id::WorkspaceId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use serde_json::json;

pub use reminders::remind_due;

use crate::{
    Ctx, Found, Happened, Result, Timestamp, can,
    row::Workspace,
    runs::{self, New},
    workspaces::{self, auto_destroy::REASON},
};

/// Workspaces in one go; the rest comes with the next.
const AT_ONCE: u64 = 50;

/// Queues the destroy runs whose time has come. Safe to repeat, and for several servers at once.
pub async fn destroy_due(cx: &Ctx) -> Result<()> {
    let due: Vec<WorkspaceId> = workspace::Entity::find()
        .select_only()
        .column(workspace::Column::Id)
        .filter(workspace::Column::AutoDestroyAt.lte(cx.now()))
        .order_by_asc(workspace::Column::AutoDestroyAt)
        .limit(AT_ONCE)
        .into_tuple()
        .all(cx.read())
        .await?;
    for id in due {
        let destroyed = Box::pin(destroy_one(cx, &id)).await;
        cx.troubles().settle("scheduled destructions", id.as_str(), destroyed, cx.now());
    }
    Ok(())
}

async fn destroy_one(cx: &Ctx, id: &WorkspaceId) -> Result<()> {
    match workspaces::by_id(cx, id).await? {
        Some(workspace) => Box::pin(destroy(cx, workspace)).await,
        None => Ok(()),
    }
}

async fn destroy(cx: &Ctx, workspace: Workspace) -> Result<()> {
    let Some(at) = workspace.auto_destroy_at else { return Ok(()) };
    let id = workspace.id.clone();
    let granted = cx.check::<can::QueueRun, _>(Found::new(workspace))?;
    let new = New {
        message: Some("Destroyed as scheduled".into()),
        is_destroy: true,
        auto_apply: Some(true),
        trigger_reason: Some(REASON.into()),
        scheduled_for: Some(at),
        ..New::default()
    };
    match runs::create(cx, &granted, new).await {
        Ok(_) => Ok(()),
        Err(error) if !error.is_refusal() => Err(error),
        Err(refusal) => fail(cx, id, at, &refusal.to_string()).await,
    }
}

/// Uses up a time that nothing came of, unless it is another one by now, or another server has used it.
async fn fail(cx: &Ctx, id: WorkspaceId, at: Timestamp, why: &str) -> Result<()> {
    let tx = cx.write().await?;
    let Some(mut row) = tx.lock::<workspace::Entity>(id).await? else { return Ok(()) };
    if row.auto_destroy_at != Some(at) {
        return Ok(());
    }
    row.auto_destroy_at = None;
    row.auto_destroy_status = Some(AutoDestroy::Errored);
    let row = tx.update(row).await?;
    let detail = json!({ "reason": why });
    tx.emit(Happened::WorkspaceAutoDestroyFailed, workspaces::subject(&row), detail).await?;
    tx.commit().await
}
