//! Where the runs of a workspace execute: as it says itself, or else its project, or else its organization.

use db::{
    entity::{
        organization, project,
        workspace::{self, ExecutionMode},
    },
    id::AgentPoolId,
    sea_orm::{
        ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
        sea_query::{SelectStatement, SimpleExpr},
    },
};

use crate::{
    Error, Result, agent_pools,
    row::{Job, Organization, Project, Workspace},
};

/// A mode, with the pool that it needs if it is agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    pub mode: ExecutionMode,
    pub agent_pool_id: Option<AgentPoolId>,
}

impl Execution {
    fn new(mode: ExecutionMode, pool: Option<&AgentPoolId>) -> Self {
        let agent_pool_id = pool.filter(|_| mode == ExecutionMode::Agent).cloned();
        Self { mode, agent_pool_id }
    }

    pub fn of_organization(organization: Option<&Organization>) -> Self {
        organization.map_or_else(
            || Self::new(ExecutionMode::Remote, None),
            |of| Self::new(of.default_execution_mode, of.default_agent_pool_id.as_ref()),
        )
    }

    /// What new workspaces of the project get.
    pub fn of_project(project: Option<&Project>, organization: Option<&Organization>) -> Self {
        let own = project.and_then(|project| {
            let mode = project.default_execution_mode?;
            Some(Self::new(mode, project.default_agent_pool_id.as_ref()))
        });
        own.unwrap_or_else(|| Self::of_organization(organization))
    }

    pub fn of(
        workspace: &Workspace,
        project: Option<&Project>,
        organization: Option<&Organization>,
    ) -> Self {
        match workspace.execution_mode {
            Some(mode) => Self::new(mode, workspace.agent_pool_id.as_ref()),
            None => Self::of_project(project, organization),
        }
    }
}

/// The pool that goes with a mode: one without the other is refused, and another mode than agent gives the pool back.
///
/// # Errors
/// Invalid, by the words that clients look for.
pub(crate) fn pool_for(
    mode: Option<ExecutionMode>,
    wanted: Option<Option<AgentPoolId>>,
    current: Option<AgentPoolId>,
    attribute: &str,
) -> Result<Option<AgentPoolId>> {
    let agent = mode == Some(ExecutionMode::Agent);
    match (agent, wanted) {
        (false, Some(Some(_))) => {
            let why = "must not be specified unless using 'agent' execution mode";
            Err(Error::invalid(attribute, why))
        }
        (false, _) => Ok(None),
        (true, wanted) => match wanted.unwrap_or(current) {
            None => {
                let why = "must be specified when using 'agent' execution mode";
                Err(Error::invalid(attribute, why))
            }
            pool => Ok(pool),
        },
    }
}

/// For one workspace, in a transaction or without.
async fn execution(db: &impl ConnectionTrait, workspace: &Workspace) -> Result<Execution> {
    if workspace.execution_mode.is_some() {
        return Ok(Execution::of(workspace, None, None));
    }
    let project = project::Entity::find_by_id(workspace.project_id.clone()).one(db).await?;
    let organization =
        organization::Entity::find_by_id(workspace.organization_name.clone()).one(db).await?;
    Ok(Execution::of(workspace, project.as_ref(), organization.as_ref()))
}

/// Holds for workspaces whose runs agents of one of these pools execute: the same as [`Execution::of`], for lists.
pub(crate) fn executed_by(pools: SelectStatement) -> Condition {
    let agents = |mode: SimpleExpr, pool: SimpleExpr| Condition::all().add(mode).add(pool);
    let organizations = organization::Entity::find()
        .select_only()
        .column(organization::Column::Name)
        .filter(agents(
            organization::Column::DefaultExecutionMode.eq(ExecutionMode::Agent),
            organization::Column::DefaultAgentPoolId.in_subquery(pools.clone()),
        ))
        .into_query();
    let projects = project::Entity::find()
        .select_only()
        .column(project::Column::Id)
        .filter(
            Condition::any()
                .add(agents(
                    project::Column::DefaultExecutionMode.eq(ExecutionMode::Agent),
                    project::Column::DefaultAgentPoolId.in_subquery(pools.clone()),
                ))
                .add(agents(
                    project::Column::DefaultExecutionMode.is_null(),
                    project::Column::OrganizationName.in_subquery(organizations),
                )),
        )
        .into_query();
    Condition::any()
        .add(agents(
            workspace::Column::ExecutionMode.eq(ExecutionMode::Agent),
            workspace::Column::AgentPoolId.in_subquery(pools),
        ))
        .add(agents(
            workspace::Column::ExecutionMode.is_null(),
            workspace::Column::ProjectId.in_subquery(projects),
        ))
}

/// Whose agents execute the next phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Executor {
    /// Those of this site.
    Site,
    Pool(AgentPoolId),
    /// Nobody's, as long as this is so.
    Nobody(&'static str),
}

impl Executor {
    pub fn pool(&self) -> Option<&AgentPoolId> {
        match self {
            Self::Pool(id) => Some(id),
            Self::Site | Self::Nobody(_) => None,
        }
    }
}

pub(crate) async fn executor(db: &impl ConnectionTrait, workspace: &Workspace) -> Result<Executor> {
    let execution = execution(db, workspace).await?;
    match (execution.mode, execution.agent_pool_id) {
        (ExecutionMode::Remote, _) => Ok(Executor::Site),
        (ExecutionMode::Local, _) => Ok(Executor::Nobody(
            "The workspace's execution mode is local now: nobody here executes its runs. The run goes on when it is \
             another one.",
        )),
        (ExecutionMode::Agent, None) => Ok(Executor::Nobody(
            "The workspace's execution mode is agent, but it has no agent pool. The run goes on when it has one.",
        )),
        (ExecutionMode::Agent, Some(id)) => in_pool(db, id, workspace).await,
    }
}

/// The executor of an apply: where its plan was made, whatever the workspace says by now.
pub(crate) async fn executor_again(
    db: &impl ConnectionTrait,
    workspace: &Workspace,
    planned: Option<Job>,
) -> Result<Executor> {
    match planned {
        None => executor(db, workspace).await,
        Some(Job { agent_pool_id: None, .. }) => Ok(Executor::Site),
        Some(Job { agent_pool_id: Some(id), .. }) => in_pool(db, id, workspace).await,
    }
}

async fn in_pool(
    db: &impl ConnectionTrait,
    id: AgentPoolId,
    workspace: &Workspace,
) -> Result<Executor> {
    let pool = db::entity::agent_pool::Entity::find_by_id(id.clone()).one(db).await?;
    let Some(pool) = pool else {
        return Ok(Executor::Nobody(
            "The agent pool that was to execute it does not exist any more. A run that is not planned yet goes on when \
             its workspace has another one; else it can only be ended.",
        ));
    };
    if agent_pools::permits(db, &pool, workspace).await? {
        Ok(Executor::Pool(id))
    } else {
        Ok(Executor::Nobody(
            "The workspace may not use its agent pool. The run goes on when the pool's settings let it.",
        ))
    }
}
