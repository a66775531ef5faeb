//! How a phase ends: its files, its numbers, and the next status of its run, all at one moment
//! (CLI protocol, rule 1: the run must never lag behind its plan).

use blobs::{Kind, Name};
use db::{
    Json,
    entity::{
        job,
        phase::{self, Peaks},
        run,
        task_stage::Stage,
    },
    id::JobId,
    sea_orm::EntityTrait,
};

use super::{LEASE_SECONDS, OfRun, Open, assessing, of, open, recovered};
use crate::{
    Ctx, Error, Granted, Result, Tx,
    assessments::Findings,
    can, plan_changes,
    row::Job,
    runs::{self, moves, status::Event},
    task_stages,
};

/// Of a log, that are worth being joined.
const MANY_SEGMENTS: usize = 4;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    Finished,
    #[default]
    Errored,
    Canceled,
}

/// What an agent reports at the end of a job.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub ending: Ending,
    /// One sentence on what went wrong.
    pub message: Option<String>,
    pub has_changes: bool,
    pub additions: u32,
    pub changes: u32,
    pub destructions: u32,
    pub imports: u32,
    pub generated_configuration: bool,
    /// The state that an apply has left may still come, by [`super::recover_state`].
    pub state_pending: bool,
    /// Absent from agents that do not say.
    pub peaks: Option<Peaks>,
    pub layers: Option<Vec<String>>,
    /// Of an assessment that came to its end.
    pub findings: Option<Findings>,
}

/// Lets an apply that nobody had to confirm fail only when the command line has seen it begin.
async fn let_it_be_noticed(cx: &Ctx, job: &Job, outcome: &Outcome) -> Result<()> {
    let OfRun { run, phase, .. } = OfRun::of(job)?;
    if phase != phase::Kind::Apply || outcome.ending != Ending::Errored {
        return Ok(());
    }
    let run = run::Entity::find_by_id(run).one(cx.read()).await?.ok_or(Error::NotFound)?;
    tokio::time::sleep(moves::unnoticed_for(&run, cx.now())).await;
    Ok(())
}

/// Ends a phase and moves the run on; a second report changes nothing.
pub async fn conclude(
    cx: &Ctx,
    _agent: &Granted<can::WorkAsAgent>,
    id: &JobId,
    outcome: Outcome,
) -> Result<()> {
    let job = of(cx, id).await?;
    if job.kind == job::Kind::Assessment {
        return Box::pin(assessing::conclude(cx, &job, outcome)).await;
    }
    let_it_be_noticed(cx, &job, &outcome).await?;
    let open = open(cx, id).await?;
    if open.job.status == job::Status::Concluded {
        return Ok(());
    }
    Box::pin(settle(open, &outcome)).await
}

/// Writes an outcome down, whoever reports it.
pub(super) async fn settle(open: Open, outcome: &Outcome) -> Result<()> {
    let Open { mut run, phase: kind, mut job } = open;
    if run.is_final {
        return Err(Error::NotFound);
    }
    let tx = run.tx();
    if let Some(mut phase) = moves::phase_of(tx, &run.id, kind).await? {
        record(tx, &mut phase, outcome);
        tx.update(phase).await?;
    }
    job.status = job::Status::Concluded;
    job.leased_until = Some(tx.now().plus_seconds(LEASE_SECONDS));
    tx.update(job).await?;
    if kind == phase::Kind::Apply {
        crate::states::finish_intermediate(tx, &run.id).await?;
    }
    if kind == phase::Kind::Plan && outcome.ending == Ending::Finished {
        run.has_changes = outcome.has_changes;
    }
    match event(&run, kind, outcome) {
        Some(event) => run.happen(event).await?,
        None => task_stages::phase_passed(&mut run, kind).await?,
    }
    run.commit().await?;
    Ok(())
}

/// What happens to the run; nothing yet where the phase has passed and other stages may follow.
fn event(run: &run::Model, kind: phase::Kind, outcome: &Outcome) -> Option<Event> {
    let canceled = run.cancel != run::Cancel::No;
    Some(match (kind, outcome.ending) {
        (_, Ending::Finished) if !canceled => return None,
        // What was done is done, even if somebody wanted to stop it; nothing follows.
        (phase::Kind::Apply, Ending::Finished) => {
            Event::Passed { stage: Stage::Apply, then: None, has_changes: run.has_changes }
        }
        (_, Ending::Errored) if !canceled => Event::Failed,
        _ => Event::Canceled,
    })
}

fn record(tx: &Tx, phase: &mut phase::Model, outcome: &Outcome) {
    phase.message.clone_from(&outcome.message);
    phase.peaks = outcome.peaks.map(Json);
    phase.layers = outcome.layers.clone().map(Json);
    phase.has_changes = outcome.has_changes;
    phase.generated_configuration = outcome.generated_configuration;
    phase.state_awaited_until =
        outcome.state_pending.then(|| tx.now().plus_seconds(recovered::AWAITED_SECONDS));
    if outcome.ending == Ending::Finished {
        phase.resource_additions = Some(outcome.additions.into());
        phase.resource_changes = Some(outcome.changes.into());
        phase.resource_destructions = Some(outcome.destructions.into());
        phase.resource_imports = Some(outcome.imports.into());
    }
    let status = match outcome.ending {
        Ending::Finished => phase::Status::Finished,
        Ending::Errored => phase::Status::Errored,
        Ending::Canceled => phase::Status::Canceled,
    };
    moves::set_phase(tx, phase, status);
}

/// Nothing more will come for this job.
pub async fn finish(cx: &Ctx, _agent: &Granted<can::WorkAsAgent>, id: &JobId) -> Result<()> {
    let job = of(cx, id).await?;
    close(cx, &job).await?;
    let log = super::log_of(cx, &job).await?;
    // The log is complete; one blob is cheaper to read than many. If this fails, it is as readable as before.
    if let Err(error) = cx.blobs().compact_log(&log, MANY_SEGMENTS).await {
        tracing::warn!(job = %id, "a log could not be compacted: {error}");
    }
    Ok(())
}

pub(super) async fn close(cx: &Ctx, job: &Job) -> Result<()> {
    if job.kind == job::Kind::Assessment {
        return assessing::close(cx, job).await;
    }
    let phase = super::subject_id_of(cx, job).await?;
    let is_logged = cx.blobs().log_length(&blobs::LogId::new(&phase)?).await? > 0;
    let tx = cx.write().await?;
    if let Some(mut row) = tx.lock::<job::Entity>(job.id.clone()).await?
        && row.status == job::Status::Concluded
    {
        row.status = job::Status::Finished;
        tx.update(row).await?;
        if is_logged {
            runs::note_artifact(&tx, &phase, runs::LOG).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Keeps a file that a phase has left, by its name in the protocol.
///
/// # Errors
/// NotFound for names that nobody knows; TooLarge over 1 GiB.
pub async fn keep_artifact<S, E>(
    cx: &Ctx,
    _agent: &Granted<can::WorkAsAgent>,
    id: &JobId,
    name: &str,
    content: S,
) -> Result<()>
where
    S: futures::Stream<Item = std::result::Result<bytes::Bytes, E>> + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    const LIMIT: u64 = 1 << 30;
    let job = of(cx, id).await?;
    if job.kind == job::Kind::Assessment {
        return assessing::keep_artifact(cx, &job, name, content).await;
    }
    let phase_id = super::subject_id_of(cx, &job).await?;
    let blob = match name {
        "plan-file" => Name::new(Kind::Plan, &phase_id)?,
        "lock-file" => Name::new(Kind::LockFile, &phase_id)?,
        "json-plan" => Name::new(Kind::PlanJson, &phase_id)?,
        "provider-schemas" => Name::new(Kind::ProviderSchemas, &phase_id)?,
        "json-plan-redacted" => Name::new(Kind::PlanJsonRedacted, &phase_id)?,
        "errored-state" => Name::new(Kind::ErroredState, &phase_id)?,
        "json-state" => {
            return crate::states::save_json_from_run(cx, &OfRun::of(&job)?.run, content).await;
        }
        _ => return Err(Error::NotFound),
    };
    cx.blobs().put_stream(&blob, content, LIMIT).await?;
    let tx = cx.write().await?;
    runs::note_artifact(&tx, &phase_id, name).await?;
    if name == "json-plan-redacted" {
        plan_changes::make_later(&tx, &phase_id).await?;
    }
    tx.commit().await?;
    Ok(())
}
