//! Work left for later by [`crate::Tx::later`]: done by the worker, and tried again until it is.

mod deliveries;

use std::time::Duration;

use db::{
    entity::task,
    id::TaskId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select},
};

use serde_json::Value;

pub use deliveries::Deliveries;
pub(crate) use deliveries::{Errand, Went, later};

use crate::{Ctx, Result, Timestamp, Tx};

const AT_ONCE: u64 = 20;
/// Seconds; longer than anything takes.
const LEASE: i64 = 120;
/// Seconds until the next try, by the number of tries so far.
const BACK_OFF: [u64; 5] = [5, 30, 120, 600, 3600];

/// What is due of one kind, the longest first.
async fn due(cx: &Ctx, kind: &str) -> Result<Vec<task::Model>> {
    Ok(query(cx, kind).all(cx.read()).await?)
}

fn query(cx: &Ctx, kind: &str) -> Select<task::Entity> {
    task::Entity::find()
        .filter(task::Column::Kind.eq(kind))
        .filter(task::Column::DueAt.lte(cx.now()))
        .order_by_asc(task::Column::DueAt)
        .order_by_asc(task::Column::Id)
        .limit(AT_ONCE)
}

/// What is due of one kind, for this server alone: another one gets it only if nothing is heard of it for a while. For what
/// should not be done twice.
pub(crate) async fn claim(cx: &Ctx, kind: &str) -> Result<Vec<task::Model>> {
    // Nearly always there is nothing, and then nothing is locked.
    if due(cx, kind).await?.is_empty() {
        return Ok(Vec::new());
    }
    let tx = cx.write().await?;
    let mut claimed = Vec::new();
    for mut row in tx.claim(query(cx, kind)).await? {
        row.due_at = tx.now().plus_seconds(LEASE);
        claimed.push(tx.update(row).await?);
    }
    tx.commit().await?;
    Ok(claimed)
}

/// Whether this is still to be done, now or later.
pub(crate) async fn is_due(cx: &Ctx, kind: &str, payload: &Value) -> Result<bool> {
    let all = task::Entity::find().filter(task::Column::Kind.eq(kind)).all(cx.read()).await?;
    Ok(all.iter().any(|row| row.payload.0 == *payload))
}

/// Not now, for no fault of its own.
pub(crate) async fn put_off(cx: &Ctx, task: &task::Model, seconds: i64) -> Result<()> {
    let tx = cx.write().await?;
    if let Some(mut row) = tx.lock::<task::Entity>(task.id.clone()).await? {
        row.due_at = tx.now().plus_seconds(seconds);
        tx.update(row).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Strikes a task off in the transaction that does it; `false` if somebody else has done so.
pub(crate) async fn strike_off(tx: &Tx, id: &TaskId) -> Result<bool> {
    let Some(row) = tx.lock::<task::Entity>(id.clone()).await? else { return Ok(false) };
    tx.delete(row).await?;
    Ok(true)
}

/// What passes until the next try, by the number of tries so far.
fn back_off(tries: i64) -> Duration {
    let tries = usize::try_from(tries).unwrap_or(usize::MAX);
    Duration::from_secs(BACK_OFF[tries.min(BACK_OFF.len() - 1)])
}

/// Strikes off what was done, and puts off what failed; after so many `tries` it is given up.
pub(crate) async fn settle(
    cx: &Ctx,
    task: &task::Model,
    outcome: Result<(), impl std::fmt::Display>,
    tries: Option<i64>,
) -> Result<()> {
    settle_with(cx, task, outcome, tries, back_off).await
}

/// The same with other pauses between the tries.
async fn settle_with(
    cx: &Ctx,
    task: &task::Model,
    outcome: Result<(), impl std::fmt::Display>,
    tries: Option<i64>,
    pause: impl Fn(i64) -> Duration,
) -> Result<()> {
    let tx = cx.write().await?;
    let Some(mut row) = tx.lock::<task::Entity>(task.id.clone()).await? else { return Ok(()) };
    match outcome {
        Ok(()) => tx.delete(row).await?,
        Err(error) if tries.is_some_and(|tries| row.attempts + 1 >= tries) => {
            tracing::warn!(task = %row.id, kind = row.kind, "is given up: {error}");
            tx.delete(row).await?;
        }
        Err(error) => {
            tracing::warn!(task = %row.id, kind = row.kind, "will be tried again: {error}");
            let pause = pause(row.attempts).as_millis();
            row.attempts += 1;
            row.due_at = Timestamp(tx.now().0 + i64::try_from(pause).unwrap_or_default());
            row.last_error = Some(error.to_string());
            tx.update(row).await?;
        }
    }
    tx.commit().await
}
