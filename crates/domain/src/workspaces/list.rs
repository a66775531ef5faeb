//! The list of an organization's workspaces, with every filter and order that the API knows.

use db::{
    Order, contains,
    entity::{assessment_result, run, tag_binding, workspace},
    id::ProjectId,
    page,
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
        QueryTrait, Select,
        sea_query::{
            Alias, Expr, ExprTrait, Func, LikeExpr, NullOrdering, Query, SelectStatement,
            SimpleExpr,
        },
    },
};

use crate::{
    Ctx, Granted, Page, Paging, Result, access::Scope, can, row::Workspace, tags::TagFilter,
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
    Ok(page(cx.read(), query(cx, &organization.name, filter, sort, order), paging).await?)
}

/// All of them, in the order of an index to the last term.
pub(crate) fn query(
    cx: &Ctx,
    organization: &str,
    filter: Filter,
    sort: Sort,
    order: Order,
) -> Select<workspace::Entity> {
    let query = workspace::Entity::find().filter(condition(cx, organization, filter));
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
    let query = workspace::Entity::find().filter(condition(cx, &organization.name, filter));
    Ok(query.count(cx.read()).await?)
}

fn condition(cx: &Ctx, organization: &str, filter: Filter) -> Condition {
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
    for tag in filter.tags {
        let key = TagFilter { key: Some(tag), value: None };
        condition = condition.add(workspace::Column::Id.in_subquery(bound(&key)));
    }
    for tag in filter.without_tags {
        let key = TagFilter { key: Some(tag), value: None };
        condition = condition.add(workspace::Column::Id.not_in_subquery(bound(&key)));
    }
    if !filter.tagged.is_empty() {
        let start = if filter.any_tagged { Condition::any() } else { Condition::all() };
        condition = condition.add(filter.tagged.iter().map(in_force).fold(start, Condition::add));
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
    condition
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

/// The ids of workspaces with such a binding of their own.
fn bound(filter: &TagFilter) -> SelectStatement {
    tag_binding::Entity::find()
        .select_only()
        .column(tag_binding::Column::WorkspaceId)
        .filter(tag_binding::Column::WorkspaceId.is_not_null())
        .filter(filter.holds())
        .into_query()
}

/// Such a binding is the workspace's own, or its project's and not overridden.
fn in_force(filter: &TagFilter) -> Condition {
    let projects = tag_binding::Entity::find()
        .select_only()
        .column(tag_binding::Column::ProjectId)
        .filter(tag_binding::Column::ProjectId.is_not_null())
        .filter(filter.holds())
        .into_query();
    let own = Alias::new("own");
    let overridden = Query::select()
        .expr(Expr::val(1))
        .from_as(tag_binding::Entity, own.clone())
        .and_where(
            Expr::col((own.clone(), tag_binding::Column::WorkspaceId))
                .equals((workspace::Entity, workspace::Column::Id)),
        )
        .and_where(
            Expr::col((own.clone(), tag_binding::Column::TagKey))
                .equals((tag_binding::Entity, tag_binding::Column::TagKey)),
        )
        .and_where(Expr::col((own, tag_binding::Column::IsFlat)).eq(false))
        .take();
    let inherited = tag_binding::Entity::find()
        .select_only()
        .column(tag_binding::Column::Id)
        .filter(
            Expr::col((tag_binding::Entity, tag_binding::Column::ProjectId))
                .equals((workspace::Entity, workspace::Column::ProjectId)),
        )
        .filter(filter.holds())
        .filter(Expr::exists(overridden).not())
        .into_query();
    Condition::any().add(workspace::Column::Id.in_subquery(bound(filter))).add(
        // The first part alone is enough for nearly all rows; the second looks at each.
        Condition::all()
            .add(workspace::Column::ProjectId.in_subquery(projects))
            .add(Expr::exists(inherited)),
    )
}
