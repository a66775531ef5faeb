//! What is waiting and what is going on at this moment, in figures for whoever watches the server.

use db::{
    Timestamp,
    entity::{agent, agent_pool, job, organization, run, task},
    id::AgentPoolId,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect},
};

use crate::{App, Result, events};

/// With more organizations, or pools, than this, they are not told apart.
const MOST_NAMES: u64 = 100;
/// The agents of the site.
const SITE: &str = "site";
/// All others, where they are not named.
const POOLS: &str = "pools";
/// Seconds; agents call every few seconds while they are there.
const HEARD_OF: i64 = 60;

#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Runs that are not over.
    pub runs: Vec<Runs>,
    pub jobs: Vec<Jobs>,
    pub agents: Vec<Agents>,
    pub tasks: Vec<Tasks>,
    pub readers: Vec<Readers>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runs {
    /// `None` for all organizations together.
    pub organization: Option<String>,
    pub status: run::Status,
    pub count: i64,
    /// How long the one has been so that is so the longest.
    pub seconds: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jobs {
    pub pool: String,
    pub status: job::Status,
    pub count: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agents {
    pub pool: String,
    pub count: i64,
}

/// Work that was left for later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tasks {
    pub kind: String,
    pub count: i64,
    /// How long the first of them has been due; 0 if none is.
    pub seconds: i64,
}

/// Who reads what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readers {
    pub name: &'static str,
    /// How long the first event has been waiting that was not read; 0 if there is none.
    pub seconds: i64,
}

impl Figures {
    /// The same for who is not to learn which organizations and agent pools there are.
    #[must_use]
    pub fn without_names(&self) -> Self {
        let mut all =
            Self { tasks: self.tasks.clone(), readers: self.readers.clone(), ..Self::default() };
        for runs in &self.runs {
            match all.runs.iter_mut().find(|other| other.status == runs.status) {
                Some(other) => {
                    other.count += runs.count;
                    other.seconds = other.seconds.max(runs.seconds);
                }
                None => all.runs.push(Runs { organization: None, ..runs.clone() }),
            }
        }
        for jobs in &self.jobs {
            add_jobs(&mut all.jobs, Jobs { pool: kind_of(&jobs.pool), ..jobs.clone() });
        }
        for agents in &self.agents {
            add_agents(&mut all.agents, Agents { pool: kind_of(&agents.pool), ..agents.clone() });
        }
        all
    }
}

fn kind_of(pool: &str) -> String {
    if pool == SITE { SITE } else { POOLS }.to_owned()
}

fn add_jobs(all: &mut Vec<Jobs>, jobs: Jobs) {
    match all.iter_mut().find(|one| one.pool == jobs.pool && one.status == jobs.status) {
        Some(one) => one.count += jobs.count,
        None => all.push(jobs),
    }
}

fn add_agents(all: &mut Vec<Agents>, agents: Agents) {
    match all.iter_mut().find(|one| one.pool == agents.pool) {
        Some(one) => one.count += agents.count,
        None => all.push(agents),
    }
}

pub async fn gather(app: &App) -> Result<Figures> {
    let pools = Pools::read(app).await?;
    Ok(Figures {
        runs: runs(app).await?,
        jobs: jobs(app, &pools).await?,
        agents: agents(app, &pools).await?,
        tasks: tasks(app).await?,
        readers: readers(app).await?,
    })
}

fn seconds_since(app: &App, at: Timestamp) -> i64 {
    (app.now().0 - at.0).max(0) / 1000
}

async fn runs(app: &App) -> Result<Vec<Runs>> {
    let connection = app.db().read();
    let open = run::Entity::find().filter(run::Column::IsFinal.eq(false)).select_only();
    let told_apart = organization::Entity::find().count(connection).await? <= MOST_NAMES;
    let open = if told_apart {
        open.column(run::Column::OrganizationName).group_by(run::Column::OrganizationName)
    } else {
        open.column_as(run::Column::OrganizationName.max(), "organization_name")
    };
    let found: Vec<(String, run::Status, i64, Timestamp)> = open
        .column(run::Column::Status)
        .column_as(run::Column::Id.count(), "count")
        .column_as(run::Column::UpdatedAt.min(), "since")
        .group_by(run::Column::Status)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(found
        .into_iter()
        .map(|(organization, status, count, since)| Runs {
            organization: told_apart.then_some(organization),
            status,
            count,
            seconds: seconds_since(app, since),
        })
        .collect())
}

/// Names of agent pools, as long as there are not too many.
struct Pools(Option<Vec<(AgentPoolId, String, String)>>);

impl Pools {
    async fn read(app: &App) -> Result<Self> {
        let connection = app.db().read();
        if agent_pool::Entity::find().count(connection).await? > MOST_NAMES {
            return Ok(Self(None));
        }
        let all = agent_pool::Entity::find()
            .select_only()
            .columns([
                agent_pool::Column::Id,
                agent_pool::Column::OrganizationName,
                agent_pool::Column::Name,
            ])
            .into_tuple()
            .all(connection)
            .await?;
        Ok(Self(Some(all)))
    }

    fn name(&self, id: Option<&AgentPoolId>) -> String {
        let (Some(id), Some(all)) = (id, &self.0) else {
            return if id.is_none() { SITE } else { POOLS }.to_owned();
        };
        let found = all.iter().find(|(pool, ..)| pool == id);
        found.map_or_else(
            || POOLS.to_owned(),
            |(_, organization, name)| format!("{organization}/{name}"),
        )
    }
}

async fn jobs(app: &App, pools: &Pools) -> Result<Vec<Jobs>> {
    let open = [job::Status::Queued, job::Status::Claimed, job::Status::Started];
    let found: Vec<(Option<AgentPoolId>, job::Status, i64)> = job::Entity::find()
        .filter(job::Column::Status.is_in(open))
        .select_only()
        .column(job::Column::AgentPoolId)
        .column(job::Column::Status)
        .column_as(job::Column::Id.count(), "count")
        .group_by(job::Column::AgentPoolId)
        .group_by(job::Column::Status)
        .into_tuple()
        .all(app.db().read())
        .await?;
    let mut all: Vec<Jobs> = Vec::new();
    for (pool, status, count) in found {
        add_jobs(&mut all, Jobs { pool: pools.name(pool.as_ref()), status, count });
    }
    Ok(all)
}

async fn agents(app: &App, pools: &Pools) -> Result<Vec<Agents>> {
    let found: Vec<(Option<AgentPoolId>, i64)> = agent::Entity::find()
        .filter(agent::Column::HasExited.eq(false))
        .filter(agent::Column::LastPingAt.gte(app.now().plus_seconds(-HEARD_OF)))
        .select_only()
        .column(agent::Column::AgentPoolId)
        .column_as(agent::Column::Id.count(), "count")
        .group_by(agent::Column::AgentPoolId)
        .into_tuple()
        .all(app.db().read())
        .await?;
    let mut all: Vec<Agents> = Vec::new();
    for (pool, count) in found {
        add_agents(&mut all, Agents { pool: pools.name(pool.as_ref()), count });
    }
    Ok(all)
}

async fn tasks(app: &App) -> Result<Vec<Tasks>> {
    let found: Vec<(String, i64, Timestamp)> = task::Entity::find()
        .select_only()
        .column(task::Column::Kind)
        .column_as(task::Column::Id.count(), "count")
        .column_as(task::Column::DueAt.min(), "due")
        .group_by(task::Column::Kind)
        .into_tuple()
        .all(app.db().read())
        .await?;
    Ok(found
        .into_iter()
        .map(|(kind, count, due)| Tasks { kind, count, seconds: seconds_since(app, due) })
        .collect())
}

async fn readers(app: &App) -> Result<Vec<Readers>> {
    let behind = events::behind(app).await?;
    let seconds = |since: Option<Timestamp>| since.map_or(0, |since| seconds_since(app, since));
    Ok(behind.into_iter().map(|(name, since)| Readers { name, seconds: seconds(since) }).collect())
}
