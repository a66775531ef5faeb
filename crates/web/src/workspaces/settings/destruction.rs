//! The end of a workspace: a run that destroys what it manages, and its deletion, with what has to be typed first.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{can, deletions, row::Workspace, workspaces};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path};
use crate::{
    components::{
        About, Button, Check, Control, Icon, Look, Notice, Panel, Sheet, Text, Tone, grouped,
        link_button,
    },
    failure::{Result, Wrong},
    forms::{Form, Ticked},
    guard::May,
    organizations,
    visitor::SignedIn,
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    confirm: String,
    force: Ticked,
}

pub async fn show(workspace: May<can::ReadWorkspace>) -> Result<Markup> {
    draw(&workspace.visitor, &workspace, &Typed::default(), None).await
}

fn full_name(workspace: &Workspace) -> String {
    format!("{}/{}", workspace.organization_name, workspace.name)
}

pub async fn delete(
    workspace: May<can::DestroyWorkspace>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let visitor = &workspace.visitor;
    let deleted = if typed.confirm.trim() == full_name(&workspace) {
        match done(&workspace, typed.force.0).await {
            Ok(()) => Ok(()),
            Err(error) => Err(Wrong::of(error)?),
        }
    } else {
        Err(Wrong::in_field("confirm", &format!("Type {} to go on.", full_name(&workspace))))
    };
    match deleted {
        Ok(()) => {
            Ok(Redirect::to(&organizations::path(&workspace.organization_name)).into_response())
        }
        Err(wrong) => Ok(wrong.shown_in(draw(visitor, &workspace, &typed, Some(&wrong)).await?)),
    }
}

async fn done(workspace: &May<can::DestroyWorkspace>, force: bool) -> domain::Result<()> {
    let cx = &workspace.visitor.cx;
    if !force {
        return deletions::workspace_safely(cx, workspace).await;
    }
    let found = workspaces::find(cx, &workspace.id).await?;
    let both = workspaces::with_organization(cx, found).await?;
    let granted = cx.check::<can::ForceDeleteWorkspace, _>(both)?;
    deletions::workspace_by_force(cx, &granted).await
}

async fn draw(
    visitor: &SignedIn,
    workspace: &Workspace,
    typed: &Typed,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let details = workspaces::details_of(cx, workspace.clone()).await?;
    let content = html! {
        (destroy(visitor, workspace))
        @if cx.may::<can::DestroyWorkspace>(workspace) {
            (deletion(visitor, workspace, details.may_force_delete, typed, wrong))
        } @else {
            p.hint { "Whoever may delete " (workspace.name) " can do so here: its administrators, and owners of " (workspace.organization_name) "." }
        }
    };
    super::draw(visitor, workspace, Setting::Destruction, &content).await
}

fn resources(workspace: &Workspace) -> String {
    match workspace.resource_count {
        1 => "1 resource".to_owned(),
        many => format!("{} resources", grouped(u64::try_from(many).unwrap_or_default())),
    }
}

fn destroy(visitor: &SignedIn, workspace: &Workspace) -> Markup {
    let may = visitor.cx.may::<can::QueueDestroy>(workspace);
    let content = html! {
        p {
            "A run whose plan destroys all that it manages, " (resources(workspace)) " at the moment. Somebody still has to \
             confirm it. The workspace, its states and its variables stay."
        }
        @if may {
            div.row { (link_button(Look::Danger, Icon::ActDelete, "Plan to destroy", &format!("{}/start-run?kind=destroy", path(workspace)))) }
        } @else if !workspace.allow_destroy_plan {
            p.hint { "Runs that destroy everything are not allowed here; the general settings decide that." }
        } @else {
            p.hint { "Whoever may apply runs in " (workspace.name) " can start one." }
        }
    };
    Panel { id: "d-plan", title: "Destroy what it manages", content, ..Panel::default() }.render()
}

fn deletion(
    visitor: &SignedIn,
    workspace: &Workspace,
    may_force: bool,
    typed: &Typed,
    wrong: Option<&Wrong>,
) -> Markup {
    let label = format!("Type {} to go on", full_name(workspace));
    let confirm = Text {
        about: About { name: "confirm", label: &label, ..About::default() },
        value: &typed.confirm,
        mono: true,
        ..Text::default()
    };
    let hint = format!("Leaves behind what it manages: {}.", resources(workspace));
    let force = Check {
        about: About { name: "force", label: "By force", hint: Some(&hint), optional: true },
        is_on: typed.force.0,
        must: false,
    };
    let mut controls: Vec<&dyn Control> = vec![&confirm];
    if may_force {
        controls.push(&force);
    }
    let form = Sheet {
        id: "delete",
        action: &format!("{}/delete", path(workspace)),
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button {
            label: "Delete for good",
            look: Look::Final,
            icon: Some(Icon::Trash),
            ..Button::default()
        },
    };
    let content = html! {
        @if workspace.resource_count > 0 {
            (Notice::new(Tone::Bad, &html! {
                h3 { "It still manages " (resources(workspace)) }
                p { "They would go on existing, and nobody would look after them. Destroy them first, or delete by force." }
            }))
        }
        p { "Its runs, states and variables go with it. There is no way back." }
        (form)
    };
    Panel { id: "d-del", title: "Delete the workspace", content, is_risk: true, ..Panel::default() }
        .render()
}
