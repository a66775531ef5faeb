//! What becomes of jobs whose agents are not heard of any more.

use db::{
    entity::{job, phase, run},
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter},
};

use super::{Ending, Open, Outcome, hand_out_again, is_repeatable, outcome};
use crate::{
    Ctx, Result, Timestamp,
    row::{Job, Run},
    runs::moves,
};

/// A plan that has taken this many agents with it is not tried again.
const ATTEMPTS: i64 = 3;
/// Seconds that an agent has to obey a forced cancel.
const FORCE_SECONDS: i64 = 30;

/// Frees, fails or closes what was left behind; returns how many jobs that were.
pub async fn sweep(cx: &Ctx) -> Result<usize> {
    use job::Status as S;
    let now = cx.now();
    let open = Condition::all()
        .add(job::Column::Status.is_in([S::Claimed, S::Started, S::Concluded]))
        .add(job::Column::LeasedUntil.lt(now));
    let mut left = job::Entity::find().filter(open).all(cx.read()).await?;
    left.extend(disobeyed(cx, now).await?);
    let count = left.len();
    for job in left {
        if job.status == S::Concluded {
            outcome::close(cx, &job).await?;
        } else if is_repeatable(&job) && job.attempts < ATTEMPTS && !is_canceled(cx, &job).await? {
            let mut tx = cx.write().await?;
            tracing::warn!(job = %job.id, run = %job.run_id, "an agent was lost; its job is free again");
            hand_out_again(&mut tx, &job).await?;
            tx.commit().await?;
        } else {
            give_up(cx, &job).await?;
        }
    }
    Ok(count)
}

async fn is_canceled(cx: &Ctx, job: &Job) -> Result<bool> {
    let run = run::Entity::find_by_id(job.run_id.clone()).one(cx.read()).await?;
    Ok(run.is_some_and(|run| run.cancel != run::Cancel::No))
}

/// Jobs that go on although their run was force-canceled a while ago.
async fn disobeyed(cx: &Ctx, now: Timestamp) -> Result<Vec<Job>> {
    let forced: Vec<Run> = run::Entity::find()
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::Cancel.eq(run::Cancel::Force))
        .all(cx.read())
        .await?;
    let late = forced.iter().filter(|run| {
        run.status_timestamps
            .get("force-canceled-at")
            .is_some_and(|at| at.plus_seconds(FORCE_SECONDS) < now)
    });
    let ids: Vec<_> = late.map(|run| run.id.clone()).collect();
    Ok(job::Entity::find()
        .filter(job::Column::RunId.is_in(ids))
        .filter(job::Column::Status.is_in([job::Status::Claimed, job::Status::Started]))
        .filter(job::Column::LeasedUntil.gte(now))
        .all(cx.read())
        .await?)
}

/// Ends the run, and says so in the log that people are reading.
async fn give_up(cx: &Ctx, job: &Job) -> Result<()> {
    let message = match job.phase {
        phase::Kind::Plan => "The agent that was planning was lost.",
        phase::Kind::Apply => {
            "The agent that was applying was lost. What it had saved of the state until then is kept; \
             an apply is never repeated by itself."
        }
    };
    let log = super::log_of(cx, job).await?;
    let length = cx.blobs().log_length(&log).await?;
    let start = if length == 0 { "\u{2}" } else { "" };
    let note = format!("{start}\r\n{message}\r\n\u{3}");
    cx.blobs().append_log(&log, length, note.into()).await?;
    let mut tx = cx.write().await?;
    let Some(run) = run::Entity::find_by_id(job.run_id.clone()).one(tx.db()).await? else {
        return Ok(());
    };
    let (workspace, run) = moves::lock(&tx, &run).await?;
    let Some(row) = tx.lock::<job::Entity>(job.id.clone()).await? else { return Ok(()) };
    if matches!(row.status, job::Status::Concluded | job::Status::Finished) {
        return Ok(());
    }
    tracing::error!(job = %job.id, run = %job.run_id, "{message}");
    let canceled = run.cancel != run::Cancel::No;
    let outcome = Outcome {
        ending: if canceled { Ending::Canceled } else { Ending::Errored },
        message: Some(message.into()),
        has_changes: false,
        additions: 0,
        changes: 0,
        destructions: 0,
        imports: 0,
        generated_configuration: false,
    };
    let status = run.status;
    outcome::settle(&mut tx, Open { workspace, run, job: row }, &outcome).await?;
    if status != run::Status::Planning && status != run::Status::Applying {
        tracing::debug!(%status, "the phase had not begun");
    }
    tx.commit().await?;
    outcome::close(cx, job).await
}
