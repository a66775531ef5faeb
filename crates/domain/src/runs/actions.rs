//! What people do to a run: confirm, discard, cancel, force.

use db::{
    Locked,
    entity::{
        job,
        run::{self, Cancel},
        workspace,
    },
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use serde_json::json;

use super::{
    comments,
    moves::{self, happen, subject},
    status::{self, Event},
};
use crate::{Ctx, Error, Granted, In, Result, Tx, can, row::Run};

async fn locked(
    cx: &Ctx,
    run: &Run,
) -> Result<(Tx, Locked<workspace::Entity>, Locked<run::Entity>)> {
    let tx = cx.write().await?;
    let (workspace, run) = moves::lock(&tx, run).await?;
    Ok((tx, workspace, run))
}

async fn keep(
    tx: Tx,
    workspace: Locked<workspace::Entity>,
    run: Locked<run::Entity>,
    comment: Option<String>,
) -> Result<()> {
    let run = tx.update(run).await?;
    tx.update(workspace).await?;
    if let Some(body) = comment {
        comments::write(&tx, &run, body).await?;
    }
    tx.commit().await
}

/// Confirms a run that waits for it.
///
/// # Errors
/// Conflict if it does not.
pub async fn apply(
    cx: &Ctx,
    run: &Granted<can::ApplyRun, In<Run>>,
    comment: Option<String>,
) -> Result<()> {
    let comment = comments::with_action(comment)?;
    let (mut tx, mut workspace, mut run) = locked(cx, run).await?;
    happen(&mut tx, &mut workspace, &mut run, Event::Confirmed).await?;
    run.confirmed_by_id = cx.actor().user_id();
    keep(tx, workspace, run, comment).await
}

/// Gives up a run that waits.
///
/// # Errors
/// Conflict if it is under way or over.
pub async fn discard(
    cx: &Ctx,
    run: &Granted<can::DiscardRun, In<Run>>,
    comment: Option<String>,
) -> Result<()> {
    let comment = comments::with_action(comment)?;
    let (mut tx, mut workspace, mut run) = locked(cx, run).await?;
    happen(&mut tx, &mut workspace, &mut run, Event::Discarded).await?;
    keep(tx, workspace, run, comment).await
}

/// Stops a run: at once where nothing has begun, otherwise by asking the engine to stop.
///
/// # Errors
/// Conflict if it waits for a decision (then it is discarded instead), was canceled already or is over.
pub async fn cancel(
    cx: &Ctx,
    run: &Granted<can::CancelRun, In<Run>>,
    comment: Option<String>,
) -> Result<()> {
    let comment = comments::with_action(comment)?;
    let (mut tx, mut workspace, mut run) = locked(cx, run).await?;
    if !status::is_cancelable(run.status) || run.cancel != Cancel::No {
        return Err(Error::conflict(format!(
            "The run is {} and cannot be canceled.",
            if run.cancel == Cancel::No { run.status.as_str() } else { "being canceled" }
        )));
    }
    run.canceled_by_id = cx.actor().user_id();
    run.canceled_at = Some(tx.now());
    if is_at_work(&tx, &run).await? {
        run.cancel = Cancel::Graceful;
        run.force_cancel_available_at =
            Some(tx.now().plus_seconds(cx.settings().force_cancel_after));
        tx.emit("run_cancel_requested", subject(&run), json!({})).await?;
    } else {
        happen(&mut tx, &mut workspace, &mut run, Event::Canceled).await?;
    }
    keep(tx, workspace, run, comment).await
}

/// Whether an engine may be running for it.
async fn is_at_work(tx: &Tx, run: &Run) -> Result<bool> {
    let started = job::Entity::find()
        .filter(job::Column::RunId.eq(&run.id))
        .filter(job::Column::Status.eq(job::Status::Started))
        .one(tx.db())
        .await?;
    Ok(started.is_some())
}

/// Whether a forced cancel would be taken now.
pub fn may_force_cancel(run: &Run, now: crate::Timestamp) -> bool {
    !run.is_final
        && run.cancel == Cancel::Graceful
        && run.force_cancel_available_at.is_some_and(|at| at <= now)
}

/// Has the engine killed, once a cancel has had its time. The agent still saves the state that is there.
///
/// # Errors
/// Conflict before a cancel, and before its cool-off is over.
pub async fn force_cancel(
    cx: &Ctx,
    run: &Granted<can::ForceCancelRun, In<Run>>,
    comment: Option<String>,
) -> Result<()> {
    let comment = comments::with_action(comment)?;
    let (mut tx, mut workspace, mut run) = locked(cx, run).await?;
    if !may_force_cancel(&run, tx.now()) {
        return Err(Error::conflict(
            "A run can be force-canceled once it was canceled and its cool-off period is over.",
        ));
    }
    run.cancel = Cancel::Force;
    run.status_timestamps.insert("force-canceled-at".into(), tx.now());
    tx.emit("run_force_canceled", subject(&run), json!({})).await?;
    if !is_at_work(&tx, &run).await? {
        happen(&mut tx, &mut workspace, &mut run, Event::Canceled).await?;
    }
    keep(tx, workspace, run, comment).await
}

/// Discards what the workspace waits for, so that this pending run comes next.
///
/// # Errors
/// Forbidden if the run is not pending or no run holds the workspace; Conflict if the one that does is under way
/// (resource dictionary, "Actions").
pub async fn force_execute(cx: &Ctx, run: &Granted<can::ForceExecuteRun, In<Run>>) -> Result<()> {
    let (mut tx, mut workspace, row) = locked(cx, run).await?;
    let blocking = workspace
        .lock_holder_id
        .clone()
        .filter(|_| workspace.lock_kind == Some(workspace::LockKind::Run))
        .and_then(|id| id.parse::<crate::id::RunId>().ok());
    let (run::Status::Pending, Some(blocking)) = (row.status, blocking) else {
        return Err(Error::Forbidden(
            "Only a pending run that waits for another run can be force-executed.".into(),
        ));
    };
    let mut other = tx.lock::<run::Entity>(blocking).await?.ok_or(Error::NotFound)?;
    happen(&mut tx, &mut workspace, &mut other, Event::Discarded).await?;
    tx.update(other).await?;
    // Runs that were queued before this one give way as well.
    for earlier in run::Entity::find()
        .filter(run::Column::WorkspaceId.eq(&row.workspace_id))
        .filter(run::Column::Status.eq(run::Status::Pending))
        .filter(run::Column::PlanOnly.eq(false))
        .filter(run::Column::Number.lt(row.number))
        .all(tx.db())
        .await?
    {
        if let Some(mut earlier) = tx.lock::<run::Entity>(earlier.id).await? {
            happen(&mut tx, &mut workspace, &mut earlier, Event::Discarded).await?;
            tx.update(earlier).await?;
        }
    }
    keep(tx, workspace, row, None).await
}
