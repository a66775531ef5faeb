//! For how long what is behind old states and configurations is kept.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, can, organizations,
    retention::{self, Rule},
    row::Workspace,
    workspaces,
};
use maud::{Markup, Render, html};

use super::{Setting, path};
use crate::{
    components::Panel,
    failure::{Result, Wrong},
    forms::Form,
    guard::May,
    retention::{Input, in_words, sheet},
    visitor::SignedIn,
};

fn here(workspace: &Workspace) -> String {
    format!("{}/settings/retention", path(workspace))
}

pub async fn show(workspace: May<can::ReadWorkspace>) -> Result<Markup> {
    draw(&workspace.visitor, &workspace, None).await
}

pub async fn save(
    workspace: May<can::ManageRetention>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &workspace.visitor;
    let cx = &visitor.cx;
    let done = match input.rule() {
        Ok(Some(rule)) => retention::set_for_workspace(cx, &workspace, rule).await.map(drop),
        Ok(None) => match retention::remove_from_workspace(cx, &workspace).await {
            // It had none of its own, as is wished.
            Err(domain::Error::NotFound) => Ok(()),
            other => other,
        },
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(Redirect::to(&here(&workspace)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let found = workspaces::find(cx, &workspace.id).await?;
            let readable = cx.check::<can::ReadWorkspace, _>(found)?;
            Ok(wrong.shown_in(draw(visitor, &readable, Some((&input, &wrong))).await?))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    workspace: &Granted<can::ReadWorkspace>,
    said: Option<(&Input, &Wrong)>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let own = match retention::of_workspace(cx, workspace).await {
        Ok(policy) => Some(Rule::of(&policy)),
        Err(domain::Error::NotFound) => None,
        Err(other) => return Err(other.into()),
    };
    let found = organizations::find(cx, &workspace.organization_name).await?;
    let inherited = match cx.check::<can::ReadOrganization, _>(found) {
        Ok(organization) => match retention::of_organization(cx, &organization).await {
            Ok(policy) => Some(Rule::of(&policy)),
            Err(domain::Error::NotFound) => None,
            Err(other) => return Err(other.into()),
        },
        Err(_) => None,
    };
    let now = Input::of(own);
    let input = said.map_or(&now, |(input, _)| input);
    let unset = format!("As the organization says: {}", in_words(inherited));
    let content = html! {
        p { "The current state, and what runs still need, always stay. What is too old can be brought back for a week." }
        @if cx.may::<can::ManageRetention>(workspace) {
            (sheet(&here(workspace), visitor, input, &unset, said.map(|(_, wrong)| wrong)))
        } @else {
            p { b { (in_words(own.or(inherited))) } }
            p.hint { "Administrators of " (workspace.name) " decide about this." }
        }
    };
    let panel = Panel { id: "s-keep", title: "Retention", content, ..Panel::default() };
    super::draw(visitor, workspace, Setting::Retention, &panel.render()).await
}
