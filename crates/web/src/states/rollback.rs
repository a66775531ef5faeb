//! Going back: the content of an earlier version becomes the current state once more, under the next serial.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, In, can,
    row::StateVersion,
    states::{self, is_encrypted},
};
use maud::{Markup, Render, html};

use super::show;
use crate::{
    components::{Button, Icon, Look, Notice, Panel, Tone, action},
    failure::{Result, Wrong},
    forms::Press,
    guard::May,
    visitor::SignedIn,
    workspaces,
};

pub async fn make(
    version: May<can::CreateStateVersion, In<StateVersion>>,
    _: Press,
) -> Result<Response> {
    let visitor = &version.visitor;
    let cx = &visitor.cx;
    let found = domain::workspaces::find(cx, &version.of.id).await?;
    let workspace = cx.check::<can::CreateStateVersion, _>(found)?;
    match Box::pin(states::rollback(cx, &workspace, &version.row.id)).await {
        Ok(made) => {
            let path = format!("{}/states/{}", workspaces::path(&version.of), made.id);
            Ok(Redirect::to(&path).into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let found = states::find(cx, &version.row.id).await?;
            let read = cx.check::<can::ReadState, _>(found)?;
            Ok(wrong.shown_in(show::draw(visitor, &read, Some(&wrong)).await?))
        }
    }
}

/// For those who may, about a version that is not the current one.
pub fn form(
    visitor: &SignedIn,
    version: &Granted<can::ReadState, In<StateVersion>>,
    wrong: Option<&Wrong>,
) -> Markup {
    let cx = &visitor.cx;
    let (row, of) = (&version.row, &version.of);
    let is_current = of.current_state_version_id.as_ref() == Some(&row.id);
    if is_current || is_encrypted(row) || !cx.may::<can::CreateStateVersion>(of) {
        return html! {};
    }
    let workspace = workspaces::path(of);
    let label = format!("Go back to serial {}", row.serial);
    let button =
        Button { label: &label, look: Look::Danger, icon: Some(Icon::Back), ..Button::default() };
    let content = html! {
        @if let Some(wrong) = wrong { (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } })) }
        p {
            "What is in this version becomes the current state, as a new version with the next serial. Nothing real "
            "changes, and no version is lost: the next plan shows what differs."
        }
        @if cx.may::<can::WriteLockedState>(of) {
            (action(&format!("{workspace}/states/{}/rollback", row.id), &visitor.form_token(), &button))
        } @else {
            p.hint {
                "Only whoever has locked the workspace may do this: "
                a href={ (workspace) "/settings/locking" } { "lock it" }
                " first."
            }
        }
    };
    Panel {
        id: "s-back",
        title: "Go back to this version",
        content,
        is_risk: true,
        ..Panel::default()
    }
    .render()
}
