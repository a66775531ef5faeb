//! By which key the runs of a workspace fetch modules from Git.

use axum::response::Redirect;
use domain::{Paging, can, organizations, row::SshKey, ssh_keys};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Setting, path};
use crate::{
    components::{About, Button, Choice, Panel, Select, Sheet},
    failure::Result,
    forms::Form,
    guard::May,
};

const MOST: u64 = 1_000;

#[derive(Deserialize)]
pub struct Input {
    #[serde(default, rename = "ssh-key")]
    key: String,
}

async fn keys(workspace: &May<can::UpdateWorkspace>) -> Result<Vec<SshKey>> {
    let cx = &workspace.visitor.cx;
    let found = organizations::find(cx, &workspace.organization_name).await?;
    let Ok(organization) = cx.check::<can::ReadSshKeys, _>(found) else { return Ok(Vec::new()) };
    Ok(ssh_keys::list(cx, &organization, Paging { number: 1, size: MOST }).await?.items)
}

pub async fn show(workspace: May<can::UpdateWorkspace>) -> Result<Markup> {
    let visitor = &workspace.visitor;
    let keys = keys(&workspace).await?;
    let mut choices: Vec<Choice<'_>> = vec![("", "none")];
    choices.extend(keys.iter().map(|key| (key.id.as_str(), key.name.as_str())));
    let key = Select {
        about: About {
            name: "ssh-key",
            label: "SSH key",
            hint: Some("Git gets it in the runs of this workspace, and nothing else."),
            optional: false,
        },
        choices: &choices,
        value: workspace.ssh_key_id.as_ref().map_or("", |id| id.as_str()),
    };
    let form = Sheet {
        id: "key",
        action: &format!("{}/settings/ssh-key", path(&workspace)),
        token: &visitor.form_token(),
        wrong: None,
        hidden: &[],
        controls: &[&key],
        send: Button { label: "Save", ..Button::default() },
    };
    let content = html! {
        p { "For modules whose source is git::ssh://… or git@…:…" }
        @if keys.is_empty() { p.soft { (workspace.organization_name) " has no keys yet." } }
        (form)
    };
    let panel = Panel { id: "s-key", title: "SSH key", content, ..Panel::default() };
    super::draw(visitor, &workspace, Setting::SshKey, &panel.render()).await
}

pub async fn save(
    workspace: May<can::UpdateWorkspace>,
    Form(Input { key }): Form<Input>,
) -> Result<Redirect> {
    let id = match key.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|_| domain::Error::NotFound)?),
    };
    ssh_keys::assign(&workspace.visitor.cx, &workspace, id).await?;
    Ok(Redirect::to(&format!("{}/settings/ssh-key", path(&workspace))))
}
