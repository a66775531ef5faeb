//! How a job comes to an agent, and how the agent keeps it.

use std::time::Duration;

use db::{
    Json,
    entity::{agent, agent_pool, job, phase, run},
    id::{AgentId, JobId},
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use super::{
    Assignment, LEASE_SECONDS, OfRun, assessing,
    assignment::{Package, assemble, tool_of},
    open,
};
use crate::{
    Ctx, Error, Granted, Result, Timestamp, Tx,
    agent_pools::Able,
    bell::Topic,
    can, freezes,
    row::{Agent, Job},
    run_limits,
    runs::{moves, status::Event},
    workspaces,
};

/// How failures of this room are reported.
const CHORE: &str = "handing out jobs";
/// Jobs that are looked at together.
const PAGE: u64 = 50;
/// Seconds beyond the time of a phase that an agent has to bring what it has; then nobody believes in it any more.
const OVERTIME_SECONDS: i64 = 60 * 60;
/// Heartbeats come much more often.
const PING_NOTED_EVERY_SECONDS: i64 = 30;
/// Claims come after each job.
const CLAIM_NOTED_EVERY_SECONDS: i64 = 5;
/// The truth behind the bell.
const POLL: Duration = Duration::from_secs(1);

/// What a slot of an agent takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Phases of runs first.
    Everything,
    Phases,
}

impl Takes {
    /// Kinds that are looked for together, one group after the other.
    fn groups(self) -> &'static [&'static [job::Kind]] {
        use job::Kind as K;
        match self {
            Self::Everything => &[&[K::Plan, K::Apply], &[K::Assessment, K::ModuleTest]],
            Self::Phases => &[&[K::Plan, K::Apply]],
        }
    }
}

/// The next job that this agent can do, waiting for one if need be.
pub async fn claim(
    cx: &Ctx,
    _agent: &Granted<can::WorkAsAgent>,
    id: &AgentId,
    wait: Duration,
    takes: Takes,
) -> Result<Option<Assignment>> {
    let agent = note_ping(cx, id).await?;
    let until = tokio::time::Instant::now() + wait;
    let mut bell = cx.bell().listen(Topic::Jobs);
    loop {
        for kinds in takes.groups() {
            if let Some(assignment) = take(cx, &agent, kinds).await? {
                return Ok(Some(assignment));
            }
        }
        let left = until.saturating_duration_since(tokio::time::Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        bell.wait(left.min(POLL)).await;
    }
}

async fn note_ping(cx: &Ctx, id: &AgentId) -> Result<Agent> {
    let known = agent::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let known = known.filter(|row| cx.may::<can::BeAgent>(row)).ok_or(Error::NotFound)?;
    // Whoever has just ended a job asks for the next one.
    if !known.has_exited && known.last_ping_at.plus_seconds(CLAIM_NOTED_EVERY_SECONDS) > cx.now() {
        return Ok(known);
    }
    let tx = cx.write().await?;
    let mut row = tx.lock::<agent::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if !cx.may::<can::BeAgent>(&row) {
        return Err(Error::NotFound);
    }
    row.last_ping_at = tx.now();
    row.has_exited = false;
    let agent = tx.update(row).await?;
    tx.commit().await?;
    Ok(agent)
}

/// The next job that can be handed out to this agent, however many there are that only others can do.
async fn take(cx: &Ctx, agent: &Agent, kinds: &[job::Kind]) -> Result<Option<Assignment>> {
    use job::Column as C;
    let mut after = None;
    loop {
        let mut waiting = job::Entity::find()
            .select_only()
            .columns([C::Id, C::CreatedAt])
            .filter(C::Status.eq(job::Status::Queued))
            .filter(C::Kind.is_in(kinds.iter().copied()))
            .filter(match &agent.agent_pool_id {
                Some(pool) => C::AgentPoolId.eq(pool),
                None => C::AgentPoolId.is_null(),
            })
            .order_by_asc(C::CreatedAt)
            .order_by_asc(C::Id)
            .limit(PAGE);
        if let Some((id, at)) = after.take() {
            let beside = Condition::all().add(C::CreatedAt.eq(at)).add(C::Id.gt::<JobId>(id));
            waiting = waiting.filter(Condition::any().add(C::CreatedAt.gt(at)).add(beside));
        }
        // Nearly always there is nothing, and then nothing is locked.
        let page: Vec<(JobId, Timestamp)> = waiting.into_tuple().all(cx.read()).await?;
        for (id, _) in &page {
            let taken = Box::pin(take_one(cx, agent, id)).await;
            // What cannot be handed out holds up nobody behind it.
            let taken = cx.troubles().settle(CHORE, id.as_str(), taken, cx.now());
            if let Some(assignment) = taken.flatten() {
                return Ok(Some(assignment));
            }
        }
        if (page.len() as u64) < PAGE {
            return Ok(None);
        }
        after = page.into_iter().next_back();
    }
}

/// Nothing where the job is not for this agent, not to be handed out now, or gone.
async fn take_one(cx: &Ctx, agent: &Agent, id: &JobId) -> Result<Option<Assignment>> {
    let job = || job::Entity::find_by_id(id.clone()).one(cx.read());
    let Some(found) = job().await? else { return Ok(None) };
    match hand_out(cx, agent, found).await {
        // Deleted meanwhile, with its workspace.
        Err(Error::NotFound) if job().await?.is_none() => Ok(None),
        handed_out => handed_out,
    }
}

async fn hand_out(cx: &Ctx, agent: &Agent, found: Job) -> Result<Option<Assignment>> {
    // What cannot be told to anybody yet is left for those who can.
    let (kind, Some(run)) = (found.kind, found.run_id.clone()) else { return Ok(None) };
    let Some(run) = run::Entity::find_by_id(run).one(cx.read()).await? else {
        return Ok(None);
    };
    // A freeze may have begun since it was queued.
    if kind == job::Kind::Apply
        && let Some(workspace) = workspaces::by_id(cx, &run.workspace_id).await?
        && freezes::holds_up(cx.read(), &run, &workspace, cx.now()).await?.is_some()
    {
        return Ok(None);
    }
    let able = Able::from(agent);
    let tool = tool_of(cx, &run).await?.filter(|tool| able.can(kind, tool));
    let Some(tool) = tool else { return Ok(None) };
    let source = able.source_of(&tool);
    let package = Package::of(cx, kind, run, tool, source).await?;
    let tx = cx.write().await?;
    let query =
        job::Entity::find_by_id(found.id).filter(job::Column::Status.eq(job::Status::Queued));
    let Some(mut job) = tx.claim(query).await?.pop() else { return Ok(None) };
    job.status = job::Status::Claimed;
    job.agent_id = Some(agent.id.clone());
    job.leased_until = Some(tx.now().plus_seconds(LEASE_SECONDS));
    job.attempts += 1;
    let token = crypto::Token::mint();
    job.token_hash = Some(token.hash());
    let job = tx.update(job).await?;
    package.keep(&tx).await?;
    tx.commit().await?;
    Box::pin(assemble(cx, job, token, package)).await.map(Some)
}

/// The phase begins. From here on an apply is never handed out again.
///
/// # Errors
/// NotFound if the run was canceled meanwhile, or the job is somebody else's.
pub async fn start(cx: &Ctx, _agent: &Granted<can::WorkAsAgent>, id: &JobId) -> Result<()> {
    let found = super::of(cx, id).await?;
    if found.kind == job::Kind::Assessment {
        return assessing::start(cx, &found).await;
    }
    let mut open = open(cx, id).await?;
    if open.job.status != job::Status::Claimed {
        return Ok(());
    }
    let event = match open.phase {
        phase::Kind::Plan => Event::PlanStarted,
        phase::Kind::Apply => Event::ApplyStarted,
    };
    open.run.happen(event).await.map_err(|_| Error::NotFound)?;
    let tx = open.run.tx();
    if let Some(mut phase) = moves::phase_of(tx, &open.run.id, open.phase).await? {
        moves::set_phase(tx, &mut phase, phase::Status::Running);
        phase.agent_id.clone_from(&open.job.agent_id);
        phase.executor = executor(tx, &open.job).await?.map(Json);
        tx.update(phase).await?;
    }
    open.job.status = job::Status::Started;
    open.job.started_at = Some(tx.now());
    open.job.leased_until = Some(tx.now().plus_seconds(LEASE_SECONDS));
    tx.update(open.job).await?;
    open.run.commit().await?;
    Ok(())
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

/// Whether a phase has gone on for much longer than the `seconds` that agents let it.
fn is_overdue(job: &Job, seconds: u64, now: Timestamp) -> bool {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX / 2000) + OVERTIME_SECONDS;
    job.status == job::Status::Started
        && job.started_at.is_some_and(|at| at.plus_seconds(seconds) < now)
}

/// Keeps the job for another while; says whether it is to be stopped.
pub async fn heartbeat(
    cx: &Ctx,
    _agent: &Granted<can::WorkAsAgent>,
    id: &JobId,
) -> Result<run::Cancel> {
    let found = super::of(cx, id).await?;
    let seconds = run_limits::of_site(cx, found.kind).await?;
    let cancel = match OfRun::of(&found) {
        Ok(OfRun { run, .. }) => {
            let run = run::Entity::find_by_id(run).one(cx.read()).await?;
            run.ok_or(Error::NotFound)?.cancel
        }
        // What is no phase ends with its job.
        Err(_) => run::Cancel::No,
    };
    let tx = cx.write().await?;
    let mut job = tx.lock::<job::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if matches!(job.status, job::Status::Queued | job::Status::Finished) {
        return Err(Error::NotFound);
    }
    if is_overdue(&job, seconds, tx.now()) {
        // Its lease ends, and with it the run.
        return Ok(run::Cancel::Force);
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
    Ok(cancel)
}
