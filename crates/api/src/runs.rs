//! `/runs`

mod actions;
mod events;
mod input;
mod phases;
mod view;

use domain::{
    In, can,
    entity::run::{Source, Status},
    row::{Run, Workspace},
    runs::{self, Filter},
};
use jsonapi::{Body, Document, Error, Query};
use serde::Deserialize;

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};
use input::{Input, Relations};
pub use phases::PhaseView;
pub use view::View;

pub fn routes() -> Routes {
    Routes::default()
        .post("/api/v2/runs", create)
        .get("/api/v2/runs/{run_id}", show)
        .get("/api/v2/workspaces/{workspace_id}/runs", list)
        .get("/api/v2/organizations/{organization_name}/runs", list_of_organization)
        .get("/api/v2/organizations/{organization_name}/runs/queue", queue)
        .merge(actions::routes())
        .merge(events::routes())
        .merge(phases::routes())
}

async fn show(run: May<can::ReadRun, In<Run>>, query: Query) -> Result<Document> {
    let cx = run.cx;
    let view = View::new(&cx, run.granted.into_inner());
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

/// The workspace is named in the body, so its permission is checked here.
async fn create(caller: May<can::UseToken>, body: Body<Input, Relations>) -> Result<Document> {
    let cx = &caller.cx;
    let id =
        body.relationships.workspace.as_ref().and_then(|workspace| workspace.id()).ok_or_else(
            || Error::unprocessable("/data/relationships/workspace", "workspace is required"),
        )?;
    let unknown = || domain::Error::invalid_relation("workspace", "does not exist");
    let id = id.parse().map_err(|_| unknown())?;
    let found = domain::workspaces::find(cx, &id).await?;
    let workspace = cx.check::<can::QueueRun, Workspace>(found)?;
    let new = input::new(body.attributes, body.relationships)?;
    let row = runs::create(cx, &workspace, new).await?;
    let of = workspace.into_inner();
    Ok(Document::one(&View::new(cx, In { row, of })).created())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListParameters {
    filter: Filters,
    search: Search,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Filters {
    status: Vec<String>,
    operation: Vec<String>,
    source: Vec<String>,
    status_group: Option<String>,
    workspace_names: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Search {
    basic: Option<String>,
}

fn filter(query: &Query<ListParameters>) -> Filter {
    let Filters { status, operation, source, status_group, workspace_names } = &query.own.filter;
    Filter {
        // A status that no run has filters everything, as an unknown source does.
        statuses: status.iter().filter_map(|word| word.parse::<Status>().ok()).collect(),
        sources: source.iter().filter_map(|word| word.parse::<Source>().ok()).collect(),
        operations: operation.clone(),
        status_group: status_group.clone(),
        search: query.own.search.basic.clone(),
        workspaces: workspace_names.clone(),
    }
}

async fn list(
    workspace: May<can::ReadWorkspace>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let cx = &workspace.cx;
    let page = runs::list(cx, &workspace, filter(&query), paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(|run| View::new(cx, run)).collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn list_of_organization(
    organization: May<can::ReadOrganization>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let cx = &organization.cx;
    let page =
        runs::list_of_organization(cx, &organization, filter(&query), paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(|run| View::new(cx, run)).collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn queue(organization: May<can::ReadOrganization>, query: Query) -> Result<Document> {
    let cx = &organization.cx;
    let paging = paging(&query);
    let page = runs::queue_of(cx, &organization, paging).await?;
    let mut position = (paging.number - 1) * paging.size;
    let views: Vec<_> = page
        .items
        .into_iter()
        .map(|run| {
            position += 1;
            View::new(cx, run).at(position)
        })
        .collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}
