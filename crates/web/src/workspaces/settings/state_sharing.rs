//! Whose runs may read the state of a workspace: all of its organization, its project, or those that are named.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, Paging, can,
    id::WorkspaceId,
    row::Workspace,
    workspaces::{self, Change},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path};
use crate::{
    components::{About, Button, Card, Cards, Icon, Look, Panel, Sheet, Text, action, count},
    failure::{Result, Wrong},
    forms::Form,
    guard::{May, Named},
    visitor::SignedIn,
};

const MOST: u64 = 1_000;

const SHARED: [Card<'_>; 3] = [
    Card {
        value: "named",
        label: "With those that are named below",
        means: "And with nobody, while there is none.",
    },
    Card {
        value: "project",
        label: "With its project",
        means: "Every workspace of the project, later ones included.",
    },
    Card {
        value: "organization",
        label: "With its organization",
        means: "Every workspace of the organization, later ones included.",
    },
];

fn here(workspace: &Workspace) -> String {
    format!("{}/settings/state-sharing", path(workspace))
}

fn now(workspace: &Workspace) -> &'static str {
    match (workspace.global_remote_state, workspace.project_remote_state) {
        (true, _) => "organization",
        (_, true) => "project",
        _ => "named",
    }
}

#[derive(Deserialize)]
pub struct Input {
    #[serde(default)]
    shared: String,
}

pub async fn show(workspace: May<can::ReadWorkspace>) -> Result<Markup> {
    draw(&workspace.visitor, &workspace, None).await
}

pub async fn save(
    workspace: May<can::UpdateWorkspace>,
    Form(Input { shared }): Form<Input>,
) -> Result<Response> {
    if !SHARED.iter().any(|card| card.value == shared) {
        return refused(&workspace, domain::Error::invalid("shared", "must be chosen"), "").await;
    }
    let change = Change {
        global_remote_state: Some(shared == "organization"),
        project_remote_state: Some(shared == "project"),
        ..Change::default()
    };
    match Box::pin(workspaces::update(&workspace.visitor.cx, &workspace, change)).await {
        Ok(row) => Ok(Redirect::to(&here(&row)).into_response()),
        Err(error) => refused(&workspace, error, "").await,
    }
}

#[derive(Deserialize)]
pub struct Name {
    #[serde(default)]
    consumer: String,
}

pub async fn add(
    named: Named<can::ReadWorkspace, Workspace, can::UpdateWorkspace>,
    Form(Name { consumer }): Form<Name>,
) -> Result<Response> {
    let workspace = &named.base;
    match Box::pin(added(&named, consumer.trim())).await {
        Ok(()) => Ok(Redirect::to(&here(workspace)).into_response()),
        Err(error) => refused(workspace, error, &consumer).await,
    }
}

async fn added(
    named: &Named<can::ReadWorkspace, Workspace, can::UpdateWorkspace>,
    name: &str,
) -> domain::Result<()> {
    let cx = &named.base.visitor.cx;
    let found = workspaces::find_by_name(cx, &named.base.organization_name, name).await;
    let consumer = found.and_then(|found| named.check(found)).map_err(|error| match error {
        domain::Error::NotFound => {
            domain::Error::invalid("consumer", "There is no such workspace that you may see.")
        }
        other => other,
    })?;
    let ids = vec![consumer.id.clone()];
    workspaces::add_consumers(cx, &named.base, ids).await.map_err(|error| match error {
        // There is one, so that it is the one that was typed.
        domain::Error::Invalid { message, .. } => domain::Error::invalid("consumer", message),
        other => other,
    })
}

#[derive(Deserialize)]
pub struct Who {
    id: WorkspaceId,
}

pub async fn remove(
    workspace: May<can::UpdateWorkspace>,
    Form(Who { id }): Form<Who>,
) -> Result<Redirect> {
    workspaces::remove_consumers(&workspace.visitor.cx, &workspace, vec![id]).await?;
    Ok(Redirect::to(&here(&workspace)))
}

async fn refused(
    workspace: &May<can::UpdateWorkspace>,
    error: domain::Error,
    typed: &str,
) -> Result<Response> {
    let wrong = Wrong::of(error)?;
    let cx = &workspace.visitor.cx;
    let found = workspaces::find(cx, &workspace.id).await?;
    let readable = cx.check::<can::ReadWorkspace, _>(found)?;
    Ok(wrong.shown_in(draw(&workspace.visitor, &readable, Some((typed, &wrong))).await?))
}

async fn draw(
    visitor: &SignedIn,
    workspace: &Granted<can::ReadWorkspace>,
    said: Option<(&str, &Wrong)>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let manages = cx.may::<can::UpdateWorkspace>(workspace);
    let wrong = said.map(|(_, wrong)| wrong);
    let shared = Cards {
        about: About { name: "shared", label: "Its state is shared", ..About::default() },
        cards: &SHARED,
        value: now(workspace),
    };
    let form = Sheet {
        id: "sharing",
        action: &here(workspace),
        token: &visitor.form_token(),
        wrong: wrong.filter(|wrong| wrong.about("consumer").is_none()),
        hidden: &[],
        controls: &[&shared],
        send: Button { label: "Save", ..Button::default() },
    };
    let label = SHARED.iter().find(|card| card.value == now(workspace));
    let content = html! {
        p { "Runs there read it with the data source terraform_remote_state or tfe_outputs." }
        @if manages { (form) }
        @else {
            p { b { (label.map_or("", |card| card.label)) } }
            p.hint { "Administrators of " (workspace.name) " decide about this." }
        }
    };
    let content = html! {
        (Panel { id: "s-share", title: "Sharing", content, ..Panel::default() })
        @if now(workspace) == "named" { (named(visitor, workspace, manages, said).await?) }
    };
    super::draw(visitor, workspace, Setting::StateSharing, &content).await
}

async fn named(
    visitor: &SignedIn,
    workspace: &Granted<can::ReadWorkspace>,
    manages: bool,
    said: Option<(&str, &Wrong)>,
) -> Result<Markup> {
    let paging = Paging { number: 1, size: MOST };
    let list = workspaces::consumers(&visitor.cx, workspace, true, paging).await?;
    let consumer = Text {
        about: About {
            name: "consumer",
            label: "Name of a workspace",
            hint: Some("Of this organization. Its runs may then read the whole state of this one."),
            optional: false,
        },
        value: said.map_or("", |(typed, _)| typed),
        mono: true,
        ..Text::default()
    };
    let form = Sheet {
        id: "consumer",
        action: &format!("{}/consumers", here(workspace)),
        token: &visitor.form_token(),
        wrong: said.map(|(_, wrong)| wrong).filter(|wrong| wrong.about("consumer").is_some()),
        hidden: &[],
        controls: &[&consumer],
        send: Button {
            label: "Share with it",
            look: Look::Plain,
            icon: Some(Icon::Plus),
            ..Button::default()
        },
    };
    let content = html! {
        @if list.items.is_empty() { p.soft { "None that you may see." } }
        ul.ladder {
            @for one in &list.items {
                li {
                    span { a href=(path(one)) { (one.name) } }
                    @if manages { (remove_button(visitor, workspace, one)) }
                }
            }
        }
        @if manages { (form) }
    };
    let beside = count(list.total);
    let panel = Panel { id: "s-named", title: "May read it", beside, content, ..Panel::default() };
    Ok(panel.render())
}

fn remove_button(visitor: &SignedIn, workspace: &Workspace, one: &Workspace) -> Markup {
    let button = Button {
        label: "Remove",
        look: Look::Danger,
        small: true,
        sends: Some(("id", one.id.as_str())),
        about: Some(&one.name),
        ..Button::default()
    };
    action(&format!("{}/consumers/remove", here(workspace)), &visitor.form_token(), &button)
}
