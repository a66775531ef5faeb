//! Into which project a workspace belongs: moving it changes who reaches it and what it inherits.

use axum::response::Redirect;
use domain::{
    Order, Paging, can,
    id::ProjectId,
    organizations, projects,
    row::{Project, Workspace},
    workspaces,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::path;
use crate::{
    components::{About, Button, Choice, Icon, Look, Panel, Select, Sheet},
    failure::Result,
    forms::Form,
    guard::{May, Named},
};

const MOST: u64 = 1_000;

#[derive(Deserialize)]
pub struct Input {
    project: ProjectId,
}

pub async fn save(
    named: Named<can::MoveWorkspaceInto, Project, can::MoveWorkspace>,
    Form(Input { project }): Form<Input>,
) -> Result<Redirect> {
    let workspace = &named.base;
    let cx = &workspace.visitor.cx;
    let project = named.check(projects::find(cx, &project).await?)?;
    workspaces::move_into(cx, &project, std::slice::from_ref(&workspace.id)).await?;
    Ok(Redirect::to(&format!("{}/settings", path(workspace))))
}

/// Those into which the visitor may put workspaces.
async fn projects_of(workspace: &May<can::UpdateWorkspace>) -> Result<Vec<Project>> {
    let cx = &workspace.visitor.cx;
    let found = organizations::find(cx, &workspace.organization_name).await?;
    let Ok(organization) = cx.check::<can::ReadOrganization, _>(found) else {
        return Ok(Vec::new());
    };
    let filter = projects::Filter { can_create_workspace: true, ..projects::Filter::default() };
    let paging = Paging { number: 1, size: MOST };
    let order = Some(Order::Ascending);
    Ok(projects::list(cx, &organization, filter, order, paging).await?.items)
}

pub async fn panel(workspace: &May<can::UpdateWorkspace>) -> Result<Markup> {
    let projects = projects_of(workspace).await?;
    let row: &Workspace = workspace;
    let now = projects.iter().find(|project| project.id == row.project_id);
    let others: Vec<Choice<'_>> = projects
        .iter()
        .filter(|project| project.id != row.project_id)
        .map(|project| (project.id.as_str(), project.name.as_str()))
        .collect();
    let project = Select {
        about: About {
            name: "project",
            label: "Project",
            hint: Some(
                "Teams of the old project lose it, those of the new one get it, and so it is with variables and settings.",
            ),
            optional: false,
        },
        choices: &others,
        value: "",
    };
    let form = Sheet {
        id: "move",
        action: &format!("{}/move", path(row)),
        token: &workspace.visitor.form_token(),
        wrong: None,
        hidden: &[],
        controls: &[&project],
        send: Button {
            label: "Move the workspace",
            look: Look::Danger,
            icon: Some(Icon::ActMove),
            ..Button::default()
        },
    };
    let content = html! {
        @if let Some(now) = now { p { "It is in " b { (now.name) } "." } }
        @if others.is_empty() { p.soft { "There is no other project that you may put it into." } }
        @else { (form) }
    };
    Ok(Panel { id: "g-move", title: "Move", content, ..Panel::default() }.render())
}
