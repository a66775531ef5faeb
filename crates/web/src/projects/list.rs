//! The projects of an organization.

use axum::extract::Query;
use domain::{can, projects, row::Project};
use maud::{Markup, html};

use super::{list_path, path};
use crate::{
    components::{Head, Header, Icon, Look, Search, Table, count, empty, link_button, time},
    failure::Result,
    frame::{Place, Section, page},
    guard::May,
    organizations,
    query::address,
};

pub async fn show(
    organization: May<can::ReadOrganization>,
    Query(asked): Query<Search>,
) -> Result<Markup> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let name = &organization.name;
    let here = list_path(name);
    let filter =
        projects::Filter { search: asked.text().map(str::to_owned), ..projects::Filter::default() };
    let list = projects::list(cx, &organization, filter, None, asked.paging()).await?;
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
        (asked.field(&here, "Find a project", "Part of the name"))
        @if list.total > 0 {
            div.panel { (Table { caption: "Projects", heads: &heads, rows }) }
        } @else if asked.text().is_none() {
            (empty(Icon::Folder, "No projects that you may see", "A project groups workspaces, and says who may do what in all of them.", &html! {}))
        } @else {
            (empty(Icon::Search, "Nothing found", "No project is called so.", &html! {}))
        }
        (asked.pager(&here, list.total))
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
