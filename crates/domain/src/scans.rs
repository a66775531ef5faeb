//! The statements by which the background looks for work and by which the largest lists are read, for whoever wants to
//! see how a database reads them: each has to be the reading of an index, however much there is.

use db::{
    Order,
    entity::run::Status,
    id::WorkspaceId,
    sea_orm::{ConnectionTrait, QuerySelect, QueryTrait, Statement},
};

use crate::{
    Ctx, Result, agents,
    freezes::{Closed, NOWHERE},
    runs::{
        self,
        candidates::{self, Wanted},
        confirmations, frozen, turns,
    },
    task_results, task_stages, workspaces,
};

/// By what they look for.
pub fn all(cx: &Ctx) -> Vec<(&'static str, Statement)> {
    let backend = cx.read().get_database_backend();
    let wanted = |status| Wanted {
        status,
        of_site: true,
        of_pools: true,
        workspace: None,
        unreadable: &[],
        closed: &NOWHERE,
    };
    let evaluated = turns::in_statuses([Status::PostPlanRunning], 1);
    vec![
        ("runs to apply", candidates::query(backend, wanted(Status::Confirmed), None)),
        ("runs to plan", candidates::query(backend, wanted(Status::Pending), None)),
        ("freezes", Closed::query().build(backend)),
        ("applies in freezes", frozen::queued(backend, &NOWHERE)),
        ("confirmed runs", confirmations::enough(backend)),
        ("stages", task_stages::at_work(1).build(backend)),
        ("runs without a configuration", turns::hopeless(backend, cx.now())),
        ("policies", evaluated.build(backend)),
        ("silent run tasks", task_results::silent(cx, 1).build(backend)),
        ("lost jobs", agents::silent(cx).build(backend)),
    ]
}

/// The second page of an organization's workspaces.
pub async fn workspaces(
    cx: &Ctx,
    organization: &str,
    filter: workspaces::Filter,
    sort: workspaces::Sort,
    order: Order,
) -> Result<Statement> {
    let query = workspaces::list::query(cx, organization, filter, sort, order).await?;
    Ok(query.offset(20).limit(20).build(cx.read().get_database_backend()))
}

/// The second page of each list of runs, by whose runs they are.
pub fn runs(
    cx: &Ctx,
    organization: &str,
    workspace: &WorkspaceId,
) -> Vec<(&'static str, Statement)> {
    let filter = runs::Filter::default;
    let lists = [
        ("a workspace", runs::list::of_workspace(cx, workspace, filter())),
        ("an organization", runs::list::of_organization(cx, organization, filter())),
        ("the queue", runs::list::waiting(cx, organization)),
    ];
    let backend = cx.read().get_database_backend();
    lists.map(|(name, list)| (name, list.offset(20).limit(20).build(backend))).into()
}
