//! The list of an organization's agent pools.

use db::{
    contains,
    entity::{
        agent_pool, agent_pool_project,
        agent_pool_workspace::{self, Standing},
        project, workspace,
    },
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
        sea_query::{Expr, ExprTrait, Func, SelectStatement, SimpleExpr},
    },
};

use crate::{Ctx, Granted, Order, Page, Paging, Result, can, row::AgentPool};

/// Each narrows the list further.
#[derive(Debug, Default)]
pub struct Filter {
    /// Part of the name.
    pub search: Option<String>,
    /// The name of a workspace that may use the pool.
    pub workspace: Option<String>,
    /// The name of a project whose workspaces may.
    pub project: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Name,
    CreatedAt,
}

pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadAgentPools>,
    filter: Filter,
    (sort, order): (Sort, Order),
    paging: Paging,
) -> Result<Page<AgentPool>> {
    use agent_pool::Column as C;
    let of = &organization.name;
    let mut condition = Condition::all().add(C::OrganizationName.eq(of));
    if let Some(text) = &filter.search {
        condition = condition.add(contains(C::Name, text));
    }
    if let Some(name) = &filter.workspace {
        condition = condition
            .add(
                Condition::any()
                    .add(C::OrganizationScoped.eq(true))
                    .add(C::Id.in_subquery(with_workspace(of, name, Standing::Allowed)))
                    .add(C::Id.in_subquery(with_projects(projects_of_workspace(of, name)))),
            )
            .add(C::Id.not_in_subquery(with_workspace(of, name, Standing::Excluded)));
    }
    if let Some(name) = &filter.project {
        let project = project::Entity::find()
            .select_only()
            .column(project::Column::Id)
            .filter(project::Column::OrganizationName.eq(of))
            .filter(is_named(project::Column::Name, name))
            .into_query();
        condition = condition.add(
            Condition::any()
                .add(C::OrganizationScoped.eq(true))
                .add(C::Id.in_subquery(with_projects(project))),
        );
    }
    let query = agent_pool::Entity::find().filter(condition);
    let query = match sort {
        Sort::Name => query.order_by(C::Name, order.into()),
        Sort::CreatedAt => query.order_by(C::CreatedAt, order.into()),
    };
    let query = query.order_by_asc(C::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// Names are the same whatever their case.
fn is_named(column: impl ColumnTrait, name: &str) -> SimpleExpr {
    Expr::expr(Func::lower(column.into_expr())).eq(name.to_lowercase())
}

fn with_workspace(organization: &str, name: &str, standing: Standing) -> SelectStatement {
    let named = workspace::Entity::find()
        .select_only()
        .column(workspace::Column::Id)
        .filter(workspace::Column::OrganizationName.eq(organization))
        .filter(is_named(workspace::Column::Name, name))
        .into_query();
    agent_pool_workspace::Entity::find()
        .select_only()
        .column(agent_pool_workspace::Column::AgentPoolId)
        .filter(agent_pool_workspace::Column::Standing.eq(standing))
        .filter(agent_pool_workspace::Column::WorkspaceId.in_subquery(named))
        .into_query()
}

fn projects_of_workspace(organization: &str, name: &str) -> SelectStatement {
    workspace::Entity::find()
        .select_only()
        .column(workspace::Column::ProjectId)
        .filter(workspace::Column::OrganizationName.eq(organization))
        .filter(is_named(workspace::Column::Name, name))
        .into_query()
}

fn with_projects(projects: SelectStatement) -> SelectStatement {
    agent_pool_project::Entity::find()
        .select_only()
        .column(agent_pool_project::Column::AgentPoolId)
        .filter(agent_pool_project::Column::ProjectId.in_subquery(projects))
        .into_query()
}
