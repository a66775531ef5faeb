//! Why a run that waits does not go on, where nobody sees it from the runs before it: for want of who executes it. Each
//! sentence says who or what ends it.

use std::collections::BTreeMap;

use db::{
    entity::{job, phase, run::Status, tool_version::Engine, workspace::LockKind},
    id::AgentPoolId,
    sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter},
};

use super::{
    candidates::{self, Candidate, Place, Wanted},
    confirmations, queue, stages, turns, unsaved,
};
use crate::{
    Ctx, In, Result, Timestamp, agent_pools, configurations,
    freezes::{self, Frozen},
    locks,
    row::Run,
    teams,
    tool_versions::{self, Wish},
    workspaces::Executor,
};

/// What keeps a run from going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    pub kind: Obstacle,
    /// Of what it waits for, where that has one.
    pub name: Option<String>,
    /// When it goes on by itself, where that is known.
    pub until: Option<Timestamp>,
    /// For people: what it waits for, and who or what ends that.
    pub reason: String,
}

/// What a run can wait for, apart from the runs before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    People,
    Configuration,
    /// Of an apply that is over.
    State,
    Freeze,
    Lock,
    /// Nobody who could executes it.
    Agent,
    Slot,
}

impl Obstacle {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Configuration => "configuration",
            Self::State => "state",
            Self::Freeze => "freeze",
            Self::Lock => "lock",
            Self::Agent => "agent",
            Self::Slot => "slot",
        }
    }

    fn saying(self, reason: impl Into<String>) -> Blocked {
        Blocked { kind: self, name: None, until: None, reason: reason.into() }
    }
}

/// A sentence for people, or nothing if there is nothing to wait for.
pub async fn waits_for(cx: &Ctx, run: &In<Run>) -> Result<Option<String>> {
    Ok(blocked_by(cx, run).await?.map(|blocked| blocked.reason))
}

/// Nothing for a run that goes on by itself.
pub async fn blocked_by(cx: &Ctx, run: &In<Run>) -> Result<Option<Blocked>> {
    if let Some(people) = confirmations::waits_for(cx, run).await? {
        return Ok(Some(Obstacle::People.saying(people)));
    }
    let Some(kind) = awaited_phase(run.status) else { return Ok(None) };
    if let Some(id) = &run.configuration_version_id
        && run.status == Status::Pending
        && let Some(awaited) = configurations::awaited(cx, id).await?
    {
        return Ok(Some(Obstacle::Configuration.saying(format!(
            "{awaited} If it does not come within an hour, the run ends; others do not wait for it."
        ))));
    }
    if stages::awaited_phase(run.status).is_some()
        && turns::takes_turn(run)
        && let Some((other, until)) =
            unsaved::awaited_in(cx.read(), &run.workspace_id, cx.now()).await?
    {
        let reason = format!(
            "The apply of the run {other} has ended without its state, which its agent may still bring: until then \
             nobody knows what there is. The run goes on when the state is there, when somebody uploads one, or at {}.",
            until.iso8601()
        );
        return Ok(Some(Blocked { until: Some(until), ..Obstacle::State.saying(reason) }));
    }
    if let Some(frozen) = freezes::waits_for(cx, run).await? {
        return Ok(Some(in_a_freeze(cx, run, frozen).await?));
    }
    if let Some(why) = somebody_has_locked_it(cx, run).await? {
        return Ok(Some(Obstacle::Lock.saying(why)));
    }
    let pool = match executor(cx, run).await? {
        Some(Executor::Site) => None,
        Some(Executor::Pool(id)) => Some(id),
        Some(Executor::Nobody(why)) => return Ok(Some(Obstacle::Agent.saying(why))),
        None => return Ok(None),
    };
    let version = run.terraform_version.as_ref().unwrap_or(&run.of.terraform_version);
    let wish = Wish { version, engine: run.engine.or(run.of.engine) };
    let is_of_site = pool.is_none();
    if let Some(why) = nobody_can(cx, pool, kind, wish).await? {
        return Ok(Some(Obstacle::Agent.saying(why)));
    }
    let places = if is_of_site { no_place(cx, run).await? } else { None };
    Ok(places.map(|why| Obstacle::Slot.saying(why)))
}

/// Names whoever can end it before its time, as far as a sentence has room.
async fn in_a_freeze(cx: &Ctx, run: &Run, Frozen { name, until }: Frozen) -> Result<Blocked> {
    const NAMED: usize = 3;
    let mut owners = teams::owners_of(cx, &run.organization_name).await?;
    if owners.len() > NAMED {
        owners.truncate(NAMED);
        owners.push("others".to_owned());
    }
    let named = if owners.is_empty() { String::new() } else { format!(" ({})", owners.join(", ")) };
    let reason = format!(
        "Nothing is applied until {}: the freeze “{name}” holds it up. The run goes on by itself then, or when an owner \
         of {}{named} lets it through and says why.",
        until.iso8601(),
        run.organization_name,
    );
    let blocked = Obstacle::Freeze.saying(reason);
    Ok(Blocked { name: Some(name), until: Some(until), ..blocked })
}

/// A lock that is no run's, which nobody can see from the runs before.
async fn somebody_has_locked_it(cx: &Ctx, run: &In<Run>) -> Result<Option<String>> {
    let is_somebodys = run.of.lock_kind.is_some_and(|kind| kind != LockKind::Run);
    if !is_somebodys || !turns::takes_turn(run) || stages::awaited_phase(run.status).is_none() {
        return Ok(None);
    }
    let holder = locks::holder_of(cx, &run.of).await?.unwrap_or_default();
    let reason = run.of.lock_reason.as_deref().map(|reason| format!(" (“{reason}”)"));
    Ok(Some(format!(
        "The workspace is locked by {holder}{}. The run goes on when it is unlocked: by them, or by somebody who \
         administers the workspace.",
        reason.unwrap_or_default()
    )))
}

/// The phase that it waits to begin: until it is its turn, or until an agent takes it.
fn awaited_phase(status: Status) -> Option<phase::Kind> {
    match status {
        Status::PlanQueued => Some(phase::Kind::Plan),
        Status::ApplyQueued => Some(phase::Kind::Apply),
        other => stages::awaited_phase(other),
    }
}

/// Who is to execute it; nobody is waited for where an agent has it already.
async fn executor(cx: &Ctx, run: &In<Run>) -> Result<Option<Executor>> {
    if stages::awaited_phase(run.status).is_some() {
        return Ok(Some(queue::executor_of(cx.read(), &run.of, &run.row).await?));
    }
    let queued = job::Entity::find()
        .filter(job::Column::RunId.eq(&run.id))
        .filter(job::Column::Status.eq(job::Status::Queued));
    let queued = queued.one(cx.read()).await?;
    Ok(queued.map(|job| job.agent_pool_id.map_or(Executor::Site, Executor::Pool)))
}

/// Why no agent will take up this phase as things are.
async fn nobody_can(
    cx: &Ctx,
    pool: Option<AgentPoolId>,
    kind: phase::Kind,
    wish: Wish<'_>,
) -> Result<Option<String>> {
    let present = agent_pools::present(cx).await?;
    let Some(there) = present.get(&pool) else { return nobody_is_there(cx, pool).await.map(Some) };
    let tool = match kind {
        phase::Kind::Plan => tool_versions::resolve(cx, wish).await?,
        phase::Kind::Apply => tool_versions::given(cx, wish).await?,
    };
    let Some(tool) = tool else { return no_version(cx, wish).await.map(Some) };
    if there.iter().any(|able| able.can(kind.into(), &tool)) {
        return Ok(None);
    }
    let engine = tool.kind.engine().map_or("the engine", Engine::title);
    Ok(Some(format!(
        "No agent that is there can execute it: none has {engine} {}, or can get it for its machine. The run goes on \
         when one can.",
        tool.version
    )))
}

async fn nobody_is_there(cx: &Ctx, pool: Option<AgentPoolId>) -> Result<String> {
    let Some(id) = pool else {
        return Ok("No agent of this server is there. The run goes on when the server runs with its own agent \
                   (without --no-agent), or, before it is planned, when the workspace has an agent pool with an agent."
            .to_owned());
    };
    let name = agent_pools::by_id(cx, &id).await?.map(|pool| pool.name).unwrap_or_default();
    Ok(format!("No agent of the agent pool “{name}” is there. The run goes on when one is."))
}

async fn no_version(cx: &Ctx, wish: Wish<'_>) -> Result<String> {
    if !tool_versions::any(cx).await? {
        return Ok("No Terraform and no OpenTofu is known to this server. The run goes on when an agent has one: it \
                   looks on its PATH and at --engine when it starts; or when an administrator lets workspaces use \
                   releases."
            .to_owned());
    }
    let wished = wish.engine.map_or_else(|| format!("Version {wish}"), |_| wish.to_string());
    if tool_versions::is_disabled(cx, wish).await? {
        return Ok(format!(
            "{wished} was disabled by an administrator. The run goes on when it is enabled again, or when its \
             workspace names another one."
        ));
    }
    Ok(format!(
        "{wished} is not known to this server. The run goes on when an agent has it, when an administrator makes it \
         known, or when its workspace names another one."
    ))
}

/// Whether it is only for others that are at work.
async fn no_place(cx: &Ctx, run: &In<Run>) -> Result<Option<String>> {
    let places = cx.settings().concurrency;
    if stages::awaited_phase(run.status).is_none() || queue::busy(cx.read()).await? < places {
        return Ok(None);
    }
    let wanted = Wanted { workspace: Some(&run.workspace_id), ..everybody(run.status) };
    let is_next = find(cx, wanted).await?.iter().any(|candidate| candidate.id == run.id);
    Ok(is_next.then(|| {
        format!(
            "This server executes {places} at once, and all places are taken. The run goes on when one is free."
        )
    }))
}

fn everybody(status: Status) -> Wanted<'static> {
    let closed = &freezes::NOWHERE;
    Wanted { status, of_site: true, of_pools: true, workspace: None, unreadable: &[], closed }
}

async fn find(cx: &Ctx, wanted: Wanted<'_>) -> Result<Vec<Candidate>> {
    let query = candidates::query(cx.read().get_database_backend(), wanted, None);
    Ok(Candidate::find_by_statement(query).all(cx.read()).await?)
}

/// Says in the log for want of what runs wait whose turn it is: once, and again after a while.
pub async fn tell(cx: &Ctx) -> Result<()> {
    let mut wants: BTreeMap<_, (usize, Candidate)> = BTreeMap::new();
    for (status, _) in stages::QUEUED {
        for candidate in find(cx, everybody(status)).await? {
            let wish = candidate.wish();
            let pool = match candidate.place() {
                Place::Site => None,
                Place::Pool(id) => Some(id),
                Place::Nowhere => continue,
            };
            let engine = wish.engine.map(Engine::title);
            let key = (status.as_str(), pool, wish.version.to_owned(), engine);
            wants.entry(key).or_insert((0, candidate)).0 += 1;
        }
    }
    for ((_, pool, ..), (count, first)) in wants {
        let Some(kind) = awaited_phase(first.status) else { continue };
        let Some(why) = nobody_can(cx, pool, kind, first.wish()).await? else { continue };
        if cx.troubles().is_news("waiting runs", &why, cx.now()) {
            tracing::warn!(run = %first.id, runs = count, "{count} run(s) wait. {why}");
        }
    }
    Ok(())
}
