//! `/app/{organization}/workspaces/{workspace}`: a workspace and its latest runs.

use std::collections::HashMap;

use axum::{
    Router,
    extract::{Path, Query},
    response::Redirect,
    routing::get,
};
use domain::{
    App, In, Paging, accounts, can,
    id::UserId,
    row::{Run, Workspace},
    runs, workspaces,
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{Crumb, Pager, Table, Tone, badge, empty, page, page_header, run_status, time},
    failure::Result,
    organizations,
    visitor::SignedIn,
};

/// Command lines print the forms without `workspaces/` (CLI protocol 2.5).
pub fn routes() -> Router<App> {
    Router::new()
        .route("/app/{organization}/workspaces/{workspace}", get(show))
        .route("/app/{organization}/workspaces/{workspace}/runs", get(show))
        .route("/app/{organization}/{workspace}", get(show))
        .route("/app/{organization}/{workspace}/runs", get(show))
        .route("/app/{organization}/{workspace}/variables", get(variables))
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

async fn show(
    visitor: SignedIn,
    Path((organization, workspace)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let found = workspaces::find_by_name(cx, &organization, &workspace).await?;
    let workspace = cx.check::<can::ReadWorkspace, _>(found)?;
    let paging = Paging { number: asked.page.max(1), size: PAGE_SIZE };
    let list = runs::list(cx, &workspace, runs::Filter::default(), paging).await?;
    let people = people(&visitor, &list.items).await?;
    let details = workspaces::details_of(cx, (*workspace).clone()).await?;
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
    Ok(page(&workspace.name, &visitor, &main))
}

/// Variables have no page of their own yet; the workspace's is the nearest.
async fn variables(
    visitor: SignedIn,
    Path((organization, workspace)): Path<(String, String)>,
) -> Result<Redirect> {
    let cx = &visitor.cx;
    let found = workspaces::find_by_name(cx, &organization, &workspace).await?;
    Ok(Redirect::to(&path(&*cx.check::<can::ReadWorkspace, _>(found)?)))
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
