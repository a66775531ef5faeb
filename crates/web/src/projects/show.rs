//! One project: what it is, to be changed by those who may; and a new one.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{Granted, can, projects, row::Project};
use maud::{Markup, Render, html};

use super::{
    form::{Input, sheet},
    list_path, path,
};
use crate::{
    components::{
        Button, Crumb, Header, Icon, Look, Notice, Panel, Tone, action, copy_id, stacked_facts,
        time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    frame::{Place, Section, page},
    guard::May,
    organizations,
    query::address,
    visitor::SignedIn,
};

pub async fn new(organization: May<can::CreateProject>) -> Result<Markup> {
    draw_new(&organization, &Input::default(), None).await
}

pub async fn create(
    organization: May<can::CreateProject>,
    Form(input): Form<Input>,
) -> Result<Response> {
    match projects::create(&organization.visitor.cx, &organization, input.wanted()).await {
        Ok(project) => Ok(Redirect::to(&path(&project)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            Ok(wrong.shown_in(draw_new(&organization, &input, Some(&wrong)).await?))
        }
    }
}

async fn draw_new(
    organization: &May<can::CreateProject>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let name = &organization.name;
    let crumbs = [Crumb { label: "Projects", href: list_path(name) }];
    let to = format!("/app/{name}/new-project");
    let main = html! {
        (Header { crumbs: &crumbs, title: "New project", ..Header::default() })
        p.gap { "A project groups workspaces, and says who may do what in all of them." }
        (sheet(&to, &organization.visitor, input, wrong, "Create the project"))
    };
    let place = Place::In(name, Section::Projects);
    page(&organization.visitor, place, "New project", &main).await
}

pub async fn show(project: May<can::ReadProject>) -> Result<Markup> {
    draw(&project.visitor, &project, &Input::of(&project), None).await
}

pub async fn save(project: May<can::UpdateProject>, Form(input): Form<Input>) -> Result<Response> {
    let visitor = &project.visitor;
    match projects::update(&visitor.cx, &project, input.wanted()).await {
        Ok(_) => Ok(Redirect::to(&path(&project)).into_response()),
        Err(error) => refused(visitor, &project, &input, error).await,
    }
}

pub async fn delete(project: May<can::DestroyProject>, _: Press) -> Result<Response> {
    let visitor = &project.visitor;
    match projects::delete(&visitor.cx, &project).await {
        Ok(()) => Ok(Redirect::to(&list_path(&project.organization_name)).into_response()),
        Err(error) => refused(visitor, &project, &Input::of(&project), error).await,
    }
}

async fn refused(
    visitor: &SignedIn,
    project: &Project,
    input: &Input,
    error: domain::Error,
) -> Result<Response> {
    let wrong = Wrong::of(error)?;
    let cx = &visitor.cx;
    let read = cx.check::<can::ReadProject, _>(projects::find(cx, &project.id).await?)?;
    Ok(wrong.shown_in(draw(visitor, &read, input, Some(&wrong)).await?))
}

async fn draw(
    visitor: &SignedIn,
    project: &Granted<can::ReadProject>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let organization = &project.organization_name;
    let crumbs = [Crumb { label: "Projects", href: list_path(organization) }];
    let workspaces =
        address(&organizations::path(organization), &[("project", project.id.as_str())]);
    let mut facts = vec![
        ("Id", copy_id(&project.id)),
        ("Made", time(project.created_at)),
        ("Workspaces", html! { a href=(workspaces) { "Show them" } }),
    ];
    if cx.may::<can::ReadProjectTeams>(project) {
        let access = format!("{}/access", path(project));
        facts.push(("Teams", html! { a href=(access) { "Who may do what" } }));
    }
    let delete = Button {
        label: "Delete the project",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let may_update = cx.may::<can::UpdateProject>(project);
    let main = html! {
        (Header { crumbs: &crumbs, title: &project.name, ..Header::default() })
        @if let Some(wrong) = wrong.filter(|_| !may_update) {
            (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } }))
        }
        div.beside {
            div.stack {
                @if may_update {
                    (Panel {
                        id: "p-general",
                        title: "General",
                        content: sheet(&path(project), visitor, input, wrong, "Save"),
                        ..Panel::default()
                    })
                } @else if let Some(text) = &project.description { p { (text) } }
                @if cx.may::<can::DestroyProject>(project) {
                    (Panel {
                        id: "p-delete",
                        title: "Delete it",
                        content: html! {
                            p { "Only a project without workspaces can be deleted, and never the default one." }
                            (action(&format!("{}/delete", path(project)), &visitor.form_token(), &delete))
                        },
                        is_risk: true,
                        ..Panel::default()
                    })
                }
            }
            aside.stack aria-label={ "About " (project.name) } {
                (Panel { id: "p-about", title: "About", content: stacked_facts(&facts), ..Panel::default() }.render())
            }
        }
    };
    page(visitor, Place::In(organization, Section::Projects), &project.name, &main).await
}
