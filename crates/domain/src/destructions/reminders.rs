//! Telling people of a scheduled destruction before it comes, a day and half a day ahead (HCP's documentation,
//! "Workspace notifications"). What is scheduled for an earlier time than that needs no reminder.

use db::{
    entity::workspace::{self, Column},
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
        sea_query::ExprTrait,
    },
};
use serde_json::json;

use super::AT_ONCE;
use crate::{Ctx, Happened, Result, Timestamp, workspaces};

/// Milliseconds before the time of destruction.
const AHEAD: [i64; 2] = [24 * 60 * 60 * 1000, 12 * 60 * 60 * 1000];

/// Whose reminder has come since the last one.
fn due(now: Timestamp) -> Condition {
    AHEAD.into_iter().fold(Condition::any(), |any, ahead| {
        let moment = || Expr::col(Column::AutoDestroyAt).sub(ahead);
        any.add(
            Condition::all()
                .add(moment().lte(now.0))
                .add(moment().gt(Expr::col(Column::AutoDestroyRemindedAt))),
        )
    })
}

/// Writes the reminders down that are due. Safe to repeat, and for several servers at once.
pub async fn remind_due(cx: &Ctx) -> Result<()> {
    let now = cx.now();
    let due = workspace::Entity::find()
        .filter(Column::AutoDestroyAt.gt(now))
        .filter(due(now))
        .order_by_asc(Column::AutoDestroyAt)
        .limit(AT_ONCE)
        .all(cx.read())
        .await?;
    for found in due {
        let tx = cx.write().await?;
        let Some(mut row) = tx.lock::<workspace::Entity>(found.id.clone()).await? else { continue };
        // Another server was faster, or somebody has chosen another time.
        if row.auto_destroy_reminded_at != found.auto_destroy_reminded_at
            || row.auto_destroy_at != found.auto_destroy_at
        {
            continue;
        }
        row.auto_destroy_reminded_at = Some(now);
        let row = tx.update(row).await?;
        let detail = json!({ "at": row.auto_destroy_at });
        tx.emit(Happened::WorkspaceAutoDestroyReminded, workspaces::subject(&row), detail).await?;
        tx.commit().await?;
    }
    Ok(())
}
