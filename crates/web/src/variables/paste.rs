//! `…/paste-variables`: many variables at once, from a `.tfvars` or an `.env` file. What would change is shown before it
//! does. The text goes to the browser and back sealed, because there may be secrets in it.

use axum::response::{IntoResponse, Redirect, Response};
use domain::{
    can,
    row::Workspace,
    variables::{
        ExposeSecret,
        paste::{self, Format, Line, Outcome, Pasted, Preview},
    },
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::path;
use crate::{
    components::{
        About, Button, Card, Cards, Check, Head, Icon, Look, Notice, Panel, Sheet, Table, TextArea,
        Tone, badge, count, hidden, icon, link_button,
    },
    failure::{Result, Wrong},
    forms::{Form, TOKEN_FIELD, Ticked},
    frame::{Place, Section, page},
    guard::May,
    visitor::SignedIn,
    workspaces::{self, Heading, Part},
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    format: String,
    text: String,
    sensitive: Ticked,
}

impl Input {
    fn wanted(&self) -> domain::Result<Pasted> {
        let format = match self.format.as_str() {
            "tfvars" => Format::Tfvars,
            "env" => Format::Dotenv,
            _ => return Err(domain::Error::invalid("format", "must be chosen")),
        };
        Ok(Pasted { format, text: self.text.clone(), sensitive: self.sensitive.0 })
    }
}

pub fn here(workspace: &Workspace) -> String {
    format!("{}/paste-variables", workspaces::path(workspace))
}

pub async fn show(workspace: May<can::UpdateVariables>) -> Result<Markup> {
    let input = Input { format: "tfvars".to_owned(), ..Input::default() };
    draw(&workspace.visitor, &workspace, &form(&workspace, &input, None)).await
}

pub async fn preview(
    workspace: May<can::UpdateVariables>,
    Form(input): Form<Input>,
) -> Result<Response> {
    let visitor = &workspace.visitor;
    let previewed = match input.wanted() {
        Ok(pasted) => paste::preview(&visitor.cx, &workspace, pasted).await,
        Err(error) => Err(error),
    };
    match previewed {
        Ok(preview) => {
            let content = shown(&workspace, &preview);
            Ok(draw(visitor, &workspace, &content).await?.into_response())
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let content = form(&workspace, &input, Some(&wrong));
            Ok(wrong.shown_in(draw(visitor, &workspace, &content).await?))
        }
    }
}

#[derive(Deserialize)]
pub struct Seen {
    #[serde(default)]
    pasted: String,
}

pub async fn save(
    workspace: May<can::UpdateVariables>,
    Form(Seen { pasted }): Form<Seen>,
) -> Result<Redirect> {
    Box::pin(paste::save(&workspace.visitor.cx, &workspace, &pasted)).await?;
    Ok(Redirect::to(&path(&workspace)))
}

const FORMATS: [Card<'_>; 2] = [
    Card {
        value: "tfvars",
        label: "Values for the engine",
        means: "As in terraform.tfvars: name = value, where a value is HCL.",
    },
    Card {
        value: "env",
        label: "Environment",
        means: "As in .env: NAME=value, with or without export.",
    },
];

/// What was refused is shown again as it was typed, unless all of it was to be secret.
fn form(workspace: &May<can::UpdateVariables>, input: &Input, wrong: Option<&Wrong>) -> Markup {
    let format = Cards {
        about: About { name: "format", label: "What it is", ..About::default() },
        cards: &FORMATS,
        value: &input.format,
    };
    let text = TextArea {
        about: About {
            name: "text",
            label: "Text",
            hint: Some("What is not in it stays as it is."),
            optional: false,
        },
        value: if input.sensitive.0 { "" } else { &input.text },
        mono: true,
    };
    let sensitive = Check {
        about: About {
            name: "sensitive",
            label: "All of it is sensitive: nobody reads it again",
            ..About::default()
        },
        is_on: input.sensitive.0,
        must: false,
    };
    let form = Sheet {
        id: "paste",
        action: &here(workspace),
        token: &workspace.visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&format, &text, &sensitive],
        send: Button { label: "Look what would change", ..Button::default() },
    };
    let content = html! {
        p { "Nothing changes yet: the next page says what would." }
        (form)
    };
    Panel { id: "p-text", title: "Paste variables", content, ..Panel::default() }.render()
}

fn shown(workspace: &May<can::UpdateVariables>, preview: &Preview) -> Markup {
    let heads = [Head::new("Key"), Head::new("What happens"), Head::new("Value")];
    let rows = preview.lines.iter().map(row).collect();
    let many = |wanted: fn(&Outcome) -> bool| {
        preview.lines.iter().filter(|line| wanted(&line.outcome)).count()
    };
    let new = many(|outcome| *outcome == Outcome::New);
    let changed = many(|outcome| matches!(outcome, Outcome::Changed(_)));
    let refused = many(|outcome| matches!(outcome, Outcome::Refused(_)));
    let label = match (new, changed) {
        (new, 0) => format!("Add {new}"),
        (0, changed) => format!("Change {changed}"),
        (new, changed) => format!("Add {new} and change {changed}"),
    };
    let again = link_button(Look::Plain, Icon::Back, "Paste something else", &here(workspace));
    let table = Table { caption: "What would change", heads: &heads, rows };
    let beside = count(u64::try_from(preview.lines.len()).unwrap_or_default());
    html! {
        @if refused > 0 {
            (Notice::answer(Tone::Bad, &html! { p { "Nothing can be saved while a line is refused." } }))
        }
        (Panel { id: "p-seen", title: "What would change", beside, content: table.render(), is_table: true, is_risk: false })
        div.row {
            @match &preview.sealed {
                Some(sealed) => form.action method="post" action={ (here(workspace)) "/save" } {
                    (hidden(TOKEN_FIELD, &workspace.visitor.form_token()))
                    (hidden("pasted", sealed.expose_secret()))
                    (Button { label: &label, icon: Some(Icon::Check), ..Button::default() })
                },
                None if refused == 0 => p { "All of it is so already." },
                None => {},
            }
            (again)
        }
    }
}

fn row(line: &Line) -> Vec<Markup> {
    let secret = html! { span.sens { (icon(Icon::Lock)) "sensitive" } };
    let value = html! {
        @match &line.value { Some(value) => code { (value) }, None => (secret) }
        @if line.hcl { " " span.faint { "HCL" } }
    };
    let (what, value) = match &line.outcome {
        Outcome::New => (badge(Tone::Good, Icon::Plus, "new"), value),
        Outcome::Same => (badge(Tone::Neutral, Icon::StSame, "stays"), value),
        Outcome::Changed(before) => {
            let value = html! {
                @if let Some(before) = before { del { code { (before) } } " " }
                (value)
            };
            (badge(Tone::Busy, Icon::ActUpdate, "changes"), value)
        }
        Outcome::Refused(why) => {
            let why = html! { (badge(Tone::Bad, Icon::StBad, "refused")) span.under { (why) } };
            (why, value)
        }
    };
    vec![html! { code { (line.key) } }, what, value]
}

async fn draw(visitor: &SignedIn, workspace: &Workspace, content: &Markup) -> Result<Markup> {
    let main = html! {
        (Heading { workspace, here: Part::Variables }.draw(&visitor.cx))
        div.stack { (content) }
    };
    let title = format!("Paste variables of {}", workspace.name);
    page(visitor, Place::In(&workspace.organization_name, Section::Workspaces), &title, &main).await
}
