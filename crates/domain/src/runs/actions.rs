//! What people do to a run: confirm, discard, cancel, force.

use db::{
    entity::{
        job,
        run::{self, Cancel},
        workspace,
    },
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect},
};
use serde_json::json;

use super::{
    comments, confirmations,
    held::Held,
    moves::subject,
    status::{self, Event},
};
use crate::{
    Ctx, Error, Granted, Happened, In, Result, Site, Tx, can, id::RunId, row::Run,
    workspaces::ConfirmationRule,
};

async fn keep(held: Held, comment: Option<String>) -> Result<()> {
    if let Some(body) = comment {
        comments::write(held.tx(), &held, body).await?;
    }
    held.commit().await?;
    Ok(())
}

/// Confirms a run that waits for it, or counts the yes where more than one is needed.
///
/// # Errors
/// Conflict if it does not; see [`confirmations::count`] where several people are asked.
pub async fn apply(
    cx: &Ctx,
    run: &Granted<can::ApplyRun, In<Run>>,
    comment: Option<String>,
) -> Result<()> {
    let comment = comments::with_action(comment)?;
    let mut held = Held::lock(cx, run).await?;
    if ConfirmationRule::of(held.workspace()).is_strict()
        && !confirmations::count(cx, &held).await?
    {
        return keep(held, comment).await;
    }
    held.happen(Event::Confirmed).await?;
    held.confirmed_by_id = cx.actor().user_id();
    keep(held, comment).await
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
    let mut held = Held::lock(cx, run).await?;
    held.happen(Event::Discarded).await?;
    keep(held, comment).await
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
    let mut run = Held::lock(cx, run).await?;
    if !status::is_cancelable(run.status) || run.cancel != Cancel::No {
        return Err(Error::conflict(format!(
            "The run is {} and cannot be canceled.",
            if run.cancel == Cancel::No { run.status.as_str() } else { "being canceled" }
        )));
    }
    run.canceled_by_id = cx.actor().user_id();
    let now = run.tx().now();
    run.canceled_at = Some(now);
    // Also where it ends at once: clients wait for the time, whatever they have canceled.
    run.force_cancel_available_at = Some(now.plus_seconds(cx.settings().force_cancel_after));
    if is_at_work(run.tx(), &run).await? {
        run.cancel = Cancel::Graceful;
        run.tx().emit(Happened::RunCancelRequested, subject(&run), json!({})).await?;
    } else {
        run.happen(Event::Canceled).await?;
    }
    keep(run, comment).await
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
    let mut run = Held::lock(cx, run).await?;
    if !may_force_cancel(&run, run.tx().now()) {
        return Err(Error::conflict(
            "A run can be force-canceled once it was canceled and its cool-off period is over.",
        ));
    }
    kill(&mut run).await?;
    keep(run, comment).await
}

/// The same for administrators of the site, who wait for no cancel before it: for what does not go on any more.
///
/// # Errors
/// Conflict for a run that is over or was canceled by force already.
pub async fn force_cancel_of_site(
    cx: &Ctx,
    run: &Granted<can::ManageSite, In<In<Run>, Site>>,
    comment: Option<String>,
) -> Result<()> {
    let comment = comments::with_action(comment)?;
    let mut run = Held::lock(cx, run).await?;
    if run.is_final || run.cancel == Cancel::Force {
        return Err(Error::conflict("The run is over, or was canceled by force already."));
    }
    if run.canceled_at.is_none() {
        run.canceled_by_id = cx.actor().user_id();
        run.canceled_at = Some(run.tx().now());
    }
    kill(&mut run).await?;
    keep(run, comment).await
}

async fn kill(run: &mut Held) -> Result<()> {
    let now = run.tx().now();
    run.cancel = Cancel::Force;
    run.status_timestamps.insert("force-canceled-at".into(), now);
    run.tx().emit(Happened::RunForceCanceled, subject(run), json!({})).await?;
    if !is_at_work(run.tx(), run).await? {
        run.happen(Event::Canceled).await?;
    }
    Ok(())
}

/// Discards what the workspace waits for, so that this pending run comes next.
///
/// # Errors
/// Forbidden if the run is not pending or no run holds the workspace; Conflict if the one that does is under way
/// (resource dictionary, "Actions").
pub async fn force_execute(cx: &Ctx, run: &Granted<can::ForceExecuteRun, In<Run>>) -> Result<()> {
    let held = Held::lock(cx, run).await?;
    let workspace = held.workspace();
    let blocking = workspace
        .lock_holder_id
        .clone()
        .filter(|_| workspace.lock_kind == Some(workspace::LockKind::Run))
        .and_then(|id| id.parse::<RunId>().ok());
    let (run::Status::Pending, Some(blocking)) = (held.status, blocking) else {
        return Err(Error::Forbidden(
            "Only a pending run that waits for another run can be force-executed.".into(),
        ));
    };
    // Runs that were queued before this one give way as well.
    let earlier: Vec<RunId> = run::Entity::find()
        .select_only()
        .column(run::Column::Id)
        .filter(run::Column::WorkspaceId.eq(&held.workspace_id))
        .filter(run::Column::Status.eq(run::Status::Pending))
        .filter(run::Column::PlanOnly.eq(false))
        .filter(run::Column::Number.lt(held.number))
        .into_tuple()
        .all(held.tx().db())
        .await?;
    let mut floor = held.leave().await?;
    for id in std::iter::once(blocking).chain(earlier) {
        let mut other = floor.hold(&id).await?;
        other.happen(Event::Discarded).await?;
        floor = other.leave().await?;
    }
    floor.commit().await?;
    Ok(())
}
