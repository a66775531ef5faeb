//! Lists of runs: of a workspace, of an organization, and those that wait.

use db::{
    contains,
    entity::{
        agent_pool, job,
        run::{self, Source, Status},
        workspace,
    },
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
        sea_query::SelectStatement,
    },
};

use super::{status, with_workspaces};
use crate::{
    Ctx, Granted, In, Page, Paging, Result,
    access::Scope,
    can,
    row::{Run, Workspace},
};

#[derive(Debug, Default)]
pub struct Filter {
    pub statuses: Vec<Status>,
    pub sources: Vec<Source>,
    /// `plan_and_apply`, `plan_only`, `refresh_only`, `destroy`, `empty_apply`, `save_plan`
    pub operations: Vec<String>,
    /// `non_final`, `final` or `discardable`
    pub status_group: Option<String>,
    /// Part of the message, or the id.
    pub search: Option<String>,
    /// Names of workspaces.
    pub workspaces: Vec<String>,
    /// Names of agent pools that were to execute them.
    pub agent_pools: Vec<String>,
}

impl Filter {
    fn condition(self) -> Condition {
        let mut all = Condition::all();
        if !self.statuses.is_empty() {
            all = all.add(run::Column::Status.is_in(self.statuses));
        }
        if !self.sources.is_empty() {
            all = all.add(run::Column::Source.is_in(self.sources));
        }
        match self.status_group.as_deref() {
            Some("final") => all = all.add(run::Column::IsFinal.eq(true)),
            Some("non_final") => all = all.add(run::Column::IsFinal.eq(false)),
            Some("discardable") => {
                let discardable = Status::ALL
                    .iter()
                    .copied()
                    .filter(|s| status::is_discardable(*s) && *s != Status::Pending);
                all = all.add(run::Column::Status.is_in(discardable));
            }
            _ => {}
        }
        if !self.operations.is_empty() {
            let mut any = Condition::any();
            for operation in &self.operations {
                any = any.add(operation_condition(operation));
            }
            all = all.add(any);
        }
        if !self.agent_pools.is_empty() {
            all = all.add(run::Column::Id.in_subquery(by_pools(self.agent_pools)));
        }
        if let Some(text) = self.search {
            let any = Condition::any()
                .add(contains(run::Column::Message, &text))
                .add(run::Column::Id.eq(text));
            all = all.add(any);
        }
        all
    }
}

/// Ids are of one organization anyway, so names of pools in others do no harm.
fn by_pools(names: Vec<String>) -> SelectStatement {
    let pools = agent_pool::Entity::find()
        .select_only()
        .column(agent_pool::Column::Id)
        .filter(agent_pool::Column::Name.is_in(names))
        .into_query();
    job::Entity::find()
        .select_only()
        .column(job::Column::RunId)
        .filter(job::Column::AgentPoolId.in_subquery(pools))
        .into_query()
}

fn operation_condition(operation: &str) -> Condition {
    use run::Column as C;
    let all = Condition::all();
    match operation {
        "plan_only" => all.add(C::PlanOnly.eq(true)),
        "refresh_only" => all.add(C::RefreshOnly.eq(true)),
        "destroy" => all.add(C::IsDestroy.eq(true)),
        "empty_apply" => all.add(C::AllowEmptyApply.eq(true)),
        "save_plan" => all.add(C::SavePlan.eq(true)),
        "plan_and_apply" => all
            .add(C::PlanOnly.eq(false))
            .add(C::RefreshOnly.eq(false))
            .add(C::IsDestroy.eq(false))
            .add(C::SavePlan.eq(false)),
        // Nothing is of a kind that nobody knows.
        _ => all.add(C::Number.lt(0)),
    }
}

/// The runs of a workspace, newest first.
pub async fn list(
    cx: &Ctx,
    workspace: &Granted<can::ReadWorkspace>,
    filter: Filter,
    paging: Paging,
) -> Result<Page<In<Run>>> {
    let query = run::Entity::find()
        .filter(run::Column::WorkspaceId.eq(&workspace.id))
        .filter(filter.condition())
        .order_by_desc(run::Column::Number);
    let page = page(cx.read(), query, paging).await?;
    let of: &Workspace = workspace;
    Ok(page.map(|row| In { row, of: of.clone() }))
}

/// Ids of an organization's workspaces that the caller may see: of those with these names, if there are names.
fn visible_workspaces(cx: &Ctx, organization: &str, names: &[String]) -> SelectStatement {
    let mut visible = Condition::all().add(workspace::Column::OrganizationName.eq(organization));
    if let Scope::Some { projects, workspaces } = cx.actor().workspace_scope(organization) {
        visible = visible.add(
            Condition::any()
                .add(workspace::Column::ProjectId.is_in(projects))
                .add(workspace::Column::Id.is_in(workspaces)),
        );
    }
    if !names.is_empty() {
        visible = visible.add(workspace::Column::Name.is_in(names));
    }
    workspace::Entity::find()
        .select_only()
        .column(workspace::Column::Id)
        .filter(visible)
        .into_query()
}

/// The runs of an organization that the caller may see, newest first.
pub async fn list_of_organization(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    filter: Filter,
    paging: Paging,
) -> Result<Page<In<Run>>> {
    let workspaces = visible_workspaces(cx, &organization.name, &filter.workspaces);
    let query = run::Entity::find()
        .filter(run::Column::OrganizationName.eq(&organization.name))
        .filter(run::Column::WorkspaceId.in_subquery(workspaces))
        .filter(filter.condition())
        .order_by_desc(run::Column::CreatedAt)
        .order_by_desc(run::Column::Id);
    let page = page(cx.read(), query, paging).await?;
    Ok(Page { total: page.total, items: with_workspaces(cx, page.items).await? })
}

/// Those that wait for their turn or for a slot, in the order in which they came.
pub async fn queue_of(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    paging: Paging,
) -> Result<Page<In<Run>>> {
    let workspaces = visible_workspaces(cx, &organization.name, &[]);
    let query = run::Entity::find()
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::OrganizationName.eq(&organization.name))
        .filter(run::Column::WorkspaceId.in_subquery(workspaces))
        .filter(run::Column::Status.is_in([
            Status::Pending,
            Status::PlanQueued,
            Status::Planning,
            Status::Confirmed,
            Status::ApplyQueued,
            Status::Applying,
        ]))
        .order_by_asc(run::Column::CreatedAt)
        .order_by_asc(run::Column::Id);
    let page = page(cx.read(), query, paging).await?;
    Ok(Page { total: page.total, items: with_workspaces(cx, page.items).await? })
}
