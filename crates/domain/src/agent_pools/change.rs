//! Making an agent pool, changing whom it is for, and taking it away.

use std::collections::BTreeSet;

use db::{
    Json,
    entity::{
        agent, agent_pool, agent_pool_project as for_project,
        agent_pool_workspace::{self as standing, Standing},
        job, phase,
        run_limits::RunLimits,
        token,
    },
    id::{AgentPoolId, ProjectId, RunId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait},
};
use serde_json::json;

use super::{subject, users};
use crate::{
    Ctx, Error, Granted, Happened, In, Result, Tx, can,
    error::taken,
    names,
    row::{AgentPool, Organization},
    run_limits,
};

/// Characters.
const NAME_LIMIT: usize = 255;

/// What can be given on create and changed later; absent fields keep their value, lists replace what was there.
#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub organization_scoped: Option<bool>,
    pub allowed_workspaces: Option<Vec<WorkspaceId>>,
    pub excluded_workspaces: Option<Vec<WorkspaceId>>,
    pub allowed_projects: Option<Vec<ProjectId>>,
    pub run_limits: run_limits::Change,
}

/// The lists of a change, once it is known that all that is in them is there for the caller.
struct Lists {
    workspaces: Vec<(Standing, BTreeSet<WorkspaceId>)>,
    projects: Option<BTreeSet<ProjectId>>,
}

impl Lists {
    async fn of(cx: &Ctx, organization: &str, change: &mut Change) -> Result<Self> {
        let mut workspaces = Vec::new();
        for (standing, name, wanted) in [
            (Standing::Allowed, "allowed-workspaces", change.allowed_workspaces.take()),
            (Standing::Excluded, "excluded-workspaces", change.excluded_workspaces.take()),
        ] {
            let Some(wanted) = wanted else { continue };
            let rows = crate::workspaces::load(cx, &wanted).await?;
            for id in &wanted {
                let mut all = rows.iter();
                if !all.any(|row| row.id == *id && row.organization_name == organization) {
                    let why = format!("There is no workspace {id} in this organization.");
                    return Err(Error::invalid_relation(name, why));
                }
            }
            workspaces.push((standing, wanted.into_iter().collect()));
        }
        let projects = match change.allowed_projects.take() {
            None => None,
            Some(wanted) => {
                let rows = crate::projects::load(cx, &wanted).await?;
                for id in &wanted {
                    let mut all = rows.iter();
                    if !all.any(|row| row.id == *id && row.organization_name == organization) {
                        let why = format!("There is no project {id} in this organization.");
                        return Err(Error::invalid_relation("allowed-projects", why));
                    }
                }
                Some(wanted.into_iter().collect())
            }
        };
        Ok(Self { workspaces, projects })
    }

    async fn replace(self, tx: &Tx, pool: &AgentPoolId) -> Result<()> {
        for (which, wanted) in self.workspaces {
            standing::Entity::delete_many()
                .filter(standing::Column::AgentPoolId.eq(pool))
                .filter(standing::Column::Standing.eq(which))
                .exec(tx.db())
                .await?;
            let rows = wanted
                .into_iter()
                .map(|workspace_id| standing::Model {
                    agent_pool_id: pool.clone(),
                    workspace_id,
                    standing: which,
                })
                .collect();
            db::insert_many::<_, standing::ActiveModel>(tx, rows).await?;
        }
        if let Some(wanted) = self.projects {
            for_project::Entity::delete_many()
                .filter(for_project::Column::AgentPoolId.eq(pool))
                .exec(tx.db())
                .await?;
            let rows = wanted
                .into_iter()
                .map(|project_id| for_project::Model { agent_pool_id: pool.clone(), project_id })
                .collect();
            db::insert_many::<_, for_project::ActiveModel>(tx, rows).await?;
        }
        Ok(())
    }
}

pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::ManageAgentPools>,
    mut change: Change,
) -> Result<AgentPool> {
    let name = check_name(change.name.take().unwrap_or_default())?;
    let limits = change.run_limits.applied_to(RunLimits::default())?;
    let lists = Lists::of(cx, &organization.name, &mut change).await?;
    let tx = cx.write().await?;
    let row = tx
        .insert(AgentPool {
            id: AgentPoolId::fresh(),
            organization_name: organization.name.clone(),
            name,
            organization_scoped: change.organization_scoped.unwrap_or(true),
            run_limits: Json(limits),
            created_at: tx.now(),
        })
        .await
        .map_err(taken("name"))?;
    lists.replace(&tx, &row.id).await?;
    tx.emit(Happened::AgentPoolCreated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update(
    cx: &Ctx,
    pool: &Granted<can::ManageAgentPools, In<AgentPool, Organization>>,
    mut change: Change,
) -> Result<AgentPool> {
    let lists = Lists::of(cx, &pool.organization_name, &mut change).await?;
    let tx = cx.write().await?;
    let mut row = tx.lock::<agent_pool::Entity>(pool.id.clone()).await?.ok_or(Error::NotFound)?;
    if let Some(name) = change.name {
        row.name = check_name(name)?;
    }
    if let Some(scoped) = change.organization_scoped {
        row.organization_scoped = scoped;
    }
    row.run_limits = Json(change.run_limits.applied_to(row.run_limits.0)?);
    let row = tx.update(row).await.map_err(taken("name"))?;
    lists.replace(&tx, &row.id).await?;
    tx.emit(Happened::AgentPoolUpdated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(row)
}

/// Takes the pool away with its tokens and agents.
///
/// # Errors
/// Conflict, naming by what, while it is used: otherwise runs would wait for agents that never come.
pub async fn delete(
    cx: &Ctx,
    pool: &Granted<can::ManageAgentPools, In<AgentPool, Organization>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<agent_pool::Entity>(pool.id.clone()).await?.ok_or(Error::NotFound)?;
    if let Some(users) = users::of(&tx, &row.id).await? {
        return Err(Error::conflict(format!(
            "The agent pool is in use by {users}. Let them use another one first."
        )));
    }
    if let Some(run) = awaited_from(&tx, &row.id).await? {
        return Err(Error::conflict(format!(
            "The state of the run {run} may still come from an agent of this pool, which could bring it no more. It is \
             waited for until an hour after the end of the run."
        )));
    }
    token::Entity::delete_many()
        .filter(token::Column::AgentPoolId.eq(&row.id))
        .exec(tx.db())
        .await?;
    agent::Entity::delete_many()
        .filter(agent::Column::AgentPoolId.eq(&row.id))
        .exec(tx.db())
        .await?;
    tx.emit(Happened::AgentPoolDeleted, subject(&row), json!({ "name": row.name })).await?;
    tx.delete(row).await?;
    tx.commit().await
}

/// A run whose state only an agent of this pool may have.
async fn awaited_from(tx: &Tx, pool: &AgentPoolId) -> Result<Option<RunId>> {
    let awaiting = phase::Entity::find()
        .select_only()
        .column(phase::Column::RunId)
        .filter(phase::Column::StateAwaitedUntil.gt(tx.now()))
        .into_query();
    Ok(job::Entity::find()
        .select_only()
        .column(job::Column::RunId)
        .filter(job::Column::AgentPoolId.eq(pool))
        .filter(job::Column::Kind.eq(job::Kind::Apply))
        .filter(job::Column::RunId.in_subquery(awaiting))
        .into_tuple()
        .one(tx.db())
        .await?)
}

fn check_name(name: String) -> Result<String> {
    names::check("name", &name, NAME_LIMIT)?;
    Ok(name)
}
