//! Lists of runs: of a workspace, of an organization, and those that wait.

use std::str::FromStr;

use db::{
    contains,
    entity::{
        agent_pool, ingress_attribute, job,
        run::{self, Source, Status},
        user, workspace,
    },
    id::WorkspaceId,
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
        Select, sea_query::SimpleExpr,
    },
};

use super::{status, with_workspaces};
use crate::{
    Ctx, Granted, In, Page, Paging, Result, Timestamp,
    access::Scope,
    can,
    row::{Run, Workspace},
    workspaces,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusGroup {
    Final,
    NonFinal,
    Discardable,
}

impl FromStr for StatusGroup {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "final" => Ok(Self::Final),
            "non_final" => Ok(Self::NonFinal),
            "discardable" => Ok(Self::Discardable),
            _ => Err("must be final, non_final or discardable"),
        }
    }
}

/// When runs were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeframe {
    /// Not longer ago than a year.
    LastYear,
    /// In this one, by UTC.
    Year(i32),
}

impl Timeframe {
    fn condition(self, now: Timestamp) -> Condition {
        let start = |year| Timestamp::parse(&format!("{year:04}-01-01T00:00:00Z"));
        match self {
            Self::LastYear => Condition::all().add(run::Column::CreatedAt.gte(now.minus_years(1))),
            Self::Year(year) => Condition::all()
                .add_option(start(year).map(|start| run::Column::CreatedAt.gte(start)))
                .add_option(start(year + 1).map(|end| run::Column::CreatedAt.lt(end))),
        }
    }
}

/// `year`, or a year of four digits.
impl FromStr for Timeframe {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "year" {
            return Ok(Self::LastYear);
        }
        let year = text.parse().ok().filter(|year| (1970..9999).contains(year));
        year.map(Self::Year).ok_or("must be year, for the last twelve months, or a year as 2026")
    }
}

#[derive(Debug, Default)]
pub struct Filter {
    /// One of these; of an empty list, none.
    pub statuses: Option<Vec<Status>>,
    /// One of these; of an empty list, none.
    pub sources: Option<Vec<Source>>,
    /// `plan_and_apply`, `plan_only`, `refresh_only`, `destroy`, `empty_apply`, `save_plan`
    pub operations: Vec<String>,
    pub status_group: Option<StatusGroup>,
    pub timeframe: Option<Timeframe>,
    /// Part of the message or of the name of who asked for it, or the id.
    pub search: Option<String>,
    /// Part of the name of who asked for it.
    pub user: Option<String>,
    /// Part of the commit that it is about.
    pub commit: Option<String>,
    /// Names of workspaces.
    pub workspaces: Vec<String>,
    /// Names of agent pools that were to execute them.
    pub agent_pools: Vec<String>,
}

impl Filter {
    fn condition(self, now: Timestamp) -> Condition {
        let mut all = Condition::all()
            .add_option(self.statuses.map(|statuses| run::Column::Status.is_in(statuses)))
            .add_option(self.sources.map(|sources| run::Column::Source.is_in(sources)))
            .add_option(self.timeframe.map(|timeframe| timeframe.condition(now)))
            .add_option(self.user.map(|name| asked_for_by(&name)))
            .add_option(self.commit.map(|commit| made_of(&commit)));
        match self.status_group {
            Some(StatusGroup::Final) => all = all.add(run::Column::IsFinal.eq(true)),
            Some(StatusGroup::NonFinal) => all = all.add(run::Column::IsFinal.eq(false)),
            Some(StatusGroup::Discardable) => {
                let discardable = Status::ALL
                    .iter()
                    .copied()
                    .filter(|s| status::is_discardable(*s) && *s != Status::Pending);
                all = all.add(run::Column::Status.is_in(discardable));
            }
            None => {}
        }
        if !self.operations.is_empty() {
            let mut any = Condition::any();
            for operation in &self.operations {
                any = any.add(operation_condition(operation));
            }
            all = all.add(any);
        }
        if !self.agent_pools.is_empty() {
            all = all.add(by_pools(self.agent_pools));
        }
        if let Some(text) = self.search {
            let any = Condition::any()
                .add(contains(run::Column::Message, &text))
                .add(asked_for_by(&text))
                .add(run::Column::Id.eq(text));
            all = all.add(any);
        }
        all
    }
}

fn asked_for_by(name: &str) -> SimpleExpr {
    let people = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .filter(contains(user::Column::Username, name))
        .into_query();
    run::Column::CreatedById.in_subquery(people)
}

fn made_of(commit: &str) -> SimpleExpr {
    let of = ingress_attribute::Entity::find()
        .select_only()
        .column(ingress_attribute::Column::ConfigurationVersionId)
        .filter(contains(ingress_attribute::Column::CommitSha, commit))
        .into_query();
    run::Column::ConfigurationVersionId.in_subquery(of)
}

/// Holds for no run.
fn none() -> SimpleExpr {
    run::Column::Number.lt(0)
}

/// Runs that were given to agents of these pools, and those which would be if their turn came. All are of one
/// organization anyway, so names of pools in others do no harm.
fn by_pools(names: Vec<String>) -> Condition {
    let pools = agent_pool::Entity::find()
        .select_only()
        .column(agent_pool::Column::Id)
        .filter(agent_pool::Column::Name.is_in(names))
        .into_query();
    let jobs = || job::Entity::find().select_only().column(job::Column::RunId);
    let given = jobs().filter(job::Column::AgentPoolId.in_subquery(pools.clone())).into_query();
    let waiting = workspace::Entity::find()
        .select_only()
        .column(workspace::Column::Id)
        .filter(workspaces::executed_by(pools))
        .into_query();
    Condition::any().add(run::Column::Id.in_subquery(given)).add(
        Condition::all()
            .add(run::Column::IsFinal.eq(false))
            .add(run::Column::WorkspaceId.in_subquery(waiting))
            .add(run::Column::Id.not_in_subquery(jobs().into_query())),
    )
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
        _ => all.add(none()),
    }
}

/// The runs of a workspace, newest first.
pub async fn list(
    cx: &Ctx,
    workspace: &Granted<can::ReadWorkspace>,
    filter: Filter,
    paging: Paging,
) -> Result<Page<In<Run>>> {
    let page = page(cx.read(), of_workspace(cx, &workspace.id, filter), paging).await?;
    let of: &Workspace = workspace;
    Ok(page.map(|row| In { row, of: of.clone() }))
}

pub(crate) fn of_workspace(
    cx: &Ctx,
    workspace: &WorkspaceId,
    filter: Filter,
) -> Select<run::Entity> {
    run::Entity::find()
        .filter(run::Column::WorkspaceId.eq(workspace))
        .filter(filter.condition(cx.now()))
        .order_by_desc(run::Column::Number)
}

/// Holds for the runs of an organization that the caller may see: in workspaces with these names, if there are names.
/// Nothing is asked about workspaces where all of them are meant.
fn visible(cx: &Ctx, organization: &str, names: &[String]) -> Condition {
    let all = Condition::all().add(run::Column::OrganizationName.eq(organization));
    if names.is_empty() && cx.actor().workspace_scope(organization) == Scope::All {
        return all;
    }
    let mut visible = workspaces::visible(cx, organization);
    if !names.is_empty() {
        visible = visible.add(workspace::Column::Name.is_in(names));
    }
    let ids = workspace::Entity::find()
        .select_only()
        .column(workspace::Column::Id)
        .filter(visible)
        .into_query();
    all.add(run::Column::WorkspaceId.in_subquery(ids))
}

/// The runs of an organization that the caller may see, newest first.
pub async fn list_of_organization(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    filter: Filter,
    paging: Paging,
) -> Result<Page<In<Run>>> {
    let page = page(cx.read(), of_organization(cx, &organization.name, filter), paging).await?;
    Ok(Page { total: page.total, items: with_workspaces(cx, page.items).await? })
}

pub(crate) fn of_organization(cx: &Ctx, organization: &str, filter: Filter) -> Select<run::Entity> {
    run::Entity::find()
        .filter(visible(cx, organization, &filter.workspaces))
        .filter(filter.condition(cx.now()))
        .order_by_desc(run::Column::CreatedAt)
        .order_by_desc(run::Column::Id)
}

/// Those that wait for their turn or for a slot, in the order in which they came.
pub async fn queue_of(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    paging: Paging,
) -> Result<Page<In<Run>>> {
    let page = page(cx.read(), waiting(cx, &organization.name), paging).await?;
    Ok(Page { total: page.total, items: with_workspaces(cx, page.items).await? })
}

pub(crate) fn waiting(cx: &Ctx, organization: &str) -> Select<run::Entity> {
    run::Entity::find()
        .filter(run::Column::IsFinal.eq(false))
        .filter(visible(cx, organization, &[]))
        .filter(run::Column::Status.is_in([
            Status::Pending,
            Status::PlanQueued,
            Status::Planning,
            Status::PrePlanCompleted,
            Status::Confirmed,
            Status::PreApplyCompleted,
            Status::ApplyQueued,
            Status::Applying,
        ]))
        .order_by_asc(run::Column::CreatedAt)
        .order_by_asc(run::Column::Id)
}
