//! What happened in a policy, as JSON: the form that tools of Sentinel's read.

use serde_json::{Value, json};

use crate::eval::MAX_VALUE;
use crate::mask::CUT;
use crate::outcome::{Outcome, RuleValue, Verdict};

/// The trace of one policy: only rules that were evaluated.
pub fn trace(outcome: &Outcome) -> Value {
    let rules = outcome.rules.iter().map(|rule| (rule.name.clone(), self::rule(rule)));
    json!({
        "description": outcome.description,
        "error": outcome.error.as_ref().map(ToString::to_string),
        "print": outcome.printed,
        "result": outcome.verdict == Verdict::Passed,
        "rules": rules.collect::<serde_json::Map<String, Value>>(),
    })
}

fn rule(rule: &RuleValue) -> Value {
    let value = match &rule.value {
        Some(value) if !value.is_undefined() => {
            let value = value.to_json();
            if value.to_string().len() > MAX_VALUE { Value::from(rule.shown()) } else { value }
        }
        _ => Value::from(rule.shown()),
    };
    json!({
        "desc": rule.description,
        "ident": rule.name,
        "position": {
            "filename": rule.place.file,
            "offset": rule.place.offset,
            "line": rule.place.line,
            "column": rule.place.column,
        },
        "value": value,
    })
}

impl RuleValue {
    /// The rule, what it is for and what it came to, as logs show it; every line stands `indent` deep.
    pub fn text(&self, indent: &str) -> String {
        let mut lines = vec![format!("{} - Rule {:?}", self.place, self.name)];
        if !self.description.is_empty() {
            lines.push("  Description:".into());
            lines.extend(self.description.lines().map(|line| format!("    {line}")));
            lines.push(String::new());
        }
        lines.push("  Value:".into());
        lines.push(format!("    {}", self.shown()));
        let indented =
            |line: String| if line.is_empty() { line } else { format!("{indent}{line}") };
        lines.into_iter().map(indented).fold(String::new(), |text, line| text + &line + "\n")
    }

    /// The value as people read it.
    pub fn shown(&self) -> String {
        let mut text = match &self.value {
            None => "(error in evaluating rule)".to_owned(),
            Some(value) if value.is_undefined() => "undefined".to_owned(),
            Some(value) => value.to_json().to_string(),
        };
        if text.len() > MAX_VALUE {
            text.truncate(text.floor_char_boundary(MAX_VALUE));
            text.push_str(CUT);
        }
        text
    }
}
