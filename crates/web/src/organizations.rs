//! `/` and `/app/{organization}`: what there is and how it stands.

mod create;

use std::collections::HashMap;

use axum::{extract::Query, response::Redirect};
use domain::{
    Granted, In, Order, Page, Paging, Site, can,
    id::RunId,
    organizations,
    row::{Organization, Run, Workspace},
    runs,
    workspaces::{self, Filter, Sort},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{Crumb, Pager, Table, empty, page, page_header, run_status, time},
    failure::Result,
    guard::May,
    runs::path as run_path,
    visitor::SignedIn,
    workspaces::path as workspace_path,
};

pub use create::NEW;

pub fn routes() -> Routes {
    Routes::default()
        .merge(create::routes())
        .get("/", overview)
        .get("/app", home)
        .get("/app/{organization_name}", show)
        .get("/app/{organization_name}/workspaces", show)
}

async fn home(_: May<can::UseAccount>) -> Redirect {
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

async fn overview(account: May<can::UseToken>, Query(asked): Query<Asked>) -> Result<Markup> {
    let visitor = &account.visitor;
    let cx = &visitor.cx;
    let paging = Paging { number: asked.page.max(1), size: OVERVIEW_SIZE };
    let organizations =
        organizations::list(cx, &account, organizations::Search::default(), paging).await?;
    let recent = Paging { number: 1, size: OVERVIEW_SIZE };
    let mut shown: Vec<(&Organization, Page<Workspace>)> = Vec::new();
    for organization in &organizations.items {
        let found = organizations::find(cx, &organization.name).await?;
        let granted = cx.check::<can::ReadOrganization, _>(found)?;
        let list = workspaces_of(visitor, &granted, Sort::LatestChangeAt, recent).await?;
        shown.push((organization, list));
    }
    let runs = runs_of(visitor, shown.iter().flat_map(|(_, list)| &list.items)).await?;
    let may_create = cx.may::<can::CreateOrganization>(&Site);
    let main = html! {
        (page_header(&[], "Overview", &html! {
            @if may_create { a href=(NEW) { "New organization" } }
        }))
        @if shown.is_empty() {
            (empty("You are in no organization yet."))
            @if !may_create {
                p { "Ask an owner of one for an invitation, or a site administrator for one of your own." }
            }
        }
        @for (organization, list) in &shown {
            h2 { a href=(path(&organization.name)) { (organization.name) } }
            (table(&list.items, &runs))
            @if list.total > OVERVIEW_SIZE {
                p { a href=(path(&organization.name)) { "All " (list.total) " workspaces of " (organization.name) } }
            }
        }
        (Pager { number: paging.number, size: OVERVIEW_SIZE, total: organizations.total, path: "/" })
    };
    Ok(page("Overview", visitor, &main))
}

async fn show(
    organization: May<can::ReadOrganization>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let visitor = &organization.visitor;
    let name = &organization.name;
    let paging = Paging { number: asked.page.max(1), size: PAGE_SIZE };
    let list = workspaces_of(visitor, &organization, Sort::Name, paging).await?;
    let runs = runs_of(visitor, &list.items).await?;
    let crumbs = [Crumb { label: "Overview", href: "/".into() }];
    let main = html! {
        (page_header(&crumbs, name, &html! {}))
        (table(&list.items, &runs))
        (Pager { number: paging.number, size: PAGE_SIZE, total: list.total, path: &path(name) })
    };
    Ok(page(name, visitor, &main))
}

async fn workspaces_of(
    visitor: &SignedIn,
    organization: &Granted<can::ReadOrganization>,
    sort: Sort,
    paging: Paging,
) -> Result<Page<Workspace>> {
    let cx = &visitor.cx;
    let order = if sort == Sort::Name { Order::Ascending } else { Order::Descending };
    Ok(workspaces::list(cx, organization, Filter::default(), sort, order, paging).await?)
}

/// The current and the newest runs of these workspaces, by their ids.
async fn runs_of(
    visitor: &SignedIn,
    workspaces: impl IntoIterator<Item = &Workspace>,
) -> Result<HashMap<RunId, In<Run>>> {
    let mut ids: Vec<RunId> = workspaces
        .into_iter()
        .flat_map(|row| [row.current_run_id.clone(), row.latest_run_id.clone()])
        .flatten()
        .collect();
    ids.sort();
    ids.dedup();
    let runs = runs::load(&visitor.cx, &ids).await?;
    Ok(runs.into_iter().map(|run| (run.row.id.clone(), run)).collect())
}

/// A plan-only run never becomes the current one, and is what somebody who just made it looks for.
fn status(workspace: &Workspace, runs: &HashMap<RunId, In<Run>>) -> Markup {
    let named = |id: &Option<RunId>| id.as_ref().and_then(|id| runs.get(id));
    let current = named(&workspace.current_run_id);
    let beside = named(&workspace.latest_run_id)
        .filter(|run| run.plan_only && Some(&run.id) != current.map(|run| &run.id));
    html! {
        @if let Some(run) = current { (run_status(run.status)) }
        @if let Some(run) = beside {
            " " a href=(run_path(run)) { "plan only: " (run_status(run.status)) }
        }
        @if current.is_none() && beside.is_none() { "no runs" }
    }
}

fn table(workspaces: &[Workspace], runs: &HashMap<RunId, In<Run>>) -> Markup {
    if workspaces.is_empty() {
        return empty("There are no workspaces that you may see.");
    }
    let row = |workspace: &Workspace| {
        vec![
            html! { a href=(workspace_path(workspace)) { (workspace.name) } },
            status(workspace, runs),
            html! { @if workspace.lock_kind.is_some() { "locked" } },
            time(workspace.latest_change_at),
        ]
    };
    let rows = workspaces.iter().map(row).collect();
    let heads = &["Workspace", "Run", "Lock", "Last change"];
    html! { (Table { caption: "Workspaces", heads, rows }) }
}
