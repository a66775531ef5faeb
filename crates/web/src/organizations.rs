//! `/` and `/app/{organization}`: what there is and how it stands.

use std::collections::HashMap;

use axum::{
    Router,
    extract::{Path, Query},
    response::Redirect,
    routing::get,
};
use domain::{
    App, Order, Page, Paging, Site, can,
    entity::run::Status,
    id::RunId,
    organizations,
    row::{Organization, Workspace},
    runs,
    workspaces::{self, Filter, Sort},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{Crumb, Pager, Table, empty, page, page_header, run_status, time},
    failure::Result,
    visitor::SignedIn,
    workspaces::path as workspace_path,
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(overview))
        .route("/app", get(home))
        .route("/app/{organization}", get(show))
        .route("/app/{organization}/workspaces", get(show))
}

async fn home(_: SignedIn) -> Redirect {
    Redirect::to("/")
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default = "first")]
    page: u64,
}

fn first() -> u64 {
    1
}

/// Organizations and workspaces shown at once: each organization costs a query.
const OVERVIEW_SIZE: u64 = 10;
const PAGE_SIZE: u64 = 50;

pub fn path(organization: &str) -> String {
    format!("/app/{organization}/workspaces")
}

async fn overview(visitor: SignedIn, Query(asked): Query<Asked>) -> Result<Markup> {
    let cx = &visitor.cx;
    let account = cx.check::<can::UseToken, _>(Site::found())?;
    let paging = Paging { number: asked.page.max(1), size: OVERVIEW_SIZE };
    let organizations = organizations::list(cx, &account, None, paging).await?;
    let recent = Paging { number: 1, size: OVERVIEW_SIZE };
    let mut shown: Vec<(&Organization, Page<Workspace>)> = Vec::new();
    for organization in &organizations.items {
        let list = workspaces_of(&visitor, &organization.name, Sort::LatestChangeAt, recent);
        shown.push((organization, list.await?.1));
    }
    let statuses = statuses(&visitor, shown.iter().flat_map(|(_, list)| &list.items)).await?;
    let main = html! {
        (page_header(&[], "Overview", &html! {}))
        @if shown.is_empty() { (empty("You are in no organization yet.")) }
        @for (organization, list) in &shown {
            h2 { a href=(path(&organization.name)) { (organization.name) } }
            (table(&list.items, &statuses))
            @if list.total > OVERVIEW_SIZE {
                p { a href=(path(&organization.name)) { "All " (list.total) " workspaces of " (organization.name) } }
            }
        }
        (Pager { number: paging.number, size: OVERVIEW_SIZE, total: organizations.total, path: "/" })
    };
    Ok(page("Overview", &visitor, &main))
}

async fn show(
    visitor: SignedIn,
    Path(organization): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let paging = Paging { number: asked.page.max(1), size: PAGE_SIZE };
    let (name, list) = workspaces_of(&visitor, &organization, Sort::Name, paging).await?;
    let statuses = statuses(&visitor, &list.items).await?;
    let crumbs = [Crumb { label: "Overview", href: "/".into() }];
    let main = html! {
        (page_header(&crumbs, &name, &html! {}))
        (table(&list.items, &statuses))
        (Pager { number: paging.number, size: PAGE_SIZE, total: list.total, path: &path(&name) })
    };
    Ok(page(&name, &visitor, &main))
}

async fn workspaces_of(
    visitor: &SignedIn,
    organization: &str,
    sort: Sort,
    paging: Paging,
) -> Result<(String, Page<Workspace>)> {
    let cx = &visitor.cx;
    let found = organizations::find(cx, organization).await?;
    let organization = cx.check::<can::ReadOrganization, _>(found)?;
    let order = if sort == Sort::Name { Order::Ascending } else { Order::Descending };
    let list = workspaces::list(cx, &organization, Filter::default(), sort, order, paging).await?;
    Ok((organization.name.clone(), list))
}

/// The statuses of the workspaces' current runs, by the run.
async fn statuses(
    visitor: &SignedIn,
    workspaces: impl IntoIterator<Item = &Workspace>,
) -> Result<HashMap<RunId, Status>> {
    let ids: Vec<RunId> =
        workspaces.into_iter().filter_map(|row| row.current_run_id.clone()).collect();
    let runs = runs::load(&visitor.cx, &ids).await?;
    Ok(runs.into_iter().map(|run| (run.row.id, run.row.status)).collect())
}

fn table(workspaces: &[Workspace], statuses: &HashMap<RunId, Status>) -> Markup {
    if workspaces.is_empty() {
        return empty("There are no workspaces that you may see.");
    }
    let row = |workspace: &Workspace| {
        let status = workspace.current_run_id.as_ref().and_then(|id| statuses.get(id));
        vec![
            html! { a href=(workspace_path(workspace)) { (workspace.name) } },
            status.map_or_else(|| html! { "no runs" }, |status| run_status(*status)),
            html! { @if workspace.lock_kind.is_some() { "locked" } },
            time(workspace.latest_change_at),
        ]
    };
    let rows = workspaces.iter().map(row).collect();
    let heads = &["Workspace", "Current run", "Lock", "Last change"];
    html! { (Table { caption: "Workspaces", heads, rows }) }
}
