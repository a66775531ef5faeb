//! `/app/{organization}/new-workspace`: a new workspace.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Error, Paging, can,
    entity::workspace::Source,
    projects,
    row::Project,
    workspaces::{self, Change},
};
use maud::{Markup, html};
use serde::Deserialize;

use super::engines;
use crate::{
    components::{About, Button, Choice, Crumb, Header, Select, Sheet, Text, TextArea},
    failure::{Result, Wrong},
    forms::Form,
    frame::{Place, Section, page},
    guard::{May, Named},
    organizations,
};

/// Beside the workspaces, so that one can be called `new`.
pub fn path(organization: &str) -> String {
    format!("/app/{organization}/new-workspace")
}

/// As many projects as a menu can have.
const MOST_PROJECTS: u64 = 1_000;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    name: String,
    project: String,
    engine: String,
    description: String,
}

/// Those in which the visitor may make workspaces; nobody else sees the page.
async fn choices(organization: &May<can::ReadOrganization>) -> Result<Vec<Project>> {
    let cx = &organization.visitor.cx;
    let filter = projects::Filter { can_create_workspace: true, ..projects::Filter::default() };
    let paging = Paging { number: 1, size: MOST_PROJECTS };
    let found = projects::list(cx, organization, filter, None, paging).await?;
    if found.items.is_empty() { Err(Error::NotFound.into()) } else { Ok(found.items) }
}

/// Into whichever of the projects the form says.
type IntoProject = Named<can::CreateWorkspaceIn, Project, can::ReadOrganization>;

pub async fn show(caller: IntoProject) -> Result<Markup> {
    let organization = &caller.base;
    let projects = choices(organization).await?;
    draw(organization, &projects, &Input::default(), None).await
}

pub async fn create(caller: IntoProject, Form(input): Form<Input>) -> Result<Response> {
    let organization = &caller.base;
    let projects = choices(organization).await?;
    match made(&caller, &projects, &input).await {
        Ok(to) => Ok(Redirect::to(&to).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = draw(organization, &projects, &input, Some(&wrong)).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

async fn made(caller: &IntoProject, projects: &[Project], input: &Input) -> domain::Result<String> {
    let cx = &caller.base.visitor.cx;
    let project = projects.iter().find(|project| project.id.as_str() == input.project);
    let project = project.ok_or_else(|| {
        Error::invalid_relation("project", "is none that you may make workspaces in")
    })?;
    let engine = engines::chosen(&input.engine)?;
    let change = Change {
        name: Some(input.name.trim().to_owned()),
        description: Some(Some(input.description.clone()).filter(|text| !text.is_empty())),
        engine: Some(engine),
        source: Some(Source::Ui),
        ..Change::default()
    };
    let project = workspaces::destination(cx, &caller.base, Some(project.id.clone())).await?;
    let workspace = workspaces::create(cx, &caller.check(project)?, change).await?;
    Ok(super::path(&workspace))
}

async fn draw(
    organization: &May<can::ReadOrganization>,
    projects: &[Project],
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let visitor = &organization.visitor;
    let organization_name = &organization.name;
    let name = Text {
        about: About {
            name: "name",
            label: "Name",
            hint: Some("Letters, digits, - and _. It stands in the cloud block."),
            ..About::default()
        },
        value: &input.name,
        mono: true,
        ..Text::default()
    };
    let choices: Vec<Choice<'_>> =
        projects.iter().map(|project| (project.id.as_str(), project.name.as_str())).collect();
    let project = Select {
        about: About {
            name: "project",
            label: "Project",
            hint: Some(
                "Who may do what there is decided by the project, unless the workspace says more.",
            ),
            ..About::default()
        },
        choices: &choices,
        value: &input.project,
    };
    let engines = engines::choices();
    let engine = Select {
        about: About { name: "engine", label: "Engine", ..About::default() },
        choices: &engines,
        value: &input.engine,
    };
    let description = TextArea {
        about: About {
            name: "description",
            label: "Description",
            optional: true,
            ..About::default()
        },
        value: &input.description,
        ..TextArea::default()
    };
    let form = Sheet {
        id: "workspace",
        action: &path(organization_name),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&name, &project, &engine, &description],
        send: Button { label: "Create the workspace", ..Button::default() },
    };
    let crumbs = [Crumb { label: "Workspaces", href: organizations::path(organization_name) }];
    let main = html! {
        (Header { crumbs: &crumbs, title: "New workspace", ..Header::default() })
        p.gap { "A workspace is one configuration with its variables, its state and its runs." }
        (form)
    };
    let place = Place::In(organization_name, Section::Workspaces);
    page(visitor, place, "New workspace", &main).await
}
