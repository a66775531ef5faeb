//! Deleting run tasks.

use db::{
    entity::{run_task, workspace_task},
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};
use serde_json::json;

use super::subject;
use crate::{
    Ctx, Error, Granted, Happened, In, Result, can,
    row::{Organization, RunTask},
};

/// Deletes one that no workspace has: what somebody made mandatory does not go away with a click elsewhere.
///
/// # Errors
/// Conflict while a workspace has it.
pub async fn delete(
    cx: &Ctx,
    held: &Granted<can::ManageRunTasks, In<RunTask, Organization>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<run_task::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    let count = workspace_task::Entity::find()
        .filter(workspace_task::Column::RunTaskId.eq(&row.id))
        .count(tx.db())
        .await?;
    if count > 0 {
        return Err(Error::conflict(format!(
            "The run task is attached to {count} workspaces. Detach it from all of them first."
        )));
    }
    tx.emit(Happened::RunTaskDeleted, subject(&row), json!({ "name": row.name })).await?;
    tx.delete(row).await?;
    tx.commit().await
}
