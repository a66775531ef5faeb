//! The form that says for how long something is kept: of an organization, and of a workspace.

use domain::retention::Rule;
use maud::{Markup, Render};
use serde::Deserialize;

use crate::{
    components::{About, Button, Card, Cards, Number, Sheet},
    failure::Wrong,
    visitor::SignedIn,
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Input {
    rule: String,
    delete_older_than_n_days: String,
}

impl Input {
    pub fn of(rule: Option<Rule>) -> Self {
        let (word, days) = match rule {
            None => ("", String::new()),
            Some(Rule::DontDelete) => ("keep", String::new()),
            Some(Rule::DeleteOlderThan(days)) => ("delete", days.to_string()),
        };
        Self { rule: word.to_owned(), delete_older_than_n_days: days }
    }

    /// # Errors
    /// Invalid for a number of days that is none.
    pub fn rule(&self) -> domain::Result<Option<Rule>> {
        match self.rule.as_str() {
            "" => Ok(None),
            "keep" => Ok(Some(Rule::DontDelete)),
            "delete" => {
                let days = self.delete_older_than_n_days.trim().parse().map_err(|_| {
                    domain::Error::invalid("delete-older-than-n-days", "must be a number of days")
                })?;
                Ok(Some(Rule::DeleteOlderThan(days)))
            }
            _ => Err(domain::Error::invalid("rule", "must be chosen")),
        }
    }
}

pub fn in_words(rule: Option<Rule>) -> String {
    match rule {
        None | Some(Rule::DontDelete) => "everything is kept".to_owned(),
        Some(Rule::DeleteOlderThan(1)) => "what is older than a day is deleted".to_owned(),
        Some(Rule::DeleteOlderThan(days)) => {
            format!("what is older than {days} days is deleted")
        }
    }
}

/// `unset` is what it means to say nothing.
pub fn sheet(
    action: &str,
    visitor: &SignedIn,
    input: &Input,
    unset: &str,
    wrong: Option<&Wrong>,
) -> Markup {
    let cards = [
        Card { value: "", label: "No rule of its own", means: unset },
        Card {
            value: "keep",
            label: "Keep everything",
            means: "Nothing is deleted because of its age.",
        },
        Card {
            value: "delete",
            label: "Delete what is old",
            means: "States and configurations that are older than the days below.",
        },
    ];
    let rule = Cards {
        about: About { name: "rule", label: "What is kept", ..About::default() },
        cards: &cards,
        value: &input.rule,
    };
    let days = Number {
        about: About {
            name: "delete-older-than-n-days",
            label: "Days",
            hint: Some("For deleting what is old."),
            optional: true,
        },
        value: &input.delete_older_than_n_days,
        min: 1,
    };
    Sheet {
        id: "retention",
        action,
        token: &visitor.form_token(),
        wrong,
        hidden: &[],
        controls: &[&rule, &days],
        send: Button { label: "Save", ..Button::default() },
    }
    .render()
}
