//! Assessments as jobs: how they begin, what they leave, and how they end. They belong to a workspace and to no run, and
//! whoever has one is refused as soon as a run needs the workspace.

use blobs::{Kind, LogId, Name};
use db::{
    Locked,
    entity::{assessment, job, workspace},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use super::{Ending, LEASE_SECONDS, Outcome};
use crate::{
    Ctx, Error, Result, Tx,
    assessments::{self, Verdict},
    cleanup::{self, Orphan},
    plan_changes,
    row::{Assessment, Job},
};

/// Bytes of a document.
const LIMIT: u64 = 1 << 30;

/// One that is under way, locked with all above it.
struct Open {
    tx: Tx,
    workspace: Locked<workspace::Entity>,
    assessment: Locked<assessment::Entity>,
    job: Locked<job::Entity>,
}

async fn open(cx: &Ctx, job: &Job) -> Result<Open> {
    let id = job.workspace_id.clone().ok_or(Error::NotFound)?;
    let tx = cx.write().await?;
    let workspace = tx.lock::<workspace::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    let under_way =
        assessment::Entity::find().filter(assessment::Column::WorkspaceId.eq(&id)).filter(
            assessment::Column::Status
                .is_in([assessment::Status::Queued, assessment::Status::Running]),
        );
    let assessment = tx.lock_all(under_way).await?.pop().ok_or(Error::NotFound)?;
    let job = tx.lock::<job::Entity>(job.id.clone()).await?.ok_or(Error::NotFound)?;
    Ok(Open { tx, workspace, assessment, job })
}

/// The one that a job is about.
pub(super) async fn of(cx: &Ctx, job: &Job) -> Result<Assessment> {
    assessments::last_of(cx, job.workspace_id.as_ref().ok_or(Error::NotFound)?).await
}

pub(super) async fn start(cx: &Ctx, job: &Job) -> Result<()> {
    let Open { tx, mut assessment, mut job, .. } = open(cx, job).await?;
    if job.status != job::Status::Claimed {
        return Ok(());
    }
    assessment.status = assessment::Status::Running;
    assessment.started_at = Some(tx.now());
    tx.update(assessment).await?;
    job.status = job::Status::Started;
    job.started_at = Some(tx.now());
    job.leased_until = Some(tx.now().plus_seconds(LEASE_SECONDS));
    tx.update(job).await?;
    tx.commit().await
}

/// Keeps a document, by its name in the agent protocol.
pub(super) async fn keep_artifact<S, E>(cx: &Ctx, job: &Job, name: &str, content: S) -> Result<()>
where
    S: futures::Stream<Item = std::result::Result<bytes::Bytes, E>> + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let id = of(cx, job).await?.id;
    let kind = match name {
        assessments::JSON => Kind::PlanJson,
        assessments::SCHEMAS => Kind::ProviderSchemas,
        "json-plan-redacted" => Kind::PlanJsonRedacted,
        _ => return Err(Error::NotFound),
    };
    cx.blobs().put_stream(&Name::new(kind, id.as_str())?, content, LIMIT).await?;
    let tx = cx.write().await?;
    let row = tx.lock::<assessment::Entity>(id.clone()).await?;
    if row.is_none_or(|row| row.status != assessment::Status::Running) {
        // It was made way for meanwhile.
        cleanup::later(&tx, vec![Orphan::blob(kind, &id)?]).await?;
        tx.commit().await?;
        return Err(Error::NotFound);
    }
    assessments::note_artifact(&tx, &id, name).await?;
    if name == "json-plan-redacted" {
        plan_changes::make_later(&tx, id.as_str()).await?;
    }
    tx.commit().await
}

/// Ends it; a second report changes nothing.
pub(super) async fn conclude(cx: &Ctx, job: &Job, outcome: Outcome) -> Result<()> {
    if job.status == job::Status::Concluded {
        return Ok(());
    }
    let Open { tx, workspace, assessment, mut job } = open(cx, job).await?;
    let verdict = match (outcome.ending, outcome.findings) {
        (Ending::Finished, Some(found)) => Verdict::Found(found),
        _ => Verdict::Failed(outcome.message),
    };
    assessments::end(&tx, workspace, assessment, verdict).await?;
    job.status = job::Status::Concluded;
    job.leased_until = Some(tx.now().plus_seconds(LEASE_SECONDS));
    tx.update(job).await?;
    tx.commit().await
}

/// Its agent is not heard of any more, and has been given up.
pub(super) async fn give_up(cx: &Ctx, job: &Job) -> Result<()> {
    let outcome = Outcome {
        ending: Ending::Errored,
        message: Some("The agent that was assessing was lost.".into()),
        ..Outcome::default()
    };
    match conclude(cx, job, outcome).await {
        Ok(()) => close(cx, job).await,
        // A run has come meanwhile, or another agent.
        Err(Error::NotFound) => Ok(()),
        Err(other) => Err(other),
    }
}

/// Nothing more will come.
pub(super) async fn close(cx: &Ctx, job: &Job) -> Result<()> {
    let id = of(cx, job).await?.id;
    let is_logged = cx.blobs().log_length(&LogId::new(id.as_str())?).await? > 0;
    let tx = cx.write().await?;
    if is_logged {
        assessments::note_artifact(&tx, &id, assessments::LOG).await?;
    }
    if let Some(mut row) = tx.lock::<job::Entity>(job.id.clone()).await?
        && row.status == job::Status::Concluded
    {
        row.status = job::Status::Finished;
        tx.update(row).await?;
    }
    tx.commit().await
}
