//! The repositories that a connection reaches, so that nobody has to know how one is called.

use axum::extract::Query;
use domain::{
    Error, can, github_app,
    id::GithubAppInstallationId,
    oauth_clients::{self, HeldToken},
    row::Workspace,
    vcs_connections::{Choices, pickers},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path};
use crate::{
    components::{Choice, Head, Notice, Panel, Table, Tone},
    failure::Result,
    guard::May,
    query::{self, address},
};

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    connection: String,
    #[serde(default = "query::first", deserialize_with = "query::number")]
    page: u64,
}

/// Leads there from the form, by any of these connections.
pub fn finder(workspace: &Workspace, connections: &[Choice<'_>], chosen: &str) -> Markup {
    html! {
        form.filters method="get" action={ (here(workspace)) } {
            select name="connection" aria-label="Connection whose repositories are listed" {
                @for (id, label) in connections {
                    option value=(id) selected[*id == chosen] { (label) }
                }
            }
            button type="submit" class="plain small" { "List its repositories" }
        }
    }
}

fn here(workspace: &Workspace) -> String {
    format!("{}/settings/version-control/repositories", path(workspace))
}

pub async fn show(
    workspace: May<can::UpdateWorkspace>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let content = match Box::pin(choices(&workspace, &asked)).await {
        Ok(found) => list(&workspace, &asked, &found),
        Err(Error::Conflict(why)) => Notice::new(Tone::Bad, &html! { p { (why) } }).render(),
        Err(error) => return Err(error.into()),
    };
    let content = html! {
        (content)
        p.hint {
            a href={ (path(&workspace)) "/settings/version-control" } { "Back without one of them" }
        }
    };
    let title = "Repositories of the connection";
    let panel = Panel { id: "c-repositories", title, content, ..Panel::default() };
    super::draw(&workspace.visitor, &workspace, Setting::VersionControl, &panel.render()).await
}

/// By a connection of the workspace's own organization.
async fn choices(workspace: &May<can::UpdateWorkspace>, asked: &Asked) -> domain::Result<Choices> {
    let cx = &workspace.visitor.cx;
    let organization = &workspace.organization_name;
    if let Ok(id) = asked.connection.parse::<GithubAppInstallationId>() {
        let found = github_app::find_of(cx, organization, &id).await?;
        let held = cx.check::<can::ReadOauthClients, _>(found)?;
        return github_app::repositories_of(cx, &held, asked.page).await;
    }
    let id = asked.connection.parse().map_err(|_| Error::NotFound)?;
    let found = oauth_clients::find_token(cx, &id).await?;
    let held = cx.check::<can::ReadOauthClients, HeldToken>(found)?;
    if held.of.name != *organization {
        return Err(Error::NotFound);
    }
    pickers::repositories(cx, &held, None, asked.page).await
}

fn list(workspace: &Workspace, asked: &Asked, found: &Choices) -> Markup {
    let form = format!("{}/settings/version-control", path(workspace));
    let heads = [Head::new("Repository"), Head::new("Default branch")];
    let rows = found
        .repositories
        .iter()
        .map(|one| {
            let name = one.name.as_str();
            let chosen = [("connection", asked.connection.as_str()), ("identifier", name)];
            vec![
                html! { a href=(address(&form, &chosen)) { (one.display) } },
                html! { (one.default_branch.as_deref().unwrap_or("none yet")) },
            ]
        })
        .collect();
    html! {
        @if found.repositories.is_empty() {
            p { "There are none here." }
        } @else {
            (Table { caption: "Repositories", heads: &heads, rows })
        }
        @if let Some(next) = found.next {
            nav.pager aria-label="Pages" {
                @let more = [("connection", asked.connection.as_str()), ("page", &*next.to_string())];
                a rel="next" href=(address(&here(workspace), &more)) { "Next" }
            }
        }
    }
}
