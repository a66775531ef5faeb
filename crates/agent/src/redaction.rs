//! The plan as command lines render it: joined with provider schemas, without sensitive values.
//!
//! The masks stay, so a reader still sees *that* a sensitive value changes. Placeholders have the
//! kind of what they stand for, because renderers of the plan trust the schema about it.

use std::mem;

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;
use text::json::{Json, Members};

use crate::mask::Mask;

/// Stands where a sensitive string was; a changed one has two different placeholders.
const BEFORE: &str = "(sensitive value)";
const AFTER: &str = "(changed sensitive value)";

/// Keys of `terraform show -json` that are taken over.
/// The first six are what command lines look for; the others are for the list of changes that people see.
const TAKEN: [&str; 11] = [
    "resource_changes",
    "resource_drift",
    "relevant_attributes",
    "output_changes",
    "deferred_changes",
    "action_invocations",
    "deferred_action_invocations",
    "checks",
    "complete",
    "applyable",
    "errored",
];

/// Members of the plan that say what a configuration has in words of its own or of the engine: never a value.
const WORDS: [&str; 10] = [
    "action_reason",
    "action_trigger_event",
    "actions",
    "kind",
    "mode",
    "name",
    "provider_name",
    "reason",
    "status",
    "type",
];

#[derive(Deserialize)]
struct Schemas {
    format_version: Option<String>,
    /// Megabytes that nobody looks into here.
    provider_schemas: Option<Box<RawValue>>,
}

/// Builds the document from the outputs of `show -json` and `providers schema -json`. What the log must not show, it must
/// not show either: command lines print both.
pub(crate) fn redacted_plan(
    plan: &[u8],
    schemas: &[u8],
    mask: &Mask,
) -> serde_json::Result<Vec<u8>> {
    let Json::Members(mut plan) = Json::read(plan)? else {
        return Err(serde_json::Error::custom("a plan is an object"));
    };
    let schemas: Schemas = serde_json::from_slice(schemas)?;
    let mut document = Members::new();
    let mut version = plan.remove("format_version").unwrap_or(Json::Null);
    words(&mut version, mask);
    document.insert("plan_format_version".into(), version);
    let version = schemas.format_version.map_or(Json::Null, Json::Text);
    document.insert("provider_format_version".into(), version);
    for key in TAKEN {
        let Some(mut value) = plan.remove(key) else { continue };
        match (key, &mut value) {
            ("output_changes", Json::Members(outputs)) => {
                rename(outputs, mask, true);
                for output in outputs.values_mut() {
                    change(output, mask, false);
                }
            }
            (_, Json::List(elements)) => elements.iter_mut().for_each(|it| element(it, mask)),
            (_, other) => data(other, mask, false),
        }
        document.insert(key.into(), value);
    }
    let mut bytes = serde_json::to_vec(&document)?;
    // Behind the last key of an object that is never empty.
    bytes.pop();
    bytes.extend_from_slice(b",\"provider_schemas\":");
    let schemas = schemas.provider_schemas.as_deref().map_or("{}", RawValue::get);
    bytes.extend_from_slice(schemas.as_bytes());
    bytes.push(b'}');
    Ok(bytes)
}

/// A resource, an action or an attribute that the plan tells of. What is not known to be anything else is a value.
fn element(value: &mut Json, mask: &Mask) {
    let Json::Members(members) = value else { return data(value, mask, false) };
    let sensitive = members.get("config_sensitive").cloned();
    if let (Some(values), Some(sensitive)) = (members.get_mut("config_values"), sensitive) {
        redact(values, &[&sensitive], None);
    }
    rename(members, mask, true);
    for (key, value) in members {
        match key.as_str() {
            "change" => change(value, mask, true),
            "action_invocation"
            | "resource_change"
            | "lifecycle_action_trigger"
            | "invoke_action_trigger" => {
                element(value, mask);
            }
            "attribute" => path(value, mask),
            key if WORDS.contains(&key) => words(value, mask),
            key if key == "resource" || key.ends_with("address") => match value {
                Json::Text(text) => *text = address(text, mask),
                other => data(other, mask, false),
            },
            _ => data(value, mask, true),
        }
    }
}

/// `has_attributes` says whether the values are objects whose members a schema names.
fn change(change: &mut Json, mask: &Mask, has_attributes: bool) {
    let Json::Members(members) = change else { return data(change, mask, false) };
    let masks = ["before_sensitive", "after_sensitive"]
        .map(|key| members.get(key).cloned().unwrap_or(Json::Bool(false)));
    // A value that is sensitive on one side is the secret of both.
    let masks = [&masks[0], &masks[1]];
    let originals = ["before", "after"].map(|key| members.get(key).cloned());
    let sides = [("before", &originals[1], BEFORE), ("after", &originals[0], AFTER)];
    for (key, other, text) in sides {
        if let Some(value) = members.get_mut(key) {
            redact(value, &masks, other.as_ref().map(|other| (other, text)));
        }
    }
    rename(members, mask, true);
    for (key, value) in members {
        match (key.as_str(), value) {
            ("actions", value) => words(value, mask),
            ("replace_paths", Json::List(paths)) => {
                for it in paths {
                    path(it, mask);
                }
            }
            (
                "before" | "after" | "before_sensitive" | "after_sensitive" | "after_unknown",
                value,
            ) => data(value, mask, has_attributes),
            (_, value) => data(value, mask, true),
        }
    }
}

/// Masks what a log may not show in values, and in the names of their members, save that those of the outermost object
/// stay where they are words of a schema.
fn data(value: &mut Json, mask: &Mask, has_attributes: bool) {
    match value {
        Json::Text(text) => *text = mask.text(text),
        Json::List(items) => items.iter_mut().for_each(|it| data(it, mask, false)),
        Json::Members(members) => {
            rename(members, mask, has_attributes);
            for it in members.values_mut() {
                data(it, mask, false);
            }
        }
        Json::Number(text) => {
            if mask.text(text) != *text {
                *value = placeholder(value, BEFORE);
            }
        }
        Json::Null | Json::Bool(_) => {}
    }
}

/// Names that would be alike are kept apart, since none may be lost.
fn rename(members: &mut Members, mask: &Mask, are_words: bool) {
    for (name, value) in mem::take(members) {
        let mut shown = if are_words { word(&name, mask) } else { mask.text(&name) };
        while members.contains_key(&shown) {
            shown.push('*');
        }
        members.insert(shown, value);
    }
}

fn words(value: &mut Json, mask: &Mask) {
    match value {
        Json::Text(text) => *text = word(text, mask),
        Json::List(items) => items.iter_mut().for_each(|it| words(it, mask)),
        other => data(other, mask, false),
    }
}

/// A name in a configuration stays what it is, because a secret cannot be put there, and renderers look for it.
fn word(text: &str, mask: &Mask) -> String {
    let is_part = |c: char| c.is_alphanumeric() || "_-./:[]".contains(c);
    if text.chars().all(is_part) { text.to_owned() } else { mask.text(text) }
}

/// The steps to a value: an attribute, and then what may be a key.
fn path(value: &mut Json, mask: &Mask) {
    let Json::List(steps) = value else { return data(value, mask, false) };
    if let Some((attribute, rest)) = steps.split_first_mut() {
        words(attribute, mask);
        for it in rest {
            data(it, mask, false);
        }
    }
}

/// Of an address only the keys between quotes can be values.
fn address(text: &str, mask: &Mask) -> String {
    let (mut shown, mut part) = (String::new(), String::new());
    let (mut is_key, mut is_escaped) = (false, false);
    let show = |part: &str, is_key| if is_key { mask.text(part) } else { word(part, mask) };
    for c in text.chars() {
        if c == '"' && !is_escaped {
            shown.push_str(&show(&mem::take(&mut part), is_key));
            shown.push(c);
            is_key = !is_key;
        } else {
            is_escaped = is_key && c == '\\' && !is_escaped;
            part.push(c);
        }
    }
    shown + &show(&part, is_key)
}

/// Replaces what a mask marks. `other` is the value of the other side in the same place and the
/// placeholder to use if it differs.
fn redact(value: &mut Json, masks: &[&Json], other: Option<(&Json, &str)>) {
    if masks.contains(&&Json::Bool(true)) {
        let changed = other.filter(|(other, _)| *other != value).map(|(_, text)| text);
        *value = placeholder(value, changed.unwrap_or(BEFORE));
        return;
    }
    match value {
        Json::Members(members) => {
            for (key, member) in members {
                let masks: Vec<&Json> = masks.iter().filter_map(|mask| mask.get(key)).collect();
                let other = other.and_then(|(other, text)| Some((other.get(key)?, text)));
                redact(member, &masks, other);
            }
        }
        Json::List(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                let masks: Vec<&Json> = masks.iter().filter_map(|mask| mask.at(at)).collect();
                let other = other.and_then(|(other, text)| Some((other.at(at)?, text)));
                redact(item, &masks, other);
            }
        }
        _ => {}
    }
}

fn placeholder(value: &Json, text: &str) -> Json {
    let changed = text == AFTER;
    match value {
        Json::Null => Json::Null,
        Json::Bool(_) => Json::Bool(changed),
        Json::Number(_) => Json::Number(u8::from(changed).to_string()),
        Json::Text(_) => Json::Text(text.to_owned()),
        // Neither keys nor the number of elements may show; one more says that they differ.
        Json::List(items) if changed => {
            Json::List(items.first().map(|first| placeholder(first, text)).into_iter().collect())
        }
        Json::List(_) => Json::List(Vec::new()),
        Json::Members(_) if changed => {
            Json::Members([(text.to_owned(), Json::Text(text.to_owned()))].into())
        }
        Json::Members(_) => Json::Members(Members::new()),
    }
}

#[cfg(test)]
mod tests;
