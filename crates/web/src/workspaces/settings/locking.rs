//! The lock of a workspace: whose it is, and how it is given, taken back, and taken away.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{Ctx, Found, can, entity::workspace::LockKind, locks, row::Workspace, workspaces};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path};
use crate::{
    components::{About, Button, Icon, Look, Notice, Panel, Sheet, Text, Tone, action, time},
    failure::{Result, Wrong},
    forms::{Form, Press},
    guard::May,
    visitor::SignedIn,
};

pub async fn show(workspace: May<can::ReadWorkspace>) -> Result<Markup> {
    draw(&workspace.visitor, &workspace, &Typed::default(), None).await
}

/// What was typed into the forms of the page.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    reason: String,
    confirm: String,
}

fn here(workspace: &Workspace) -> String {
    format!("{}/settings/locking", path(workspace))
}

/// Back to the page, or the page with what was refused.
async fn answered(
    visitor: &SignedIn,
    workspace: &Workspace,
    typed: &Typed,
    done: Result<(), Wrong>,
) -> Result<Response> {
    match done {
        Ok(()) => Ok(Redirect::to(&here(workspace)).into_response()),
        Err(wrong) => Ok(wrong.shown_in(draw(visitor, workspace, typed, Some(&wrong)).await?)),
    }
}

fn told<T>(done: domain::Result<T>) -> Result<Result<(), Wrong>> {
    match done {
        Ok(_) => Ok(Ok(())),
        Err(error) => Ok(Err(Wrong::of(error)?)),
    }
}

pub async fn lock(
    workspace: May<can::LockWorkspace>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let reason = Some(typed.reason.clone());
    let done = told(locks::lock(&workspace.visitor.cx, &workspace, reason).await)?;
    answered(&workspace.visitor, &workspace, &typed, done).await
}

pub async fn unlock(workspace: May<can::UnlockWorkspace>, _: Press) -> Result<Response> {
    let done = told(locks::unlock(&workspace.visitor.cx, &workspace).await)?;
    answered(&workspace.visitor, &workspace, &Typed::default(), done).await
}

pub async fn force_unlock(
    workspace: May<can::ForceUnlockWorkspace>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let done = if typed.confirm.trim() == workspace.name {
        told(locks::force_unlock(&workspace.visitor.cx, &workspace).await)?
    } else {
        let sentence = format!("Type {} to go on.", workspace.name);
        Err(Wrong::in_field("confirm", &sentence))
    };
    answered(&workspace.visitor, &workspace, &typed, done).await
}

async fn draw(
    visitor: &SignedIn,
    workspace: &Workspace,
    typed: &Typed,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let row = fresh(cx, workspace).await?;
    let mut content = html! {};
    if let Some(wrong) =
        wrong.filter(|wrong| wrong.about("confirm").is_none() && wrong.about("reason").is_none())
    {
        content = html! { (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } })) };
    }
    let content = html! {
        (content)
        (now(visitor, &row).await?)
        @if row.lock_kind.is_none() && cx.may::<can::LockWorkspace>(&row) {
            (by_hand(visitor, &row, typed, wrong))
        }
        @if matches!(row.lock_kind, Some(LockKind::User | LockKind::Team | LockKind::Organization))
            && cx.may::<can::ForceUnlockWorkspace>(&row) {
            (by_force(visitor, &row, typed, wrong))
        }
    };
    super::draw(visitor, &row, Setting::Locking, &content).await
}

/// As it is after whatever was done.
async fn fresh(cx: &Ctx, workspace: &Workspace) -> Result<Workspace> {
    let found: Found<Workspace> = workspaces::find(cx, &workspace.id).await?;
    Ok(cx.check::<can::ReadWorkspace, _>(found)?.into_inner())
}

async fn now(visitor: &SignedIn, row: &Workspace) -> Result<Markup> {
    let cx = &visitor.cx;
    let holder = locks::holder_of(cx, row).await?;
    let own = row.lock_kind == Some(LockKind::User)
        && row.lock_holder_id.as_deref()
            == cx.actor().user_id().as_ref().map(domain::id::UserId::as_str);
    let unlock = Button {
        label: "Unlock",
        look: Look::Plain,
        icon: Some(Icon::Unlock),
        ..Button::default()
    };
    let content = html! {
        @match holder {
            None => p { "Nobody holds the lock. Runs may begin, and command lines may write the state." }
            Some(holder) => {
                p {
                    strong { (holder) } " holds the lock"
                    @if let Some(at) = row.locked_at { " since " (time(at)) }
                    "."
                    @if let Some(reason) = row.lock_reason.as_deref().filter(|text| !text.is_empty()) { " Reason: " (reason) }
                }
                @if row.lock_kind == Some(LockKind::Run) {
                    p.hint { "It is given back when the run is over. Discard or cancel the run to end that." }
                }
            }
        }
        @if own && cx.may::<can::UnlockWorkspace>(row) {
            (action(&format!("{}/unlock", path(row)), &visitor.form_token(), &unlock))
        }
        @if !cx.may::<can::LockWorkspace>(row) {
            p.hint { "Whoever may lock " (row.name) " can do so here." }
        }
    };
    let panel = Panel { id: "l-now", title: "The lock", content, ..Panel::default() };
    Ok(panel.render())
}

fn by_hand(visitor: &SignedIn, row: &Workspace, typed: &Typed, wrong: Option<&Wrong>) -> Markup {
    let reason = Text {
        about: About {
            name: "reason",
            label: "Reason",
            hint: Some("Shown wherever somebody meets the lock."),
            optional: true,
        },
        value: &typed.reason,
        ..Text::default()
    };
    let form = Sheet {
        id: "lock",
        action: &format!("{}/lock", path(row)),
        token: &visitor.form_token(),
        wrong: wrong.filter(|wrong| wrong.about("reason").is_some()),
        hidden: &[],
        controls: &[&reason],
        send: Button {
            label: "Lock",
            look: Look::Plain,
            icon: Some(Icon::Lock),
            ..Button::default()
        },
    };
    Panel { id: "l-hand", title: "Lock by hand", content: form.render(), ..Panel::default() }
        .render()
}

fn by_force(visitor: &SignedIn, row: &Workspace, typed: &Typed, wrong: Option<&Wrong>) -> Markup {
    let label = format!("Type {} to go on", row.name);
    let confirm = Text {
        about: About { name: "confirm", label: &label, ..About::default() },
        value: &typed.confirm,
        mono: true,
        ..Text::default()
    };
    let form = Sheet {
        id: "force",
        action: &format!("{}/force-unlock", path(row)),
        token: &visitor.form_token(),
        wrong: wrong.filter(|wrong| wrong.about("confirm").is_some()),
        hidden: &[],
        controls: &[&confirm],
        send: Button {
            label: "Unlock by force",
            look: Look::Danger,
            icon: Some(Icon::Unlock),
            ..Button::default()
        },
    };
    let content = html! {
        p { "For a lock whose holder is gone for good. Whoever still works under it could then meet somebody else: two writers can damage the state." }
        (form)
    };
    Panel { id: "l-force", title: "Unlock by force", content, is_risk: true, ..Panel::default() }
        .render()
}
