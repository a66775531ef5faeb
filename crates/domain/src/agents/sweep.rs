//! What becomes of jobs whose agents are not heard of any more.

use db::{
    StatusTimestamps,
    entity::{job, phase, run},
    id::{JobId, RunId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select},
};

use super::{Ending, OfRun, Open, Outcome, assessing, hand_out_again, is_repeatable, outcome};
use crate::{
    Ctx, Error, Result,
    row::Job,
    runs::{held::Floor, last_words},
};

/// How failures of this room are reported.
const CHORE: &str = "lost jobs";
/// A plan that has taken this many agents with it is not tried again.
const ATTEMPTS: i64 = 3;
/// Seconds that an agent has to obey a forced cancel.
const FORCE_SECONDS: i64 = 30;

/// Frees, fails or closes what was left behind; returns how many jobs that were.
pub async fn sweep(cx: &Ctx) -> Result<usize> {
    let mut left: Vec<JobId> = silent(cx).into_tuple().all(cx.read()).await?;
    left.extend(disobeyed(cx).await?);
    let mut count = 0;
    for id in left {
        let settled = Box::pin(settle(cx, &id)).await;
        count += usize::from(cx.troubles().settle(CHORE, id.as_str(), settled, cx.now()).is_some());
    }
    Ok(count)
}

/// Jobs whose agents are not heard of.
pub(crate) fn silent(cx: &Ctx) -> Select<job::Entity> {
    use job::Status as S;
    job::Entity::find()
        .select_only()
        .column(job::Column::Id)
        .filter(job::Column::Status.is_in([S::Claimed, S::Started, S::Concluded]))
        .filter(job::Column::LeasedUntil.lt(cx.now()))
}

async fn settle(cx: &Ctx, id: &JobId) -> Result<()> {
    let Some(job) = job::Entity::find_by_id(id.clone()).one(cx.read()).await? else {
        return Ok(());
    };
    if job.status == job::Status::Concluded {
        outcome::close(cx, &job).await
    } else if is_repeatable(&job) && job.attempts < ATTEMPTS && !is_canceled(cx, &job).await? {
        let mut tx = cx.write().await?;
        tracing::warn!(job = %job.id, kind = %job.kind, "an agent was lost; its job is free again");
        hand_out_again(&mut tx, &job).await?;
        tx.commit().await
    } else {
        give_up(cx, &job).await
    }
}

async fn is_canceled(cx: &Ctx, job: &Job) -> Result<bool> {
    let Some(run) = job.run_id.clone().filter(|_| job.kind.phase().is_some()) else {
        return Ok(false);
    };
    let run = run::Entity::find_by_id(run).one(cx.read()).await?;
    Ok(run.is_some_and(|run| run.cancel != run::Cancel::No))
}

/// Jobs that go on although their run was force-canceled a while ago.
async fn disobeyed(cx: &Ctx) -> Result<Vec<JobId>> {
    let at_work: Vec<(JobId, RunId)> = job::Entity::find()
        .select_only()
        .columns([job::Column::Id, job::Column::RunId])
        .filter(job::Column::Status.is_in([job::Status::Claimed, job::Status::Started]))
        .filter(job::Column::LeasedUntil.gte(cx.now()))
        .filter(job::Column::RunId.is_not_null())
        .filter(job::Column::Kind.ne(job::Kind::Assessment))
        .into_tuple()
        .all(cx.read())
        .await?;
    let forced: Vec<(RunId, StatusTimestamps)> = run::Entity::find()
        .select_only()
        .columns([run::Column::Id, run::Column::StatusTimestamps])
        .filter(run::Column::Id.is_in(at_work.iter().map(|(_, run)| run)))
        .filter(run::Column::Cancel.eq(run::Cancel::Force))
        .into_tuple()
        .all(cx.read())
        .await?;
    let is_late = |run: &RunId| {
        let times = forced.iter().find(|(id, _)| id == run).map(|(_, times)| times);
        let forced_at = times.and_then(|times| times.get("force-canceled-at"));
        forced_at.is_some_and(|at| at.plus_seconds(FORCE_SECONDS) < cx.now())
    };
    Ok(at_work.into_iter().filter(|(_, run)| is_late(run)).map(|(job, _)| job).collect())
}

/// Ends the run, and says so in the log that people are reading.
async fn give_up(cx: &Ctx, job: &Job) -> Result<()> {
    if job.kind == job::Kind::Assessment {
        return assessing::give_up(cx, job).await;
    }
    let OfRun { run, workspace, phase } = OfRun::of(job)?;
    let message = match phase {
        phase::Kind::Plan => "The agent that was planning was lost.",
        phase::Kind::Apply => {
            "The agent that was applying was lost. What it had saved of the state until then is kept; \
             an apply is never repeated by itself. What else its agent has of the state it brings when it is back."
        }
    };
    let log = super::log_of(cx, job).await?;
    last_words::or_pass_on(async {
        let length = cx.blobs().log_length(&log).await?;
        let start = if length == 0 { "\u{2}" } else { "" };
        let note = format!("{start}\r\n{message}\r\n\u{3}");
        cx.blobs().append_log(&log, length, note.into()).await?;
        Ok(())
    })
    .await;
    let run = match Floor::lock(cx, &workspace).await {
        Ok(floor) => floor.hold(&run).await?,
        Err(Error::NotFound) => return Ok(()),
        Err(other) => return Err(other),
    };
    let Some(row) = run.tx().lock::<job::Entity>(job.id.clone()).await? else { return Ok(()) };
    if matches!(row.status, job::Status::Concluded | job::Status::Finished) {
        return Ok(());
    }
    tracing::error!(job = %job.id, run = %run.id, "{message}");
    let canceled = run.cancel != run::Cancel::No;
    let outcome = Outcome {
        ending: if canceled { Ending::Canceled } else { Ending::Errored },
        message: Some(message.into()),
        // Whoever had not begun has nothing.
        state_pending: phase == phase::Kind::Apply && row.status == job::Status::Started,
        ..Outcome::default()
    };
    let status = run.status;
    outcome::settle(Open { run, phase, job: row }, &outcome).await?;
    if status != run::Status::Planning && status != run::Status::Applying {
        tracing::debug!(%status, "the phase had not begun");
    }
    outcome::close(cx, job).await
}
