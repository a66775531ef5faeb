//! The list of an organization's workspaces, with every filter and order that the API knows.

use db::{
    Order, contains,
    entity::{assessment_result, run, workspace},
    id::ProjectId,
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
        QueryTrait, Select,
        sea_query::{Expr, ExprTrait, Func, LikeExpr, NullOrdering, SimpleExpr},
    },
};

use crate::{
    Ctx, Granted, Page, Paging, Result,
    access::Scope,
    can,
    row::Workspace,
    tags::{self, TagFilter},
};

#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of the name.
    pub search: Option<String>,
    /// With `*` at its ends.
    pub wildcard: Option<String>,
    pub project: Option<ProjectId>,
    /// Has all of these tags.
    pub tags: Vec<String>,
    /// Has none of these tags.
    pub without_tags: Vec<String>,
    /// Has all of these bindings, or one of them.
    pub tagged: Vec<TagFilter>,
    /// One is enough.
    pub any_tagged: bool,
    pub current_run_status: Vec<run::Status>,
    /// Of the current run, or of a later one that only plans, which never becomes the current one.
    pub run_status: Vec<run::Status>,
    /// By their last assessment; all workspaces, assessed or not, where absent.
    pub health: Option<Health>,
}

/// What is known of a workspace's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It was assessed, whatever that has found.
    Known,
    /// That has found drift or checks that do not hold, or failed.
    Ill,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Name,
    CurrentRunCreatedAt,
    LatestChangeAt,
}

/// The workspaces of an organization that the caller may see.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    filter: Filter,
    sort: Sort,
    order: Order,
    paging: Paging,
) -> Result<Page<Workspace>> {
    let query = query(cx, &organization.name, filter, sort, order).await?;
    Ok(page(cx.read(), query, paging).await?)
}

/// All of them, in the order of an index to the last term.
pub(crate) async fn query(
    cx: &Ctx,
    organization: &str,
    filter: Filter,
    sort: Sort,
    order: Order,
) -> Result<Select<workspace::Entity>> {
    let query = workspace::Entity::find().filter(condition(cx, organization, filter).await?);
    Ok(in_order(query, sort, order))
}

pub(super) fn in_order(
    query: Select<workspace::Entity>,
    sort: Sort,
    order: Order,
) -> Select<workspace::Entity> {
    match sort {
        Sort::Name => query.order_by(workspace::Column::Name, order.into()),
        Sort::LatestChangeAt => query
            .order_by(workspace::Column::LatestChangeAt, order.into())
            .order_by(workspace::Column::Id, order.into()),
        Sort::CurrentRunCreatedAt => query
            .order_by_with_nulls(
                workspace::Column::CurrentRunCreatedAt,
                order.into(),
                NullOrdering::Last,
            )
            .order_by(workspace::Column::Id, order.into()),
    }
}

/// How many of them there are.
pub async fn count(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    filter: Filter,
) -> Result<u64> {
    let condition = condition(cx, &organization.name, filter).await?;
    let query = workspace::Entity::find().filter(condition);
    Ok(query.count(cx.read()).await?)
}

async fn condition(cx: &Ctx, organization: &str, filter: Filter) -> Result<Condition> {
    let mut condition = visible(cx, organization);
    if let Some(text) = &filter.search {
        condition = condition.add(contains(workspace::Column::Name, text));
    }
    if let Some(pattern) = &filter.wildcard {
        condition = condition.add(matches(pattern));
    }
    if let Some(project) = &filter.project {
        condition = condition.add(workspace::Column::ProjectId.eq(project));
    }
    for tag in filter.tags.into_iter().map(TagFilter::of_key) {
        condition = condition.add(workspace::Column::Id.in_subquery(tag.bound()));
    }
    for tag in filter.without_tags.into_iter().map(TagFilter::of_key) {
        condition = condition.add(workspace::Column::Id.not_in_subquery(tag.bound()));
    }
    if !filter.tagged.is_empty() {
        let start = if filter.any_tagged { Condition::any() } else { Condition::all() };
        let each = tags::in_force_on(cx, organization, &filter.tagged).await?;
        condition = condition.add(each.into_iter().fold(start, Condition::add));
    }
    if !filter.current_run_status.is_empty() {
        let statuses = filter.current_run_status;
        condition = condition.add(workspace::Column::CurrentRunStatus.is_in(statuses));
    }
    if !filter.run_status.is_empty() {
        let statuses = filter.run_status;
        condition = condition.add(
            Condition::any()
                .add(workspace::Column::CurrentRunStatus.is_in(statuses.clone()))
                .add(workspace::Column::LatestPlanStatus.is_in(statuses)),
        );
    }
    if filter.health == Some(Health::Known) {
        condition = condition.add(workspace::Column::CurrentAssessmentResultId.is_not_null());
    }
    if filter.health == Some(Health::Ill) {
        let found = assessment_result::Entity::find()
            .select_only()
            .column(assessment_result::Column::Id)
            .filter(
                assessment_result::Column::Drifted
                    .eq(true)
                    .or(assessment_result::Column::AllChecksSucceeded.eq(false)),
            )
            .into_query();
        condition = condition.add(workspace::Column::CurrentAssessmentResultId.in_subquery(found));
    }
    Ok(condition)
}

/// Holds for the workspaces of an organization that the caller may see.
pub(crate) fn visible(cx: &Ctx, organization: &str) -> Condition {
    use workspace::Column as C;
    let scope = match cx.actor().workspace_scope(organization) {
        Scope::All => None,
        Scope::Some { projects, workspaces } => {
            Some(Condition::any().add(C::ProjectId.is_in(projects)).add(C::Id.is_in(workspaces)))
        }
        Scope::Engine { own, project, shared } => {
            let in_project = C::ProjectRemoteState.eq(true).and(C::ProjectId.eq(project));
            let named = C::ProjectRemoteState.eq(false).and(C::Id.is_in(shared));
            Some(
                Condition::any()
                    .add(C::Id.eq(own))
                    .add(C::GlobalRemoteState.eq(true))
                    .add(in_project)
                    .add(named),
            )
        }
    };
    Condition::all().add(C::OrganizationName.eq(organization)).add_option(scope)
}

/// `*` at the start, at the end or at both; without one the name is meant exactly.
fn matches(pattern: &str) -> SimpleExpr {
    let mut like = String::new();
    for letter in pattern.to_lowercase().chars() {
        match letter {
            '*' => like.push('%'),
            '%' | '_' | '\\' => like.extend(['\\', letter]),
            other => like.push(other),
        }
    }
    let name = Expr::expr(Func::lower(Expr::col(workspace::Column::Name)));
    name.like(LikeExpr::new(like).escape('\\'))
}
