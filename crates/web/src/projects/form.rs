//! A project as a form: to make one, and to change one.

use domain::{projects::Change, row::Project};
use maud::{Markup, Render};
use serde::Deserialize;

use crate::{
    components::{About, Button, Sheet, Text, TextArea},
    failure::Wrong,
    visitor::SignedIn,
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Input {
    name: String,
    description: String,
}

impl Input {
    pub fn of(project: &Project) -> Self {
        Self {
            name: project.name.clone(),
            description: project.description.clone().unwrap_or_default(),
        }
    }

    pub fn wanted(&self) -> Change {
        Change {
            name: Some(self.name.clone()),
            description: Some(
                Some(self.description.clone()).filter(|text| !text.trim().is_empty()),
            ),
            ..Change::default()
        }
    }
}

pub fn sheet(
    action: &str,
    visitor: &SignedIn,
    input: &Input,
    wrong: Option<&Wrong>,
    label: &str,
) -> Markup {
    let name = Text {
        about: About {
            name: "name",
            label: "Name",
            hint: Some("3 to 40 letters, digits, spaces, - and _."),
            ..About::default()
        },
        value: &input.name,
        ..Text::default()
    };
    let description = TextArea {
        about: About { name: "description", label: "Description", hint: None, optional: true },
        value: &input.description,
        mono: false,
    };
    Sheet {
        id: "project",
        action,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&name, &description],
        send: Button { label, ..Button::default() },
    }
    .render()
}
