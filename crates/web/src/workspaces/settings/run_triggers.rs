//! Whose applies start runs in a workspace, and in which others its own applies do.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, Paging, can,
    row::Workspace,
    run_triggers::{self, Direction, Trigger},
    workspaces,
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path};
use crate::{
    components::{About, Button, Check, Icon, Look, Panel, Sheet, Text, action, count},
    failure::{Result, Wrong},
    forms::{Form, Press, Ticked},
    guard::{May, Named},
    visitor::SignedIn,
};

const MOST: u64 = 1_000;

fn here(workspace: &Workspace) -> String {
    format!("{}/settings/run-triggers", path(workspace))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    sourceable: String,
}

pub async fn show(workspace: May<can::ReadRun>) -> Result<Markup> {
    draw(&workspace.visitor, &workspace, "", None).await
}

pub async fn add(
    named: Named<can::ReadRun, Workspace, can::UpdateWorkspace>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let workspace = &named.base;
    let visitor = &workspace.visitor;
    match Box::pin(made(&named, input.sourceable.trim())).await {
        Ok(()) => Ok(Redirect::to(&here(workspace)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let found = workspaces::find(&visitor.cx, &workspace.id).await?;
            let readable = visitor.cx.check::<can::ReadRun, _>(found)?;
            Ok(wrong.shown_in(draw(visitor, &readable, &input.sourceable, Some(&wrong)).await?))
        }
    }
}

async fn made(
    named: &Named<can::ReadRun, Workspace, can::UpdateWorkspace>,
    name: &str,
) -> domain::Result<()> {
    let cx = &named.base.visitor.cx;
    let found = workspaces::find_by_name(cx, &named.base.organization_name, name).await;
    let source = found.and_then(|found| named.check(found)).map_err(|error| match error {
        domain::Error::NotFound => {
            domain::Error::invalid("sourceable", "There is no such workspace that you may see.")
        }
        other => other,
    })?;
    run_triggers::create(cx, &named.base, &source).await.map(drop)
}

#[derive(Deserialize)]
pub struct Alone {
    #[serde(default, rename = "auto-apply-run-trigger")]
    auto_apply_run_trigger: Ticked,
}

/// Whether runs that start so apply by themselves.
pub async fn save(
    workspace: May<can::UpdateWorkspace>,
    Form(alone): Form<Alone>,
) -> Result<Redirect> {
    let change = workspaces::Change {
        auto_apply_run_trigger: Some(alone.auto_apply_run_trigger.0),
        ..workspaces::Change::default()
    };
    Box::pin(workspaces::update(&workspace.visitor.cx, &workspace, change)).await?;
    Ok(Redirect::to(&here(&workspace)))
}

pub async fn remove(trigger: May<can::UpdateWorkspace, Trigger>, _: Press) -> Result<Redirect> {
    run_triggers::delete(&trigger.visitor.cx, &trigger).await?;
    Ok(Redirect::to(&here(&trigger.of.workspace)))
}

async fn draw(
    visitor: &SignedIn,
    workspace: &Granted<can::ReadRun>,
    typed: &str,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let all = Paging { number: 1, size: MOST };
    let inbound = run_triggers::list(cx, workspace, Direction::Inbound, all).await?;
    let outbound = run_triggers::list(cx, workspace, Direction::Outbound, all).await?;
    let manages = cx.may::<can::UpdateWorkspace>(workspace);
    let name = |end: &Workspace| {
        if cx.may::<can::ReadWorkspace>(end) {
            html! { a href=(path(end)) { (end.name) } }
        } else {
            html! { "a workspace that you may not see" }
        }
    };
    let source = Text {
        about: About {
            name: "sourceable",
            label: "Name of a workspace",
            hint: Some("Of this organization. Whenever a run is applied there, one starts here."),
            optional: false,
        },
        value: typed,
        mono: true,
        ..Text::default()
    };
    let form = Sheet {
        id: "trigger",
        action: &here(workspace),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&source],
        send: Button {
            label: "Add the source",
            look: Look::Plain,
            icon: Some(Icon::Plus),
            ..Button::default()
        },
    };
    let content = html! {
        @if inbound.items.is_empty() { p.soft { "No other workspace starts runs here." } }
        ul.ladder {
            @for one in &inbound.items {
                li { span { (name(&one.of.source)) } @if manages { (remove_button(visitor, one)) } }
            }
        }
        @if manages { (form) }
        @else { p.hint { "Administrators of " (workspace.name) " can change these." } }
    };
    let beside = count(inbound.total);
    let sources =
        Panel { id: "s-in", title: "Starts runs here", beside, content, ..Panel::default() };
    let content = html! {
        @if outbound.items.is_empty() { p.soft { "Applies here start no run elsewhere." } }
        @else {
            ul.ladder { @for one in &outbound.items { li { span { (name(&one.of.workspace)) } } } }
            p.hint { "Each of them decides that itself." }
        }
    };
    let beside = count(outbound.total);
    let targets = Panel {
        id: "s-out",
        title: "Its applies start runs in",
        beside,
        content,
        ..Panel::default()
    };
    let content = html! {
        (sources)
        @if manages { (alone(visitor, workspace)) }
        (targets)
    };
    super::draw(visitor, workspace, Setting::RunTriggers, &content).await
}

fn remove_button(visitor: &SignedIn, trigger: &Trigger) -> Markup {
    let button = Button {
        label: "Remove",
        look: Look::Danger,
        small: true,
        about: Some(&trigger.of.source.name),
        ..Button::default()
    };
    let at = format!("{}/{}/delete", here(&trigger.of.workspace), trigger.id);
    action(&at, &visitor.form_token(), &button)
}

fn alone(visitor: &SignedIn, workspace: &Workspace) -> Markup {
    let alone = Check {
        about: About {
            name: "auto-apply-run-trigger",
            label: "Runs that start so apply by themselves",
            ..About::default()
        },
        is_on: workspace.auto_apply_run_trigger,
        must: false,
    };
    let form = Sheet {
        id: "alone",
        action: &format!("{}/settings/triggered-runs", path(workspace)),
        token: &visitor.form_token(),
        wrong: None,
        hidden: &[],
        controls: &[&alone],
        send: Button { label: "Save", look: Look::Plain, ..Button::default() },
    };
    Panel { id: "s-alone", title: "What such runs do", content: form.render(), ..Panel::default() }
        .render()
}
