//! One setting of the site, to be decided.

use axum::{
    extract::Path,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Granted, can,
    site_settings::{self, Change, Line, Source, Written},
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    components::{
        About, Button, Control, Crumb, Header, Look, Notice, Panel, Secret, SecretArea, Select,
        Sheet, Text, Tone,
    },
    failure::{Result, Wrong},
    forms::Form,
    frame::{OnSite, Place, page},
    guard::May,
    visitor::SignedIn,
};

pub const LIST: &str = "/app/site/settings";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    value: String,
    /// Not empty where nobody is to have decided it any more.
    default: String,
}

pub async fn show(site: May<can::ManageSite>, Path(name): Path<String>) -> Result<Markup> {
    draw(&site.visitor, &site, &name, None).await
}

pub async fn save(
    site: May<can::ManageSite>,
    Path(name): Path<String>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let (visitor, cx) = (&site.visitor, &site.visitor.cx);
    let text = input.default.is_empty().then_some(&*input.value);
    // Nothing was typed where nothing is shown: that is no wish to forget what is kept.
    let is_untouched =
        text == Some("") && site_settings::written(&name).is_some_and(Written::is_secret);
    let change = if is_untouched {
        Err(domain::Error::invalid("value", "can't be blank"))
    } else {
        Change::one(&name, text)
    };
    let done = match change {
        Ok(change) => site_settings::update(cx, &site, change).await.map(drop),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(Redirect::to(LIST).into_response()),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = draw(visitor, &site, &name, Some((&input, &wrong))).await?;
            Ok(wrong.shown_in(page))
        }
    }
}

async fn draw(
    visitor: &SignedIn,
    site: &Granted<can::ManageSite>,
    name: &str,
    said: Option<(&Input, &Wrong)>,
) -> Result<Markup> {
    let lines = site_settings::lines(&visitor.cx, site).await?;
    let line = lines.iter().find(|line| line.name == name).ok_or(domain::Error::NotFound)?;
    let content = match &line.source {
        Source::Process(by) => html! {
            @if let Some((_, wrong)) = said {
                (Notice::answer(Tone::Bad, &html! { p { (wrong.sentence()) } }))
            }
            p { "This was decided by " code { (by) } " when the server was started, and holds until it is started without." }
        },
        _ => form(visitor, line, said),
    };
    let title = format!("Setting {name}");
    let crumbs = [Crumb { label: "Settings of the site", href: LIST.to_owned() }];
    let main = html! {
        (Header { title: &title, crumbs: &crumbs, ..Header::default() })
        (Panel { id: "s-setting", title: "What holds", content, ..Panel::default() })
    };
    page(visitor, Place::Site(OnSite::Settings), &title, &main).await
}

fn form(visitor: &SignedIn, line: &Line, said: Option<(&Input, &Wrong)>) -> Markup {
    let (name, action) = (line.name, format!("{LIST}/{}", line.name));
    let now = line.value.as_deref().unwrap_or_default();
    let value = said.map_or(now, |(input, _)| &input.value);
    let default = match line.default.as_deref() {
        Some("") | None => "Without a decision, it is empty.".to_owned(),
        Some(default) => format!("Without a decision, it is {default}."),
    };
    let about = About { name: "value", label: name, hint: Some(&default), optional: true };
    let choices = [("true", "true"), ("false", "false")];
    let switch = Select { about, choices: &choices, value };
    let text = Text { about, value, mono: true, ..Text::default() };
    let never = "What is kept is never shown. What is sent replaces it.";
    let secret_about = About { hint: Some(never), ..about };
    let secret = Secret { about: secret_about, autocomplete: "off" };
    let lines = SecretArea { about: secret_about };
    let control: &dyn Control = match site_settings::written(name) {
        Some(Written::Switch) => &switch,
        Some(Written::Secret) => &secret,
        Some(Written::SecretLines) => &lines,
        Some(Written::Text) | None => &text,
    };
    let (token, wrong) = (&*visitor.form_token(), said.map(|(_, wrong)| wrong));
    let save = Sheet {
        id: "setting",
        action: &action,
        token,
        wrong,
        hidden: &[],
        controls: &[control],
        send: Button { label: "Save", ..Button::default() },
    };
    let undecided = Sheet {
        id: "default",
        action: &action,
        token,
        wrong: None,
        hidden: &[("default", "true")],
        controls: &[],
        send: Button { label: "Back to the default", look: Look::Quiet, ..Button::default() },
    };
    html! {
        (save)
        @if matches!(line.source, Source::Administrator { .. }) { (undecided) }
    }
}
