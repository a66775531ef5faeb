//! How a job comes to an agent, and how the agent keeps it.

use std::time::Duration;

use db::{
    Json,
    entity::{agent, agent_pool, job, phase, run},
    id::{AgentId, JobId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use super::{
    Assignment, LEASE_SECONDS,
    assignment::{assemble, can_use, tool_of},
    open,
};
use crate::{
    Actor, Ctx, Error, Granted, Result, Tx, can,
    row::{Agent, Job},
    runs::{moves, status::Event},
};

/// Jobs looked at for each claim; those before are another agent's, or need an engine that this one has not.
const LOOK_AHEAD: u64 = 20;
/// Heartbeats come much more often.
const PING_NOTED_EVERY_SECONDS: i64 = 30;
/// The truth behind the bell.
const POLL: Duration = Duration::from_secs(1);

/// The next job that this agent can do, waiting for one if need be.
pub async fn claim(
    cx: &Ctx,
    _agent: &Granted<can::WorkAsAgent>,
    id: &AgentId,
    wait: Duration,
) -> Result<Option<Assignment>> {
    let agent = note_ping(cx, id).await?;
    let until = tokio::time::Instant::now() + wait;
    loop {
        let ring = cx.bell().jobs();
        if let Some((job, token)) = take(cx, &agent).await? {
            return assemble(cx, job, token).await.map(Some);
        }
        let left = until.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        drop(tokio::time::timeout(left.min(POLL), ring).await);
    }
}

async fn note_ping(cx: &Ctx, id: &AgentId) -> Result<Agent> {
    let Actor::Agent(pool) = cx.actor() else { return Err(Error::NotFound) };
    let tx = cx.write().await?;
    let mut row = tx.lock::<agent::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if row.agent_pool_id != *pool {
        return Err(Error::NotFound);
    }
    row.last_ping_at = tx.now();
    row.has_exited = false;
    let agent = tx.update(row).await?;
    tx.commit().await?;
    Ok(agent)
}

/// The job, with the token that its engine shows while it is held.
async fn take(cx: &Ctx, agent: &Agent) -> Result<Option<(Job, crypto::Token)>> {
    let mut waiting = job::Entity::find()
        .filter(job::Column::Status.eq(job::Status::Queued))
        .order_by_asc(job::Column::CreatedAt)
        .order_by_asc(job::Column::Id)
        .limit(LOOK_AHEAD);
    waiting = match &agent.agent_pool_id {
        Some(pool) => waiting.filter(job::Column::AgentPoolId.eq(pool)),
        None => waiting.filter(job::Column::AgentPoolId.is_null()),
    };
    // Nearly always there is nothing, and then nothing is locked.
    for found in waiting.all(cx.read()).await? {
        let run = run::Entity::find_by_id(found.run_id.clone()).one(cx.read()).await?;
        let tool = match &run {
            Some(run) => tool_of(cx, run).await?,
            None => None,
        };
        if !tool.is_some_and(|tool| can_use(&agent.engines, &tool)) {
            continue;
        }
        let tx = cx.write().await?;
        let query =
            job::Entity::find_by_id(found.id).filter(job::Column::Status.eq(job::Status::Queued));
        if let Some(mut job) = tx.claim(query).await?.pop() {
            job.status = job::Status::Claimed;
            job.agent_id = Some(agent.id.clone());
            job.leased_until = Some(tx.now().plus_seconds(LEASE_SECONDS));
            job.attempts += 1;
            let token = crypto::Token::mint();
            job.token_hash = Some(token.hash());
            let job = tx.update(job).await?;
            tx.commit().await?;
            return Ok(Some((job, token)));
        }
    }
    Ok(None)
}

/// The phase begins. From here on an apply is never handed out again.
///
/// # Errors
/// NotFound if the run was canceled meanwhile, or the job is somebody else's.
pub async fn start(cx: &Ctx, _agent: &Granted<can::WorkAsAgent>, id: &JobId) -> Result<()> {
    let mut tx = cx.write().await?;
    let mut open = open(&tx, cx, id).await?;
    if open.job.status != job::Status::Claimed {
        return Ok(());
    }
    let event = match open.job.phase {
        phase::Kind::Plan => Event::PlanStarted,
        phase::Kind::Apply => Event::ApplyStarted,
    };
    moves::happen(&mut tx, &mut open.workspace, &mut open.run, event)
        .await
        .map_err(|_| Error::NotFound)?;
    if let Some(mut phase) = moves::phase_of(&tx, &open.run.id, open.job.phase).await? {
        moves::set_phase(&tx, &mut phase, phase::Status::Running);
        phase.agent_id.clone_from(&open.job.agent_id);
        phase.executor = executor(&tx, &open.job).await?.map(Json);
        tx.update(phase).await?;
    }
    open.job.status = job::Status::Started;
    open.job.leased_until = Some(tx.now().plus_seconds(LEASE_SECONDS));
    tx.update(open.job).await?;
    tx.update(open.run).await?;
    tx.update(open.workspace).await?;
    tx.commit().await
}

/// By names, since agents and pools may be gone when somebody asks.
async fn executor(tx: &Tx, job: &Job) -> Result<Option<phase::Executor>> {
    let Some(id) = &job.agent_id else { return Ok(None) };
    let Some(agent) = agent::Entity::find_by_id(id.clone()).one(tx.db()).await? else {
        return Ok(None);
    };
    let pool = match &job.agent_pool_id {
        Some(id) => agent_pool::Entity::find_by_id(id.clone()).one(tx.db()).await?,
        None => None,
    };
    Ok(Some(phase::Executor {
        agent_name: agent.name,
        pool_id: job.agent_pool_id.clone(),
        pool_name: pool.map(|pool| pool.name),
    }))
}

/// Keeps the job for another while; says whether it is to be stopped.
pub async fn heartbeat(
    cx: &Ctx,
    _agent: &Granted<can::WorkAsAgent>,
    id: &JobId,
) -> Result<run::Cancel> {
    let found = super::of(cx, id).await?;
    let run = run::Entity::find_by_id(found.run_id).one(cx.read()).await?.ok_or(Error::NotFound)?;
    let tx = cx.write().await?;
    let mut job = tx.lock::<job::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if matches!(job.status, job::Status::Queued | job::Status::Finished) {
        return Err(Error::NotFound);
    }
    job.leased_until = Some(tx.now().plus_seconds(LEASE_SECONDS));
    let job = tx.update(job).await?;
    // Whoever has all slots at work claims nothing for hours, and is there nevertheless.
    if let Some(id) = &job.agent_id
        && let Some(mut agent) = tx.lock::<agent::Entity>(id.clone()).await?
        && agent.last_ping_at.plus_seconds(PING_NOTED_EVERY_SECONDS) <= tx.now()
    {
        agent.last_ping_at = tx.now();
        tx.update(agent).await?;
    }
    tx.commit().await?;
    Ok(run.cancel)
}
