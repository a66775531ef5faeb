//! What people say of a policy set: its name, where it counts, who may override it.

use domain::{entity::policy::Kind, policy_sets::Change, row::PolicySet};
use maud::{Markup, Render};
use serde::Deserialize;

use crate::{
    components::{About, Button, Card, Cards, Check, Control, Sheet, Text, TextArea},
    failure::Wrong,
    forms::{Ticked, given},
    visitor::SignedIn,
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    name: String,
    description: String,
    global: String,
    overridable: Ticked,
    policy_tool_version: String,
}

const SCOPES: [Card<'_>; 2] = [
    Card {
        value: "true",
        label: "Everywhere",
        means: "It is asked about the runs of every workspace of the organization, later ones included.",
    },
    Card {
        value: "false",
        label: "Where it is attached",
        means: "In the projects and workspaces that it was given, or where tags say so.",
    },
];

/// Policy checks know neither a version nor an override of the whole set: each policy has its level.
fn is_checked(set: &PolicySet) -> bool {
    set.kind == Kind::Sentinel && !set.agent_enabled
}

impl Input {
    pub fn of(set: &PolicySet) -> Self {
        Self {
            name: set.name.clone(),
            description: set.description.clone().unwrap_or_default(),
            global: set.is_global.to_string(),
            overridable: Ticked(set.overridable),
            policy_tool_version: set.policy_tool_version.clone().unwrap_or_default(),
        }
    }

    pub fn wanted(&self, set: &PolicySet) -> Change {
        let rest = !is_checked(set);
        Change {
            name: Some(self.name.trim().to_owned()),
            description: Some(given(&self.description)),
            global: Some(self.global == "true"),
            overridable: rest.then_some(self.overridable.0),
            policy_tool_version: rest.then(|| given(&self.policy_tool_version)),
            ..Change::default()
        }
    }
}

pub fn sheet(
    visitor: &SignedIn,
    set: &PolicySet,
    action: &str,
    input: &Input,
    wrong: Option<&Wrong>,
) -> Markup {
    let about = |name, label, hint| About { name, label, hint, optional: false };
    let rare = |name, label, hint| About { optional: true, ..about(name, label, hint) };
    let name = Text { about: about("name", "Name", None), value: &input.name, ..Text::default() };
    let description = TextArea {
        about: rare("description", "Description", None),
        value: &input.description,
        mono: false,
    };
    let global = Cards {
        about: about("global", "Where it counts", None),
        cards: &SCOPES,
        value: &input.global,
    };
    let hint = "Whoever may override policies in a workspace lets its runs go on.";
    let overridable = Check {
        about: about("overridable", "What it refuses can be overridden", Some(hint)),
        is_on: input.overridable.0,
        must: false,
    };
    let hint = "Of the language's tool, as 1.2.0 or latest.";
    let version = Text {
        about: rare("policy-tool-version", "Version", Some(hint)),
        value: &input.policy_tool_version,
        mono: true,
        ..Text::default()
    };
    let mut controls: Vec<&dyn Control> = vec![&name, &description, &global];
    if !is_checked(set) {
        controls.extend([&overridable as &dyn Control, &version]);
    }
    Sheet {
        id: "set",
        action,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &controls,
        send: Button { label: "Save the set", ..Button::default() },
    }
    .render()
}
