//! Agent pools: agents of an organization's own, and which of its workspaces may use them.

mod abilities;
mod change;
mod list;
mod roll;
mod scope;
mod users;

use std::collections::HashMap;

use db::{
    entity::{agent, agent_pool, agent_pool_project, agent_pool_workspace::Standing, workspace},
    id::{AgentPoolId, ProjectId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect},
};

pub use abilities::has_agents;
pub(crate) use abilities::{Able, Present, engine_name, present};
pub use change::{Change, create, delete, update};
pub use list::{Filter, Sort, list};
pub use roll::{AgentSort, HeldAgent, Status, agents, delete_agent, find_agent};
pub(crate) use scope::{choose, fits_organization, fits_project, permits, permitted};

use crate::{
    Ctx, Found, In, Result, Subject, can, organizations,
    row::{AgentPool, Organization},
    workspaces,
};

/// The pool, with its organization.
pub async fn find(cx: &Ctx, id: &AgentPoolId) -> Result<Found<In<AgentPool, Organization>>> {
    organizations::find_in::<agent_pool::Entity>(cx, id, |row| &row.organization_name).await
}

pub(crate) async fn by_id(cx: &Ctx, id: &AgentPoolId) -> Result<Option<AgentPool>> {
    Ok(agent_pool::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// For includes: those of these whose organization lets the caller see them.
pub async fn load(cx: &Ctx, ids: &[AgentPoolId]) -> Result<Vec<AgentPool>> {
    let rows =
        agent_pool::Entity::find().filter(agent_pool::Column::Id.is_in(ids)).all(cx.read()).await?;
    let names: Vec<_> = rows.iter().map(|row| row.organization_name.clone()).collect();
    let organizations = organizations::load(cx, &names).await?;
    Ok(rows
        .into_iter()
        .filter(|row| {
            let mut all = organizations.iter();
            all.find(|of| of.name == row.organization_name)
                .is_some_and(|of| cx.may::<can::ReadAgentPools>(of))
        })
        .collect())
}

/// A pool as people see it.
#[derive(Clone, Debug)]
pub struct Details {
    pub pool: AgentPool,
    /// Without those that said goodbye.
    pub agents: u64,
    /// That name it themselves, as far as the caller may see them; so below.
    pub workspaces: Vec<WorkspaceId>,
    pub allowed_workspaces: Vec<WorkspaceId>,
    pub excluded_workspaces: Vec<WorkspaceId>,
    pub allowed_projects: Vec<ProjectId>,
}

/// One query for each kind of thing, however many pools there are.
pub async fn details(cx: &Ctx, pools: Vec<AgentPool>) -> Result<Vec<Details>> {
    let ids: Vec<_> = pools.iter().map(|pool| pool.id.clone()).collect();
    let mut agents = agent_counts(cx, &ids).await?;
    let mut users = users(cx, &ids).await?;
    let mut standings = scope::standings(cx, &ids).await?;
    let mut projects = allowed_projects(cx, &ids).await?;
    Ok(pools
        .into_iter()
        .map(|pool| Details {
            agents: agents.remove(&pool.id).unwrap_or_default(),
            workspaces: users.remove(&pool.id).unwrap_or_default(),
            allowed_workspaces: standings
                .remove(&(pool.id.clone(), Standing::Allowed))
                .unwrap_or_default(),
            excluded_workspaces: standings
                .remove(&(pool.id.clone(), Standing::Excluded))
                .unwrap_or_default(),
            allowed_projects: projects.remove(&pool.id).unwrap_or_default(),
            pool,
        })
        .collect())
}

async fn agent_counts(cx: &Ctx, ids: &[AgentPoolId]) -> Result<HashMap<AgentPoolId, u64>> {
    let counts: Vec<(AgentPoolId, i64)> = agent::Entity::find()
        .select_only()
        .column(agent::Column::AgentPoolId)
        .column_as(agent::Column::Id.count(), "agents")
        .filter(agent::Column::AgentPoolId.is_in(ids))
        .filter(agent::Column::HasExited.eq(false))
        .group_by(agent::Column::AgentPoolId)
        .into_tuple()
        .all(cx.read())
        .await?;
    Ok(counts.into_iter().map(|(id, count)| (id, count.unsigned_abs())).collect())
}

async fn users(cx: &Ctx, ids: &[AgentPoolId]) -> Result<HashMap<AgentPoolId, Vec<WorkspaceId>>> {
    let rows = workspace::Entity::find()
        .filter(workspace::Column::AgentPoolId.is_in(ids))
        .all(cx.read())
        .await?;
    let mut users: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows.into_iter().filter(|row| cx.may::<can::ReadWorkspace>(row)) {
        if let Some(pool) = row.agent_pool_id {
            users.entry(pool).or_default().push(row.id);
        }
    }
    Ok(users)
}

async fn allowed_projects(
    cx: &Ctx,
    ids: &[AgentPoolId],
) -> Result<HashMap<AgentPoolId, Vec<ProjectId>>> {
    let rows = agent_pool_project::Entity::find()
        .filter(agent_pool_project::Column::AgentPoolId.is_in(ids))
        .all(cx.read())
        .await?;
    let named: Vec<_> = rows.iter().map(|row| row.project_id.clone()).collect();
    let visible = crate::projects::load(cx, &named).await?;
    let mut projects: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        if visible.iter().any(|project| project.id == row.project_id) {
            projects.entry(row.agent_pool_id).or_default().push(row.project_id);
        }
    }
    Ok(projects)
}

/// The rows of these workspaces that the caller may see.
async fn visible_workspaces(cx: &Ctx, ids: &[WorkspaceId]) -> Result<Vec<WorkspaceId>> {
    Ok(workspaces::load(cx, ids).await?.into_iter().map(|row| row.id).collect())
}

fn subject(pool: &AgentPool) -> Subject<'_> {
    Subject {
        kind: "agent-pools",
        id: pool.id.as_str(),
        organization: Some(&pool.organization_name),
        ..Subject::default()
    }
}
