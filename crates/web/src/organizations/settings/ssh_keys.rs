//! The private keys by which runs fetch modules from Git: written once, and never shown again.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    Granted, In, Paging, can,
    row::{Organization, SshKey},
    ssh_keys::{self, Change},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::{Part, here};
use crate::{
    components::{
        About, Button, Head, Icon, Look, Panel, SecretArea, Sheet, Table, Text, action, count,
        empty, time,
    },
    failure::{Result, Wrong},
    forms::{Form, Press},
    guard::May,
    visitor::SignedIn,
};

const MOST: u64 = 1_000;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    name: String,
    value: String,
}

fn at(organization: &str) -> String {
    format!("{}/ssh-keys", here(organization))
}

pub async fn show(organization: May<can::ReadSshKeys>) -> Result<Markup> {
    draw(&organization.visitor, &organization, "", None).await
}

pub async fn create(
    organization: May<can::ManageSshKeys>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &organization.visitor;
    let cx = &visitor.cx;
    let Input { name, value } = input;
    // As keys are files, and browsers end lines as mail does.
    let value = format!("{}\n", value.replace("\r\n", "\n").trim_end());
    let change = Change {
        name: Some(name.trim().to_owned()),
        value: Some(if value.trim().is_empty() { String::new() } else { value }.into()),
    };
    match ssh_keys::create(cx, &organization, change).await {
        Ok(_) => Ok(Redirect::to(&at(&organization.name)).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let readable = visitor.organization::<can::ReadSshKeys>(&organization.name).await?;
            Ok(wrong.shown_in(draw(visitor, &readable, &name, Some(&wrong)).await?))
        }
    }
}

pub async fn delete(
    key: May<can::ManageSshKeys, In<SshKey, Organization>>,
    _: Press,
) -> Result<Redirect> {
    ssh_keys::delete(&key.visitor.cx, &key).await?;
    Ok(Redirect::to(&at(&key.of.name)))
}

async fn draw(
    visitor: &SignedIn,
    organization: &Granted<can::ReadSshKeys>,
    typed: &str,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let cx = &visitor.cx;
    let manages = cx.may::<can::ManageSshKeys>(organization);
    let list = ssh_keys::list(cx, organization, Paging { number: 1, size: MOST }).await?;
    let token = visitor.form_token();
    let row = |key: &SshKey| {
        let delete = Button {
            label: "Delete",
            look: Look::Danger,
            small: true,
            about: Some(&key.name),
            ..Button::default()
        };
        let to = format!("{}/{}/delete", at(&organization.name), key.id);
        vec![
            html! { (key.name) span.under { code { (key.id) } } },
            time(key.created_at),
            html! { @if manages { (action(&to, &token, &delete)) } },
        ]
    };
    let heads = [Head::new("Key"), Head::number("Made"), Head::unseen("Actions")];
    let rows = list.items.iter().map(row).collect();
    let table = if list.items.is_empty() {
        let text = "A workspace that is given one fetches its modules from Git by it.";
        html! { div.in { (empty(Icon::Key, "No SSH keys yet", text, &html! {})) } }
    } else {
        Table { caption: "SSH keys", heads: &heads, rows }.render()
    };
    let name = Text {
        about: About { name: "name", label: "Name", ..About::default() },
        value: typed,
        ..Text::default()
    };
    let value = SecretArea {
        about: About {
            name: "value",
            label: "Private key",
            hint: Some("The whole file, without a passphrase. Nobody reads it again."),
            optional: false,
        },
    };
    let form = Sheet {
        id: "key",
        action: &at(&organization.name),
        token: &token,
        wrong,
        hidden: &[],
        controls: &[&name, &value],
        send: Button { label: "Add the key", icon: Some(Icon::Plus), ..Button::default() },
    };
    let beside = count(list.total);
    let content = html! {
        (Panel { id: "o-keys", title: "SSH keys", beside, content: table, is_table: true, is_risk: false })
        @if manages { (Panel { id: "o-key", title: "New key", content: form.render(), ..Panel::default() }) }
    };
    super::draw(visitor, organization, Part::SshKeys, &content).await
}
