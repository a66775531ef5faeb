//! The plan as command lines render it: joined with provider schemas, without sensitive values.
//!
//! The masks stay, so a reader still sees *that* a sensitive value changes. Placeholders have the
//! kind of what they stand for, because renderers of the plan trust the schema about it.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::mask::Mask;

/// Stands where a sensitive string was; a changed one has two different placeholders.
const BEFORE: &str = "(sensitive value)";
const AFTER: &str = "(changed sensitive value)";

/// Keys of `terraform show -json` that are taken over.
const TAKEN: [&str; 6] = [
    "resource_changes",
    "resource_drift",
    "relevant_attributes",
    "output_changes",
    "deferred_changes",
    "action_invocations",
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
    let mut plan: Map<String, Value> = serde_json::from_slice(plan)?;
    let schemas: Schemas = serde_json::from_slice(schemas)?;
    let mut document = Map::new();
    document
        .insert("plan_format_version".into(), plan.remove("format_version").unwrap_or_default());
    document.insert("provider_format_version".into(), json!(schemas.format_version));
    for key in TAKEN {
        if let Some(value) = plan.remove(key) {
            document.insert(key.into(), value);
        }
    }
    for key in ["resource_changes", "resource_drift"] {
        for resource in elements(&mut document, key) {
            redact_change(&mut resource["change"], mask);
        }
    }
    for deferred in elements(&mut document, "deferred_changes") {
        redact_change(&mut deferred["resource_change"]["change"], mask);
    }
    if let Some(Value::Object(outputs)) = document.get_mut("output_changes") {
        outputs.values_mut().for_each(|output| redact_change(output, mask));
    }
    for action in elements(&mut document, "action_invocations") {
        let sensitive = action["config_sensitive"].clone();
        if let Some(values) = action.get_mut("config_values") {
            redact(values, &[&sensitive], None);
            mask_texts(values, mask);
        }
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

/// Of values: addresses, actions and keys are what the plan is about.
fn mask_texts(value: &mut Value, mask: &Mask) {
    match value {
        Value::String(text) => *text = mask.text(text),
        Value::Array(members) => members.iter_mut().for_each(|it| mask_texts(it, mask)),
        Value::Object(members) => members.values_mut().for_each(|it| mask_texts(it, mask)),
        Value::Number(number) => {
            let text = number.to_string();
            if mask.text(&text) != text {
                *value = placeholder(value, BEFORE);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn elements<'a>(document: &'a mut Map<String, Value>, key: &str) -> &'a mut [Value] {
    match document.get_mut(key) {
        Some(Value::Array(elements)) => elements,
        _ => &mut [],
    }
}

fn redact_change(change: &mut Value, mask: &Mask) {
    let Value::Object(change) = change else { return };
    let masks = ["before_sensitive", "after_sensitive"]
        .map(|key| change.get(key).cloned().unwrap_or(Value::Bool(false)));
    // A value that is sensitive on one side is the secret of both.
    let masks = [&masks[0], &masks[1]];
    let mut before = change.remove("before");
    let mut after = change.remove("after");
    let originals = (before.clone(), after.clone());
    if let Some(before) = &mut before {
        redact(before, &masks, originals.1.as_ref().map(|other| (other, BEFORE)));
    }
    if let Some(after) = &mut after {
        redact(after, &masks, originals.0.as_ref().map(|other| (other, AFTER)));
    }
    for (key, value) in [("before", before), ("after", after)] {
        if let Some(mut value) = value {
            mask_texts(&mut value, mask);
            change.insert(key.into(), value);
        }
    }
}

/// Replaces what a mask marks. `other` is the value of the other side in the same place and the
/// placeholder to use if it differs.
fn redact(value: &mut Value, masks: &[&Value], other: Option<(&Value, &str)>) {
    if masks.iter().any(|mask| mask.as_bool() == Some(true)) {
        let changed = other.filter(|(other, _)| *other != value).map(|(_, text)| text);
        *value = placeholder(value, changed.unwrap_or(BEFORE));
        return;
    }
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let masks: Vec<&Value> = masks.iter().filter_map(|mask| mask.get(key)).collect();
                let other = other.and_then(|(other, text)| Some((other.get(key)?, text)));
                redact(member, &masks, other);
            }
        }
        Value::Array(members) => {
            for (at, member) in members.iter_mut().enumerate() {
                let masks: Vec<&Value> = masks.iter().filter_map(|mask| mask.get(at)).collect();
                let other = other.and_then(|(other, text)| Some((other.get(at)?, text)));
                redact(member, &masks, other);
            }
        }
        _ => {}
    }
}

fn placeholder(value: &Value, text: &str) -> Value {
    let changed = text == AFTER;
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => json!(changed),
        Value::Number(_) => json!(u8::from(changed)),
        Value::String(_) => json!(text),
        // Neither keys nor the number of elements may show; one more says that they differ.
        Value::Array(members) if changed => {
            members.first().map(|first| placeholder(first, text)).into_iter().collect()
        }
        Value::Array(_) => json!([]),
        Value::Object(_) if changed => json!({ (text): text }),
        Value::Object(_) => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;

    #[test]
    fn no_sensitive_value_is_in_the_document() {
        let plan = json!({
            "format_version": "1.2",
            "variables": { "password": { "value": "hunter2" } },
            "resource_changes": [{ "address": "x.y", "change": {
                "actions": ["update"],
                "before": { "open": "a", "password": "hunter2", "list": [{ "p": "hunter2" }, 7],
                            "map": { "hunter2": 1 }, "same": "hunter2", "number": 4711 },
                "after": { "open": "b", "password": "hunter3", "list": [{ "p": "hunter2" }, 7],
                           "map": { "hunter2": 2 }, "same": "hunter2", "number": 4712 },
                "before_sensitive": { "password": true, "list": [{ "p": true }], "map": true },
                "after_sensitive": { "same": true, "password": true, "number": true },
            } }],
            "output_changes": { "o": { "actions": ["create"], "before": null, "after": "hunter2",
                "before_sensitive": true, "after_sensitive": true } },
            "deferred_changes": [{ "reason": "r", "resource_change": { "change": {
                "after": "hunter2", "after_sensitive": true } } }],
            "action_invocations": [{ "config_values": { "a": "hunter2", "b": "open" },
                "config_sensitive": { "a": true } }],
        });
        let schemas = br#"{"format_version":"1.0","provider_schemas":{"p":{"x":1}}}"#;
        let bytes = redacted_plan(plan.to_string().as_bytes(), schemas, &Mask::default()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("hunter") && !text.contains("471"), "{text}");
        let document: Value = serde_json::from_str(&text).unwrap();
        let change = &document["resource_changes"][0]["change"];
        assert_eq!(change["after"]["open"], "b");
        assert_eq!(change["after"]["list"][1], 7);
        assert_ne!(change["before"]["password"], change["after"]["password"]);
        assert_ne!(change["before"]["map"], change["after"]["map"]);
        assert_eq!(change["before"]["same"], change["after"]["same"]);
        assert_eq!(change["before_sensitive"]["password"], true);
        assert_eq!(document["output_changes"]["o"]["before"], Value::Null);
        assert_eq!(document["action_invocations"][0]["config_values"]["b"], "open");
        assert_eq!(document["plan_format_version"], "1.2");
        assert_eq!(document["provider_format_version"], "1.0");
        assert_eq!(document["provider_schemas"]["p"]["x"], 1);
        assert!(document.get("variables").is_none());
    }

    #[test]
    fn what_the_log_hides_is_hidden_in_values_and_nowhere_else() {
        let plan = json!({ "format_version": "1.2", "resource_changes": [{
            "address": "x.create", "change": { "actions": ["create"], "before": null,
                "after": { "create": "to create", "n": ["hunter2x"] } } }] });
        let secrets = Secrets(["create".to_owned(), "hunter2x".to_owned()].into());
        let mask = Mask::new(&secrets).unwrap();
        let bytes = redacted_plan(plan.to_string().as_bytes(), b"{}", &mask).unwrap();
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        let change = &document["resource_changes"][0];
        assert_eq!(
            (&change["address"], &change["change"]["actions"]),
            (&json!("x.create"), &json!(["create"]))
        );
        let after = &change["change"]["after"];
        assert!(!after["create"].as_str().unwrap().contains("create"), "{after}");
        assert!(!after["n"][0].as_str().unwrap().contains("hunter2x"), "{after}");
    }

    #[test]
    fn a_plan_without_anything_in_it_is_no_mistake_of_ours() {
        let bytes = redacted_plan(b"{}", b"{}", &Mask::default()).unwrap();
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(document["plan_format_version"], Value::Null);
        assert!(redacted_plan(b"[]", b"{}", &Mask::default()).is_err());
    }
}
