//! Moving a run from one status to the next, with all that goes with it: timestamps, its phases, the workspace's
//! lock, the event.

use std::time::Duration;

use db::{
    Json, Locked,
    entity::{configuration_version, job, phase, run},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use serde_json::json;

use super::{
    circumstances,
    held::Held,
    performance,
    status::{self, Event, Purpose},
    turns,
};
use crate::{
    Change, Error, Happened, Result, Subject, Timestamp, Tx,
    id::RunId,
    locks,
    row::{Run, Workspace},
    task_stages,
    workspaces::ConfirmationRule,
};

pub(crate) fn purpose(run: &Run) -> Purpose {
    Purpose {
        plan_only: run.plan_only,
        save_plan: run.save_plan,
        allow_empty_apply: run.allow_empty_apply,
    }
}

pub(crate) fn subject(run: &Run) -> Subject<'_> {
    Subject {
        kind: "runs",
        id: run.id.as_str(),
        organization: Some(&run.organization_name),
        workspace: Some(&run.workspace_id),
        run: Some(&run.id),
    }
}

/// Whether a planned run waits for nobody.
pub(crate) fn goes_on_by_itself(workspace: &Workspace, run: &Run) -> bool {
    let wants_nobody = run.auto_apply || (run.allow_empty_apply && !run.has_changes);
    wants_nobody && !ConfirmationRule::of(workspace).is_strict()
}

/// The command line notices the end of a plan this late: it rests for up to 2 s between two looks at the log
/// (CLI protocol 4.2), then asks some more.
const NOTICED_AFTER: Duration = Duration::from_secs(3);

/// For how long yet the command line may not know that a plan, which nobody has to confirm, is over. Of a run that has
/// failed by then it shows neither what came after the plan nor the error.
pub(crate) fn unnoticed_for(run: &Run, now: Timestamp) -> Duration {
    let planned = run.status_timestamps.get("planned-at").filter(|_| run.auto_apply);
    planned.map_or(Duration::ZERO, |planned| {
        let since = u64::try_from(now.0 - planned.0).unwrap_or_default();
        NOTICED_AFTER.saturating_sub(Duration::from_millis(since))
    })
}

/// Lets an event happen to a run; [`super::held::Held`] does it for everybody else.
///
/// # Errors
/// Conflict where it cannot happen in the run's status.
pub(super) async fn happen(
    tx: &mut Tx,
    workspace: &mut Workspace,
    run: &mut Run,
    event: Event,
) -> Result<()> {
    let next = status::next(run.status, event, purpose(run)).ok_or_else(|| {
        Error::conflict(format!("The run is {}, which does not allow this.", run.status))
    })?;
    if next == run.status {
        return Ok(());
    }
    run.status = next;
    run.updated_at = tx.now();
    if !event.leads_back() {
        for reached in status::passed_through(event, next).into_iter().chain([next]) {
            run.status_timestamps.insert(status::timestamp_key(reached), tx.now());
        }
    }
    tx.note(Change::RunBecame { status: next.to_string() });
    let detail = json!({ "goes_on_by_itself": goes_on_by_itself(workspace, run) });
    let happened = match event {
        Event::ApplyPutBack => Happened::RunApplyPutBack,
        _ => Happened::from(next),
    };
    tx.emit(happened, subject(run), detail).await?;
    let has_its_turn = matches!(event, Event::Begun(_) | Event::PlanQueued | Event::ApplyQueued);
    if has_its_turn && turns::takes_turn(run) {
        locks::give_to_run(tx, workspace, &run.id);
        make_current(workspace, run);
    }
    if event == Event::Confirmed {
        make_configuration_current(tx, workspace, run).await?;
    }
    if workspace.current_run_id.as_ref() == Some(&run.id) {
        make_current(workspace, run);
    }
    if workspace.latest_run_id.as_ref() == Some(&run.id) {
        make_latest(workspace, run);
    }
    if status::is_final(next) {
        end(tx, workspace, run).await?;
    }
    let gives_way = matches!(event, Event::YesWithdrawn(_)) && run.save_plan;
    if gives_way {
        locks::take_from_run(workspace, &run.id);
    }
    if status::is_final(next) || gives_way || (event == Event::Confirmed && run.save_plan) {
        turns::settle(tx, workspace, Some(run)).await?;
    }
    Ok(())
}

/// Makes this the workspace's current run, or says anew what lists show of it.
pub(crate) fn make_current(workspace: &mut Workspace, run: &Run) {
    workspace.current_run_id = Some(run.id.clone());
    workspace.current_run_status = Some(run.status);
    workspace.current_run_created_at = Some(run.created_at);
}

/// Makes this the workspace's latest run, or says anew what lists ask of it.
pub(crate) fn make_latest(workspace: &mut Workspace, run: &Run) {
    workspace.latest_run_id = Some(run.id.clone());
    workspace.latest_plan_status = run.plan_only.then_some(run.status);
}

/// A provisional configuration becomes the workspace's own once its run is confirmed.
async fn make_configuration_current(tx: &Tx, workspace: &mut Workspace, run: &Run) -> Result<()> {
    let Some(id) = &run.configuration_version_id else { return Ok(()) };
    let configuration = configuration_version::Entity::find_by_id(id.clone()).one(tx.db()).await?;
    if configuration.is_some_and(|row| row.provisional) {
        workspace.current_configuration_id = Some(id.clone());
    }
    Ok(())
}

/// The run is over: nothing of it stays open, so that no command line waits for ever.
async fn end(tx: &Tx, workspace: &mut Workspace, run: &mut Run) -> Result<()> {
    run.is_final = true;
    for open in phase::Entity::find()
        .filter(phase::Column::RunId.eq(&run.id))
        .all(tx.db())
        .await?
        .into_iter()
        .filter(|phase| !is_over(phase.status))
    {
        if let Some(mut phase) = tx.lock::<phase::Entity>(open.id).await? {
            let ended = if phase.status == phase::Status::Running {
                match run.status {
                    run::Status::Canceled => phase::Status::Canceled,
                    _ => phase::Status::Errored,
                }
            } else {
                phase::Status::Unreachable
            };
            set_phase(tx, &mut phase, ended);
            tx.update(phase).await?;
        }
    }
    // Whoever still works on it is told that it is gone.
    for open in job::Entity::find()
        .filter(job::Column::RunId.eq(&run.id))
        .filter(job::Column::Status.is_not_in([job::Status::Concluded, job::Status::Finished]))
        .all(tx.db())
        .await?
    {
        if let Some(mut job) = tx.lock::<job::Entity>(open.id).await? {
            job.status = job::Status::Finished;
            tx.update(job).await?;
        }
    }
    task_stages::end(tx, run).await?;
    circumstances::forget(tx, &run.id).await?;
    locks::take_from_run(workspace, &run.id);
    if performance::counts(run.status) {
        workspace.performance = Json(performance::measure(tx, run).await?);
    }
    Ok(())
}

pub(crate) fn is_over(status: phase::Status) -> bool {
    use phase::Status as S;
    matches!(status, S::Finished | S::Errored | S::Canceled | S::Unreachable)
}

/// Sets a phase's status and notes when.
pub(crate) fn set_phase(tx: &Tx, phase: &mut phase::Model, status: phase::Status) {
    phase.status = status;
    let key = match status {
        phase::Status::Running => "started-at".to_owned(),
        other => format!("{other}-at"),
    };
    if let Some(started) = phase.status_timestamps.get("started-at").filter(|_| is_over(status)) {
        let seconds = Duration::from_millis(u64::try_from(tx.now().0 - started.0).unwrap_or(0));
        tx.note(Change::PhaseEnded {
            phase: phase.kind.to_string(),
            status: status.to_string(),
            seconds: seconds.as_secs_f64(),
        });
    }
    phase.status_timestamps.insert(key, tx.now());
}

/// Ends a run that cannot go on, saying why in the log of the phase that it was in.
pub(crate) async fn fail(held: &mut Held, kind: phase::Kind, message: &str) -> Result<()> {
    let tx = held.tx();
    if let Some(mut phase) = phase_of(tx, &held.id, kind).await? {
        phase.message = Some(message.to_owned());
        if !is_over(phase.status) {
            set_phase(tx, &mut phase, phase::Status::Errored);
        }
        tx.update(phase).await?;
    }
    held.happen(Event::Failed).await
}

pub(crate) async fn phase_of(
    tx: &Tx,
    run: &RunId,
    kind: phase::Kind,
) -> Result<Option<Locked<phase::Entity>>> {
    let found = phase::Entity::find()
        .filter(phase::Column::RunId.eq(run))
        .filter(phase::Column::Kind.eq(kind))
        .one(tx.db())
        .await?;
    match found {
        Some(phase) => Ok(tx.lock::<phase::Entity>(phase.id).await?),
        None => Ok(None),
    }
}
