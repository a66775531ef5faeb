//! The tags of a workspace: names, and keys with values; those of its project hold for it as well.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, can,
    row::TagBinding,
    tags::{self, Binding},
    workspaces::{self, Change},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path};
use crate::{
    components::{About, Button, Lines, Panel, Sheet, count},
    failure::{Result, Wrong},
    forms::Form,
    guard::May,
    visitor::SignedIn,
};

#[derive(Deserialize)]
pub struct Input {
    #[serde(default)]
    tags: String,
}

pub async fn show(workspace: May<can::ReadWorkspace>) -> Result<Markup> {
    draw(&workspace.visitor, &workspace, None).await
}

pub async fn save(
    workspace: May<can::UpdateWorkspace>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &workspace.visitor;
    let cx = &visitor.cx;
    let now = tags::bindings(cx, &workspace).await?;
    let (flat, keyed) = wanted(&input.tags, &now);
    let change = Change { tags: Some(flat), tag_bindings: Some(keyed), ..Change::default() };
    match Box::pin(workspaces::update(cx, &workspace, change)).await {
        Ok(row) => Ok(Redirect::to(&format!("{}/settings/tags", path(&row))).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let found = workspaces::find(cx, &workspace.id).await?;
            let readable = cx.check::<can::ReadWorkspace, _>(found)?;
            Ok(wrong.shown_in(draw(visitor, &readable, Some((&input.tags, &wrong))).await?))
        }
    }
}

/// A line is a name, or a key and its value. A key that is there without a value stays a key.
fn wanted(text: &str, now: &[TagBinding]) -> (Vec<Binding>, Vec<Binding>) {
    let is_key = |name: &str| now.iter().any(|row| row.tag_key == name && !row.is_flat);
    let mut flat = Vec::new();
    let mut keyed = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once('=') {
            Some((key, value)) => keyed.push(Binding::keyed(key.trim(), value.trim())),
            None if is_key(line) => keyed.push(Binding::keyed(line, "")),
            None => flat.push(Binding::flat(line)),
        }
    }
    (flat, keyed)
}

fn line(row: &TagBinding) -> String {
    if row.tag_value.is_empty() {
        row.tag_key.clone()
    } else {
        format!("{} = {}", row.tag_key, row.tag_value)
    }
}

async fn draw(
    visitor: &SignedIn,
    workspace: &Granted<can::ReadWorkspace>,
    said: Option<(&str, &Wrong)>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let own = tags::bindings(cx, workspace).await?;
    let inherited: Vec<_> = tags::effective(cx, workspace)
        .await?
        .into_iter()
        .filter(|one| one.inherited_from.is_some())
        .map(|one| line(&one.row))
        .collect();
    let lines: Vec<String> = own.iter().map(line).collect();
    let now = lines.join("\n");
    let control = Lines {
        about: About {
            name: "tags",
            label: "Tags",
            hint: Some(
                "One a line: a name such as network, or a key and its value such as team = core.",
            ),
            optional: true,
        },
        value: said.map_or(now.as_str(), |(text, _)| text),
    };
    let form = Sheet {
        id: "tags",
        action: &format!("{}/settings/tags", path(workspace)),
        token: &visitor.form_token(),
        wrong: said.map(|(_, wrong)| wrong),
        hidden: &[],
        controls: &[&control],
        send: Button { label: "Save the tags", ..Button::default() },
    };
    let content = html! {
        p { "Lists are filtered by them, and command lines with cloud { workspaces { tags } } find their workspaces by them." }
        @if cx.may::<can::UpdateWorkspace>(workspace) { (form) }
        @else {
            span.tags { @for tag in &lines { span.tag { (tag) } } }
            @if lines.is_empty() { p.soft { "It has none." } }
            p.hint { "Administrators of " (workspace.name) " can change them." }
        }
        @if !inherited.is_empty() {
            p { "From its project: " span.tags { @for tag in &inherited { span.tag { (tag) } } } }
        }
    };
    let beside = count(u64::try_from(lines.len()).unwrap_or_default());
    let panel = Panel { id: "g-tags", title: "Tags", beside, content, ..Panel::default() };
    super::draw(visitor, workspace, Setting::Tags, &panel.render()).await
}
