//! Which workspaces may use an agent pool.

use std::collections::{HashMap, HashSet};

use db::{
    entity::{
        agent_pool, agent_pool_project as for_project,
        agent_pool_workspace::{self as standing, Standing},
    },
    id::{AgentPoolId, ProjectId, WorkspaceId},
    sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter},
};

use super::visible_workspaces;
use crate::{
    Ctx, Error, Result, can,
    row::{AgentPool, Organization, Workspace},
};

/// Workspaces by their standing, as far as the caller may see them.
pub(super) async fn standings(
    cx: &Ctx,
    ids: &[AgentPoolId],
) -> Result<HashMap<(AgentPoolId, Standing), Vec<WorkspaceId>>> {
    let rows = standing::Entity::find()
        .filter(standing::Column::AgentPoolId.is_in(ids))
        .all(cx.read())
        .await?;
    let named: Vec<_> = rows.iter().map(|row| row.workspace_id.clone()).collect();
    let visible = visible_workspaces(cx, &named).await?;
    let mut standings: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows.into_iter().filter(|row| visible.contains(&row.workspace_id)) {
        let key = (row.agent_pool_id, row.standing);
        standings.entry(key).or_default().push(row.workspace_id);
    }
    Ok(standings)
}

/// Whether the workspace may use the pool.
pub(crate) async fn permits(
    db: &impl ConnectionTrait,
    pool: &AgentPool,
    workspace: &Workspace,
) -> Result<bool> {
    if pool.organization_name != workspace.organization_name {
        return Ok(false);
    }
    let wanted = if pool.organization_scoped { Standing::Excluded } else { Standing::Allowed };
    let key = (pool.id.clone(), workspace.id.clone(), wanted);
    let is_listed = standing::Entity::find_by_id(key).one(db).await?.is_some();
    if pool.organization_scoped {
        return Ok(!is_listed);
    }
    Ok(is_listed || is_for_project(db, pool, &workspace.project_id).await?)
}

async fn is_for_project(
    db: &impl ConnectionTrait,
    pool: &AgentPool,
    project: &ProjectId,
) -> Result<bool> {
    let key = (pool.id.clone(), project.clone());
    Ok(for_project::Entity::find_by_id(key).one(db).await?.is_some())
}

/// Of these workspaces, with their projects, those that may use the pool beside them; three queries for all.
pub(crate) async fn permitted(
    cx: &Ctx,
    wanted: &[(AgentPoolId, WorkspaceId, ProjectId)],
) -> Result<HashSet<WorkspaceId>> {
    let ids: HashSet<_> = wanted.iter().map(|(pool, ..)| pool).collect();
    let pools: HashMap<AgentPoolId, bool> = agent_pool::Entity::find()
        .filter(agent_pool::Column::Id.is_in(ids.iter().copied()))
        .all(cx.read())
        .await?
        .into_iter()
        .map(|pool| (pool.id, pool.organization_scoped))
        .collect();
    let listed: HashSet<_> = standing::Entity::find()
        .filter(standing::Column::AgentPoolId.is_in(ids.iter().copied()))
        .filter(
            standing::Column::WorkspaceId.is_in(wanted.iter().map(|(_, workspace, _)| workspace)),
        )
        .all(cx.read())
        .await?
        .into_iter()
        .map(|row| (row.agent_pool_id, row.workspace_id, row.standing))
        .collect();
    let projects: HashSet<_> = for_project::Entity::find()
        .filter(for_project::Column::AgentPoolId.is_in(ids.iter().copied()))
        .all(cx.read())
        .await?
        .into_iter()
        .map(|row| (row.agent_pool_id, row.project_id))
        .collect();
    let is_listed = |pool: &AgentPoolId, workspace: &WorkspaceId, as_what| {
        listed.contains(&(pool.clone(), workspace.clone(), as_what))
    };
    Ok(wanted
        .iter()
        .filter(|(pool, workspace, project)| match pools.get(pool) {
            None => false,
            Some(true) => !is_listed(pool, workspace, Standing::Excluded),
            Some(false) => {
                is_listed(pool, workspace, Standing::Allowed)
                    || projects.contains(&(pool.clone(), project.clone()))
            }
        })
        .map(|(_, workspace, _)| workspace.clone())
        .collect())
}

/// The pool that somebody chooses for a workspace.
///
/// # Errors
/// Invalid for one that is not there for the caller, or not for the workspace.
pub(crate) async fn choose(cx: &Ctx, id: &AgentPoolId, workspace: &Workspace) -> Result<()> {
    let pool = known(cx, id, &workspace.organization_name, "agent-pool-id").await?;
    if permits(cx.read(), &pool, workspace).await? {
        return Ok(());
    }
    Err(Error::invalid("agent-pool-id", "is of an agent pool that this workspace may not use"))
}

/// The same, as the default of a project.
pub(crate) async fn fits_project(
    cx: &Ctx,
    id: &AgentPoolId,
    organization: &str,
    project: &ProjectId,
) -> Result<()> {
    let attribute = "default-agent-pool-id";
    let pool = known(cx, id, organization, attribute).await?;
    if pool.organization_scoped || is_for_project(cx.read(), &pool, project).await? {
        return Ok(());
    }
    Err(Error::invalid(attribute, "is of an agent pool that this project may not use"))
}

/// The same, as the default of an organization.
pub(crate) async fn fits_organization(
    cx: &Ctx,
    id: &AgentPoolId,
    organization: &str,
) -> Result<()> {
    let attribute = "default-agent-pool-id";
    let pool = known(cx, id, organization, attribute).await?;
    if pool.organization_scoped {
        return Ok(());
    }
    Err(Error::invalid(attribute, "is of an agent pool that is not organization-scoped"))
}

async fn known(
    cx: &Ctx,
    id: &AgentPoolId,
    organization: &str,
    attribute: &str,
) -> Result<AgentPool> {
    let pool = agent_pool::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let of: Option<Organization> = crate::organizations::by_name(cx, organization).await?;
    let visible = of.is_some_and(|of| cx.may::<can::ReadAgentPools>(&of));
    pool.filter(|pool| visible && pool.organization_name == organization).ok_or_else(|| {
        Error::invalid(attribute, format!("{id} does not exist in this organization"))
    })
}
