//! Scheduled destructions: who is told of those to come, and how those that are due become runs.

mod reminders;

use db::{
    entity::{
        run,
        workspace::{self, AutoDestroy},
    },
    id::WorkspaceId,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect},
};
use serde_json::json;

pub use reminders::remind_due;

use crate::{
    Ctx, Error, Found, Happened, Result, can,
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
        Some(workspace) => destroy(cx, workspace).await,
        None => Ok(()),
    }
}

async fn destroy(cx: &Ctx, workspace: Workspace) -> Result<()> {
    let Some(at) = workspace.auto_destroy_at else { return Ok(()) };
    // Queued a moment ago, by a server that stopped before it could note so.
    let queued = run::Entity::find()
        .filter(run::Column::WorkspaceId.eq(&workspace.id))
        .filter(run::Column::TriggerReason.eq(REASON))
        .filter(run::Column::CreatedAt.gte(at))
        .count(cx.read())
        .await?;
    let refusal = if queued > 0 {
        None
    } else {
        let granted = cx.check::<can::QueueRun, _>(Found::new(workspace.clone()))?;
        let new = New {
            message: Some("Destroyed as scheduled".into()),
            is_destroy: true,
            auto_apply: Some(true),
            trigger_reason: Some(REASON.into()),
            ..New::default()
        };
        match runs::create(cx, &granted, new).await {
            Ok(_) => None,
            Err(Error::Internal(error)) => return Err(Error::Internal(error)),
            Err(refusal) => Some(refusal.to_string()),
        }
    };
    let tx = cx.write().await?;
    let Some(mut row) = tx.lock::<workspace::Entity>(workspace.id.clone()).await? else {
        return Ok(());
    };
    // Somebody has given it another time meanwhile, which then holds.
    if row.auto_destroy_at == Some(at) {
        row.auto_destroy_at = None;
    }
    row.auto_destroy_status =
        Some(if refusal.is_some() { AutoDestroy::Errored } else { AutoDestroy::Queued });
    let row = tx.update(row).await?;
    let (action, detail) = match refusal {
        None => (Happened::WorkspaceAutoDestroyQueued, json!({})),
        Some(why) => (Happened::WorkspaceAutoDestroyFailed, json!({ "reason": why })),
    };
    tx.emit(action, workspaces::subject(&row), detail).await?;
    tx.commit().await
}
