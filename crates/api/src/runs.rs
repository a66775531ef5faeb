//! `/runs`

mod actions;
mod changes;
pub mod comments;
mod confirmations;
pub mod events;
pub mod exports;
mod input;
mod phases;
mod view;

use domain::{
    In, can,
    entity::run::{Source, Status},
    id::WorkspaceId,
    row::{Organization, Run, Workspace},
    runs::{self, Filter},
};
use jsonapi::{Body, Document, Error, Query};
use serde::Deserialize;

use crate::{
    May, Named, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{parsed, text, words},
};
use input::{Input, Relations};
pub use phases::{PhaseView, plans};
use view::view;
pub use view::{by_configuration, views};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/runs", list_by_parameters)
        .post("/api/v2/runs", create)
        .get("/api/v2/runs/{run_id}", show)
        .get("/api/v2/workspaces/{workspace_id}/runs", list)
        .get("/api/v2/organizations/{organization_name}/runs", list_of_organization)
        .get("/api/v2/organizations/{organization_name}/runs/queue", queue)
        .merge(actions::routes())
        .merge(changes::routes())
        .merge(comments::routes())
        .merge(confirmations::routes())
        .merge(events::routes())
        .merge(exports::routes())
        .merge(phases::routes())
}

async fn show(run: May<can::ReadRun, In<Run>>, query: Query) -> Result<Document> {
    let cx = run.cx;
    let view = view(&cx, run.granted.into_inner()).await?;
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

async fn create(
    caller: Named<can::QueueRun>,
    mut body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &caller.cx;
    let named = body.relationships.workspace.take();
    let named = named.map(|one| one.of_kind("workspaces", "workspace")).transpose()?;
    let id = named.flatten().ok_or_else(|| {
        Error::unprocessable("/data/relationships/workspace", "workspace is required")
    })?;
    let unknown = || domain::Error::invalid_relation("workspace", "does not exist");
    let id = id.parse().map_err(|_| unknown())?;
    let workspace = caller.check(domain::workspaces::find(cx, &id).await?)?;
    let new = input::new(body.attributes, body.relationships)?;
    let row = runs::create(cx, &workspace, new).await?;
    let of = workspace.into_inner();
    Ok(Document::one(&view(cx, In { row, of }).await?).created())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListParameters {
    filter: Filters,
    search: Search,
    /// Of `GET /runs` only.
    workspace_id: Option<WorkspaceId>,
    organization_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Filters {
    status: Option<Vec<String>>,
    operation: Vec<String>,
    source: Option<Vec<String>>,
    status_group: Option<String>,
    timeframe: Option<String>,
    workspace_names: Vec<String>,
    agent_pool_names: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Search {
    basic: Option<String>,
    user: Option<String>,
    commit: Option<String>,
}

fn filter(query: &Query<ListParameters>) -> Result<Filter> {
    let Filters { status, operation, source, status_group, timeframe, .. } = &query.own.filter;
    let Search { basic, user, commit } = &query.own.search;
    Ok(Filter {
        // Of a status that no run has there are none, and so it is with sources.
        statuses: words::<Status>(status.as_deref()),
        sources: words::<Source>(source.as_deref()),
        operations: operation.clone(),
        status_group: parsed(status_group.as_deref(), "filter[status_group]")?,
        timeframe: parsed(timeframe.as_deref(), "filter[timeframe]")?,
        search: text(basic.as_deref()),
        user: text(user.as_deref()),
        commit: text(commit.as_deref()),
        workspaces: query.own.filter.workspace_names.clone(),
        agent_pools: query.own.filter.agent_pool_names.clone(),
    })
}

async fn list(
    workspace: May<can::ReadWorkspace>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let cx = &workspace.cx;
    let page = runs::list(cx, &workspace, filter(&query)?, paging(&query)).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn list_of_organization(
    organization: May<can::ReadOrganization>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let cx = &organization.cx;
    let page =
        runs::list_of_organization(cx, &organization, filter(&query)?, paging(&query)).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

/// The runs of a workspace, or else of an organization; the query says of which.
async fn list_by_parameters(
    caller: May<can::UseToken>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let cx = caller.cx;
    if let Some(id) = &query.own.workspace_id {
        let found = domain::workspaces::find(&cx, id).await?;
        let granted = cx.check::<can::ReadWorkspace, Workspace>(found)?;
        let named = query.own.organization_name.as_ref();
        if named.is_some_and(|name| !name.eq_ignore_ascii_case(&granted.organization_name)) {
            return Err(domain::Error::NotFound.into());
        }
        return list(May { granted, cx }, query).await;
    }
    let name = query.own.organization_name.as_ref().ok_or_else(|| {
        Error::bad_request("missing parameter", "workspace_id is required")
            .parameter("workspace_id")
    })?;
    let found = domain::organizations::find(&cx, name).await?;
    let granted = cx.check::<can::ReadOrganization, Organization>(found)?;
    list_of_organization(May { granted, cx }, query).await
}

async fn queue(organization: May<can::ReadOrganization>, query: Query) -> Result<Document> {
    let cx = &organization.cx;
    let paging = paging(&query);
    let page = runs::queue_of(cx, &organization, paging).await?;
    let mut position = paging.skip();
    let views: Vec<_> = views(cx, page.items)
        .await?
        .into_iter()
        .map(|view| {
            position += 1;
            view.at(position)
        })
        .collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}
