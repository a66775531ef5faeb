//! Agents and their jobs: who executes a phase of a run, and what becomes of it when nobody does any more.

mod assessing;
mod assignment;
mod claims;
mod kinds;
mod outcome;
mod recovered;
mod sweep;

use db::{
    Json, Locked,
    entity::{
        agent::{self, Abilities},
        job, phase, run, tool_version,
    },
    id::{AgentId, JobId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use serde_json::json;

pub use assignment::Assignment;
pub use claims::{Takes, claim, heartbeat, start};
use kinds::{OfRun, is_repeatable};
pub use outcome::{Ending, Outcome, conclude, finish, keep_artifact};
pub use recovered::{Recovered, recover_state};
pub(crate) use sweep::silent;
pub use sweep::sweep;

use crate::{
    Ctx, Error, Granted, Happened, Result, Subject, Tx,
    agent_pools::engine_name,
    can, names,
    row::{Agent, Job},
    runs::held::{Floor, Held},
    tool_versions,
};

/// What an agent says of itself.
#[derive(Debug)]
pub struct Introduction {
    pub name: String,
    pub version: String,
    /// Stays the same over restarts of the agent.
    pub instance: String,
    pub engines: Vec<(tool_version::Kind, String)>,
    pub abilities: Abilities,
    /// By which it reaches the server, as far as it knows.
    pub address: Option<std::net::IpAddr>,
}

/// Kinds of jobs or engines that an agent may name.
const WORDS: usize = 64;

impl Introduction {
    /// Agents are trusted with secrets, not with the size of rows.
    fn check(&self) -> Result<()> {
        let versions = self.engines.iter().map(|(_, version)| version);
        if versions.clone().any(|version| version.trim().is_empty()) {
            return Err(Error::BadRequest("An engine has a version.".into()));
        }
        let Abilities { jobs, engines, os, arch, .. } = &self.abilities;
        if jobs.len().max(engines.len()) > WORDS {
            return Err(Error::BadRequest(format!("An agent names at most {WORDS} of each.")));
        }
        let words = jobs.iter().chain(engines).chain([os, arch]);
        let is_storable = |text: &String| text.len() <= 255 && names::unclear(text, 255).is_none();
        let texts = [&self.name, &self.version, &self.instance];
        if texts.into_iter().chain(versions).chain(words).all(is_storable)
            && !text::looks_like_another(&self.name)
        {
            Ok(())
        } else {
            let why = "Names and versions have at most 255 bytes, all of them to be seen.";
            Err(Error::BadRequest(why.into()))
        }
    }
}

/// Makes an agent known. What an earlier process of the same instance had claimed is free again, but for an apply
/// that had begun: that one waits for the agent to bring its state.
pub async fn register(
    cx: &Ctx,
    _agent: &Granted<can::WorkAsAgent>,
    introduction: Introduction,
) -> Result<Agent> {
    let pool = cx.actor().agent_pool();
    introduction.check()?;
    tool_versions::learn(cx, &introduction.engines).await?;
    let address = introduction.address.map(|address| address.to_string());
    let mut tx = cx.write().await?;
    let engines = Json(
        introduction.engines.iter().map(|(kind, version)| engine_name(*kind, version)).collect(),
    );
    let known = agent::Entity::find()
        .filter(agent::Column::Instance.eq(&introduction.instance))
        .one(tx.db())
        .await?;
    let abilities = Json(introduction.abilities);
    let agent = match known {
        Some(known) => {
            let mut row = tx.lock::<agent::Entity>(known.id).await?.ok_or(Error::NotFound)?;
            row.name = introduction.name;
            row.version = introduction.version;
            row.engines = engines;
            row.abilities = abilities;
            row.last_ping_at = tx.now();
            row.agent_pool_id = pool.cloned();
            row.ip_address = address;
            row.has_exited = false;
            let agent = tx.update(row).await?;
            release(&mut tx, &agent.id).await?;
            agent
        }
        None => {
            tx.insert(Agent {
                id: AgentId::fresh(),
                agent_pool_id: pool.cloned(),
                name: introduction.name,
                version: introduction.version,
                instance: introduction.instance,
                engines,
                abilities,
                last_ping_at: tx.now(),
                ip_address: address,
                has_exited: false,
                created_at: tx.now(),
            })
            .await?
        }
    };
    let detail = json!({ "name": agent.name, "version": agent.version });
    let subject = Subject { kind: "agents", id: agent.id.as_str(), ..Subject::default() };
    tx.emit(Happened::AgentRegistered, subject, detail).await?;
    tx.commit().await?;
    Ok(agent)
}

async fn release(tx: &mut Tx, agent: &AgentId) -> Result<()> {
    let held = job::Entity::find()
        .filter(job::Column::AgentId.eq(agent))
        .filter(job::Column::Status.is_in([job::Status::Claimed, job::Status::Started]))
        .all(tx.db())
        .await?;
    for job in held {
        if is_repeatable(&job) {
            hand_out_again(tx, &job).await?;
        } else if let Some(mut row) = tx.lock::<job::Entity>(job.id).await? {
            row.leased_until = Some(tx.now().plus_seconds(LEASE_SECONDS));
            tx.update(row).await?;
        }
    }
    Ok(())
}

/// An agent says goodbye: nobody waits for it any more.
pub async fn leave(cx: &Ctx, _agent: &Granted<can::WorkAsAgent>, id: &AgentId) -> Result<()> {
    let tx = cx.write().await?;
    let mut row = tx.lock::<agent::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if !cx.may::<can::BeAgent>(&row) {
        return Err(Error::NotFound);
    }
    row.has_exited = true;
    tx.update(row).await?;
    tx.commit().await
}

/// How long a job stays with an agent that is not heard of.
const LEASE_SECONDS: i64 = 60;

/// Replaces a job by one of a new id, so that whoever had it is refused.
async fn hand_out_again(tx: &mut Tx, job: &Job) -> Result<()> {
    if let Some(row) = tx.lock::<job::Entity>(job.id.clone()).await? {
        tx.delete(row).await?;
        tx.insert(Job {
            id: JobId::fresh(),
            status: job::Status::Queued,
            agent_id: None,
            leased_until: None,
            token_hash: None,
            started_at: None,
            ..job.clone()
        })
        .await?;
        let subject = Subject {
            kind: "jobs",
            id: job.id.as_str(),
            workspace: job.workspace_id.as_ref(),
            ..Subject::default()
        };
        tx.emit(Happened::JobHandedOutAgain, subject, json!({ "run": job.run_id })).await?;
    }
    Ok(())
}

/// An open job, with its run and workspace locked before it.
struct Open {
    run: Held,
    phase: phase::Kind,
    job: Locked<job::Entity>,
}

/// Locks a job and all above it.
///
/// # Errors
/// NotFound if the job is not this caller's (any more); the agent is to forget it.
async fn open(cx: &Ctx, id: &JobId) -> Result<Open> {
    let job = of(cx, id).await?;
    let OfRun { run, workspace, phase } = OfRun::of(&job)?;
    let run = Floor::lock(cx, &workspace).await?.hold(&run).await?;
    let job = run.tx().lock::<job::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if job.status == job::Status::Finished {
        return Err(Error::NotFound);
    }
    Ok(Open { run, phase, job })
}

/// A job that is still the caller's, unlocked.
async fn of(cx: &Ctx, id: &JobId) -> Result<Job> {
    let job = job::Entity::find_by_id(id.clone()).one(cx.read()).await?.ok_or(Error::NotFound)?;
    if !cx.may::<can::WorkOnJob>(&job)
        || matches!(job.status, job::Status::Queued | job::Status::Finished)
    {
        return Err(Error::NotFound);
    }
    Ok(job)
}

/// Appends to the log of a job; what is there already is passed over.
///
/// # Errors
/// Conflict, naming the length, if `offset` leaves a gap.
pub async fn append_log(
    cx: &Ctx,
    _agent: &Granted<can::WorkAsAgent>,
    id: &JobId,
    offset: u64,
    content: bytes::Bytes,
) -> Result<u64> {
    let job = of(cx, id).await?;
    let log = log_of(cx, &job).await?;
    match cx.blobs().append_log(&log, offset, content).await {
        Ok(length) => Ok(length),
        Err(blobs::Error::Gap { length, .. }) => {
            Err(Error::conflict(format!("The log is {length} bytes long.")))
        }
        Err(other) => Err(other.into()),
    }
}

/// By which the log and the documents of a job are kept.
async fn subject_id_of(cx: &Ctx, job: &Job) -> Result<String> {
    if job.kind == job::Kind::Assessment {
        return Ok(assessing::of(cx, job).await?.id.to_string());
    }
    let OfRun { run, phase, .. } = OfRun::of(job)?;
    let run = run::Entity::find_by_id(run).one(cx.read()).await?.ok_or(Error::NotFound)?;
    Ok(match phase {
        phase::Kind::Plan => run.plan_id.to_string(),
        phase::Kind::Apply => run.apply_id.to_string(),
    })
}

async fn log_of(cx: &Ctx, job: &Job) -> Result<blobs::LogId> {
    Ok(blobs::LogId::new(&subject_id_of(cx, job).await?)?)
}

/// Keeps a state that a running apply has written so far; answers the hex SHA-256 of the workspace's current state,
/// which is read back after all is committed.
///
/// # Errors
/// NotFound if the job is not an apply that is under way.
pub async fn save_state<S, E>(
    cx: &Ctx,
    _agent: &Granted<can::WorkAsAgent>,
    id: &JobId,
    content: S,
) -> Result<String>
where
    S: futures::Stream<Item = std::result::Result<bytes::Bytes, E>> + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let job = of(cx, id).await?;
    let OfRun { run, phase, .. } = OfRun::of(&job)?;
    if phase != phase::Kind::Apply || job.status == job::Status::Claimed {
        return Err(Error::NotFound);
    }
    let run = run::Entity::find_by_id(run).one(cx.read()).await?.ok_or(Error::NotFound)?;
    Box::pin(crate::states::save_from_run(cx, &run, content, true)).await?;
    crate::states::read_back(cx, &run.workspace_id).await
}
