//! Changing run tasks.

use db::entity::run_task;
use serde_json::json;

use super::{Change, request, subject};
use crate::{
    Ctx, Error, Granted, Happened, In, Result, can,
    error::taken,
    row::{Organization, RunTask},
};

/// Changes what is given. One that is to be asked at another address, by another key or from now on is asked for a trial
/// first. Runs that are there already go on with what they were made with.
///
/// # Errors
/// Invalid with a name that another has, and if the service does not answer as it should.
pub async fn update(
    cx: &Ctx,
    held: &Granted<can::ManageRunTasks, In<RunTask, Organization>>,
    change: Change,
) -> Result<RunTask> {
    // What it will be, to be tried before it is kept.
    let mut wanted = held.row.clone();
    let has_new_key = change.hmac_key.is_some();
    change.clone().apply(cx, &mut wanted)?;
    let is_new = has_new_key || wanted.url != held.url || !held.enabled;
    if wanted.enabled && is_new {
        request::verify(cx, &wanted).await?;
    }
    let tx = cx.write().await?;
    let mut row = tx.lock::<run_task::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    change.apply(cx, &mut row)?;
    row.updated_at = tx.now();
    let row = tx.update(row).await.map_err(taken("name"))?;
    let detail = json!({ "name": row.name, "enabled": row.enabled, "global": row.global_enabled });
    tx.emit(Happened::RunTaskUpdated, subject(&row), detail).await?;
    tx.commit().await?;
    Ok(row)
}
