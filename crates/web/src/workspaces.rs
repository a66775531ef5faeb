//! `/app/{organization}/workspaces/{workspace}`: a workspace and its latest runs.

use std::collections::HashMap;

use axum::{extract::Query, response::Redirect};
use domain::{
    In, Paging, accounts, can,
    id::UserId,
    row::{Run, Workspace},
    runs, workspaces,
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    Routes,
    components::{Crumb, Pager, Table, Tone, badge, empty, page, page_header, run_status, time},
    failure::Result,
    guard::May,
    organizations,
    visitor::SignedIn,
};

/// Command lines print the forms without `workspaces/` (CLI protocol 2.5).
pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/workspaces/{workspace_name}", show)
        .get("/app/{organization_name}/workspaces/{workspace_name}/runs", show)
        .get("/app/{organization_name}/{workspace_name}", show)
        .get("/app/{organization_name}/{workspace_name}/runs", show)
        .get("/app/{organization_name}/{workspace_name}/variables", variables)
}

pub fn path(workspace: &Workspace) -> String {
    format!("{}/{}", organizations::path(&workspace.organization_name), workspace.name)
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default = "first")]
    page: u64,
}

fn first() -> u64 {
    1
}

const PAGE_SIZE: u64 = 30;

async fn show(workspace: May<can::ReadWorkspace>, Query(asked): Query<Asked>) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let cx = &visitor.cx;
    let paging = Paging { number: asked.page.max(1), size: PAGE_SIZE };
    let list = runs::list(cx, &workspace, runs::Filter::default(), paging).await?;
    let people = people(visitor, &list.items).await?;
    let details = workspaces::details_of(cx, (**workspace).clone()).await?;
    let crumbs = [
        Crumb { label: "Overview", href: "/".into() },
        Crumb {
            label: &workspace.organization_name,
            href: organizations::path(&workspace.organization_name),
        },
    ];
    let lock = if workspace.lock_kind.is_some() {
        badge(Tone::Waiting, "locked")
    } else {
        html! {}
    };
    let main = html! {
        (page_header(&crumbs, &workspace.name, &lock))
        @if let Some(description) = &workspace.description { p { (description) } }
        dl.facts {
            dt { "Id" } dd { code { (workspace.id) } }
            dt { "Execution" } dd { (details.execution.mode) }
            dt { "Engine version" } dd { (workspace.terraform_version) }
            @if !details.tag_names.is_empty() { dt { "Tags" } dd { (details.tag_names.join(", ")) } }
        }
        h2 { "Runs" }
        @if list.total == 0 { (empty("There are no runs yet.")) }
        @else { (table(&list.items, &people)) }
        (Pager { number: paging.number, size: PAGE_SIZE, total: list.total, path: &path(&workspace) })
    };
    Ok(page(&workspace.name, visitor, &main))
}

/// Variables have no page of their own yet; the workspace's is the nearest.
async fn variables(workspace: May<can::ReadWorkspace>) -> Redirect {
    Redirect::to(&path(&workspace))
}

/// The names of those who started these runs.
async fn people(visitor: &SignedIn, runs: &[In<Run>]) -> Result<HashMap<UserId, String>> {
    let mut ids: Vec<UserId> = runs.iter().filter_map(|run| run.created_by_id.clone()).collect();
    ids.sort();
    ids.dedup();
    let users = accounts::load(&visitor.cx, &ids).await?;
    Ok(users.into_iter().map(|user| (user.id, user.username)).collect())
}

fn table(runs: &[In<Run>], people: &HashMap<UserId, String>) -> Markup {
    let row = |run: &In<Run>| {
        let by = run.created_by_id.as_ref().and_then(|id| people.get(id));
        vec![
            html! { a href=(crate::runs::path(run)) { (run.message) } },
            run_status(run.status),
            html! { (by.map_or("the system", String::as_str)) },
            time(run.created_at),
            html! { code { (run.id) } },
        ]
    };
    let rows = runs.iter().map(row).collect();
    let heads = &["Run", "Status", "By", "Queued", "Id"];
    html! { (Table { caption: "Runs", heads, rows }) }
}
