//! The projects of an organization.

use axum::extract::Query;
use domain::{Paging, can, projects, row::Project};
use maud::{Markup, html};
use serde::Deserialize;

use super::{list_path, path};
use crate::{
    components::{Head, Header, Icon, Look, Pager, Table, count, empty, icon, link_button, time},
    failure::Result,
    frame::{Place, Section, page},
    guard::May,
    organizations,
    query::{self, address},
};

const PAGE_SIZE: u64 = 50;

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default = "query::first", deserialize_with = "query::number")]
    page: u64,
}

pub async fn show(
    organization: May<can::ReadOrganization>,
    Query(asked): Query<Asked>,
) -> Result<Markup> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let name = &organization.name;
    let here = list_path(name);
    let text = asked.q.trim();
    let filter = projects::Filter {
        search: Some(text.to_owned()).filter(|text| !text.is_empty()),
        ..projects::Filter::default()
    };
    let paging = Paging { number: asked.page, size: PAGE_SIZE };
    let list = projects::list(cx, &organization, filter, None, paging).await?;
    let rows = list.items.iter().map(row).collect();
    let heads = [
        Head::new("Project"),
        Head::new("Description"),
        Head::new("Workspaces"),
        Head::number("Made"),
    ];
    let new = html! {
        @if cx.may::<can::CreateProject>(&organization) {
            (link_button(Look::Main, Icon::Plus, "New project", &format!("/app/{name}/new-project")))
        }
    };
    let main = html! {
        (Header { title: "Projects", beside: count(list.total), actions: new, ..Header::default() })
        form.filters method="get" action=(here) {
            span.search {
                (icon(Icon::Search))
                input type="search" name="q" value=(asked.q) data-find aria-label="Find a project"
                    placeholder="Part of the name";
            }
            button type="submit" class="plain small" { "Find" }
        }
        @if list.total > 0 {
            div.panel { (Table { caption: "Projects", heads: &heads, rows }) }
        } @else if text.is_empty() {
            (empty(Icon::Folder, "No projects that you may see", "A project groups workspaces, and says who may do what in all of them.", &html! {}))
        } @else {
            (empty(Icon::Search, "Nothing found", "No project is called so.", &html! {}))
        }
        (Pager { number: asked.page, size: PAGE_SIZE, total: list.total, path: &address(&here, &[("q", text)]) })
    };
    let title = format!("Projects of {name}");
    page(visitor, Place::In(name, Section::Projects), &title, &main).await
}

fn row(project: &Project) -> Vec<Markup> {
    let workspaces = organizations::path(&project.organization_name);
    vec![
        html! { a href=(path(project)) { (project.name) } },
        html! { (project.description.as_deref().unwrap_or_default()) },
        html! { a.quietlink href=(address(&workspaces, &[("project", project.id.as_str())])) { "Workspaces" span.unseen { " of " (project.name) } } },
        time(project.created_at),
    ]
}
