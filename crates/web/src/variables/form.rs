//! A variable as a form: to add one, and to change one.

use domain::{
    In,
    entity::variable::Category,
    row::Variable,
    variables::{Change, Shown},
};
use maud::{Markup, Render, html};
use serde::Deserialize;

use super::path;
use crate::{
    components::{
        About, Button, Check, Control, Icon, Look, Panel, SecretArea, Select, Sheet, Text,
        TextArea, action,
    },
    failure::{Result, Wrong},
    forms::Ticked,
    frame::{Place, Section, page},
    visitor::SignedIn,
    workspaces::{Heading, Part},
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    key: String,
    category: String,
    value: String,
    hcl: Ticked,
    sensitive: Ticked,
    description: String,
}

impl Input {
    /// As it is; the value of a secret is not known here.
    pub fn of(shown: &Shown) -> Self {
        Self {
            key: shown.row.name.clone(),
            category: shown.row.category.to_string(),
            value: shown.value().unwrap_or_default().to_owned(),
            hcl: Ticked(shown.row.hcl),
            sensitive: Ticked(shown.row.sensitive),
            description: shown.row.description.clone().unwrap_or_default(),
        }
    }

    /// Of a secret that there is already, an empty field means the value that it has.
    pub fn wanted(&self, now: Option<&Variable>) -> Change {
        let keeps = now.is_some_and(|row| row.sensitive) && self.value.is_empty();
        // Browsers end lines in text areas as mail does.
        let value = self.value.replace("\r\n", "\n");
        Change {
            key: Some(self.key.clone()),
            value: (!keeps).then(|| value.into()),
            category: self.category.parse().ok().or_else(|| now.map(|row| row.category)),
            hcl: Some(self.hcl.0),
            // A secret stays one: its box is not shown any more.
            sensitive: Some(self.sensitive.0 || now.is_some_and(|row| row.sensitive)),
            description: Some(
                Some(self.description.clone()).filter(|text| !text.trim().is_empty()),
            ),
        }
    }
}

const CATEGORIES: [(&str, &str); 2] =
    [("terraform", "Terraform variable"), ("env", "Environment variable")];

pub fn sheet(
    id: &str,
    action: &str,
    visitor: &SignedIn,
    input: &Input,
    now: Option<&Variable>,
    wrong: Option<&Wrong>,
) -> Markup {
    let is_kept = now.is_some_and(|row| row.sensitive);
    // What is to be one is one already, though it was refused.
    let is_secret = is_kept || input.sensitive.0;
    let key = Text {
        about: About { name: "key", label: "Key", ..About::default() },
        value: &input.key,
        mono: true,
        ..Text::default()
    };
    let category = Select {
        about: About { name: "category", label: "Kind", ..About::default() },
        choices: &CATEGORIES,
        value: &input.category,
    };
    let hint = if is_kept {
        "Nobody reads it again. Leave it empty to keep the value that it has."
    } else if is_secret {
        "It is not sent back: enter it again."
    } else {
        "A string, unless it is marked as HCL."
    };
    let optional = is_kept || !is_secret;
    let about = About { name: "value", label: "Value", hint: Some(hint), optional };
    let secret = SecretArea { about };
    let open = TextArea { about, value: &input.value, mono: true };
    let value: &dyn Control = if is_secret { &secret } else { &open };
    let hcl = Check {
        about: About { name: "hcl", label: "The value is HCL", ..About::default() },
        is_on: input.hcl.0,
        must: false,
    };
    let sensitive = Check {
        about: About {
            name: "sensitive",
            label: "Sensitive: nobody reads it again, neither here nor in the API",
            ..About::default()
        },
        is_on: input.sensitive.0,
        must: false,
    };
    let description = Text {
        about: About { name: "description", label: "Description", hint: None, optional: true },
        value: &input.description,
        ..Text::default()
    };
    let mut controls: Vec<&dyn Control> = vec![&key, &category, value, &hcl];
    if !is_kept {
        controls.push(&sensitive);
    }
    controls.push(&description);
    let label = if now.is_some() { "Save the variable" } else { "Add the variable" };
    Sheet {
        id,
        action,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label, ..Button::default() },
    }
    .render()
}

pub async fn edit_page(
    visitor: &SignedIn,
    variable: &In<Variable>,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Result<Markup> {
    let here = format!("{}/{}", path(&variable.of), variable.id);
    let sheet = sheet("variable", &here, visitor, input, Some(&variable.row), wrong);
    let kind = match variable.category {
        Category::Terraform => "Terraform variable",
        Category::Environment => "environment variable",
    };
    let delete = Button {
        label: "Delete the variable",
        look: Look::Danger,
        icon: Some(Icon::Trash),
        ..Button::default()
    };
    let main = html! {
        (Heading { workspace: &variable.of, here: Part::Variables }.draw(&visitor.cx))
        div.stack {
            (Panel { id: "v-edit", title: &format!("The {kind} {}", variable.name), content: sheet, ..Panel::default() })
            (Panel {
                id: "v-delete",
                title: "Delete it",
                content: html! {
                    p { "Runs that begin from now on do not get it any more." }
                    (action(&format!("{here}/delete"), &visitor.form_token(), &delete))
                },
                is_risk: true,
                ..Panel::default()
            })
        }
    };
    let title = format!("Variable {}", variable.name);
    page(visitor, Place::In(&variable.of.organization_name, Section::Workspaces), &title, &main)
        .await
}
