//! What the redacted plan shows, and what it never shows.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::secrets::Secrets;

fn masking(secrets: &[&str]) -> Mask {
    Mask::new(&Secrets(secrets.iter().map(|&secret| secret.to_owned()).collect())).unwrap()
}

fn shown(plan: &Value, mask: &Mask) -> Value {
    let bytes = redacted_plan(plan.to_string().as_bytes(), b"{}", mask).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

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
fn what_the_log_hides_is_hidden_in_values_and_not_in_words_of_the_plan() {
    let plan = json!({ "format_version": "1.2", "resource_changes": [{
        "address": "x.create", "change": { "actions": ["create"], "before": null,
            "after": { "create": "to create", "n": ["hunter2x"] } } }] });
    let document = shown(&plan, &masking(&["create", "hunter2x"]));
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

#[test]
fn what_the_log_hides_is_hidden_in_keys_imports_and_generated_configuration() {
    let secret = "hunter2x";
    let address = "module.m[\"hunter2x\"].x.hunter2x[\"a \\\"hunter2x\\\" b\"]";
    let identity = json!({ "arn": secret });
    let plan = json!({
        "resource_changes": [{ "address": address, "previous_address": address, "mode": "managed",
            "module_address": "module.m[\"hunter2x\"]", "type": "hunter2x", "name": "hunter2x",
            "provider_name": "host/ns/hunter2x", "index": secret, "deposed": secret, "change": {
                "actions": ["create"],
                "before": null,
                "after": { "hunter2x": "open", "tags": { "hunter2x": 1, "other": 2 } },
                "after_unknown": { "tags": { "hunter2x": true } },
                "importing": { "id": secret, "identity": identity },
                "generated_config": "resource \"x\" \"y\" {\n  p = \"hunter2x\"\n}",
                "after_identity": identity,
                "replace_paths": [["hunter2x", "hunter2x"], ["tags", 0]] } }],
        "relevant_attributes": [{ "resource": address, "attribute": ["tags", "hunter2x"] }],
        "output_changes": { "o": { "after": { "hunter2x": "open" } } },
    });
    let document = shown(&plan, &masking(&[secret]));
    let resource = &document["resource_changes"][0];
    let masked = "module.m[\"(sensitive value)\"].x.hunter2x[\"a \\\"(sensitive value)\\\" b\"]";
    assert_eq!(resource["address"], masked);
    assert_eq!(document["relevant_attributes"][0]["resource"], masked);
    let change = &resource["change"];
    assert_eq!(change["after"]["hunter2x"], "open");
    assert_eq!(change["after"]["tags"], json!({ "(sensitive value)": 1, "other": 2 }));
    assert_eq!(change["after_unknown"]["tags"], json!({ "(sensitive value)": true }));
    assert_eq!(change["importing"]["id"], "(sensitive value)");
    // What is left is the words: of the addresses, the resource, its attribute and the step to that.
    assert_eq!(document.to_string().matches(secret).count(), 3 + 3 + 1 + 1, "{document:#}");
}

#[test]
fn keys_that_are_masked_alike_stay_apart() {
    let tags = json!({ "hunter2x": 1, "hunter3x": 2 });
    let plan = json!({ "output_changes": { "o": { "after": tags } } });
    let document = shown(&plan, &masking(&["hunter2x", "hunter3x"]));
    let after = &document["output_changes"]["o"]["after"];
    assert_eq!(*after, json!({ "(sensitive value)": 1, "(sensitive value)*": 2 }));
}

#[test]
fn numbers_stay_as_they_are_unless_they_are_secret() {
    let plan = br#"{"output_changes":{"o":{"after":[1e20,1E+2,-0.0,0.10,123456789012345678901234567890,98765432109876543210987]}}}"#;
    let bytes = redacted_plan(plan, b"{}", &masking(&["98765432109876543210987"])).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let numbers = "[1e20,1E+2,-0.0,0.10,123456789012345678901234567890,0]";
    assert!(text.contains(numbers), "{text}");
}

/// Not a word, so that it is nowhere one of those that stay.
const KNOWN: &str = "hunter2 and more";

/// What stands in plans, and has the secret anywhere.
fn names() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(
        [&TAKEN[..], &WORDS[..]]
            .concat()
            .into_iter()
            .chain([
                "change",
                "resource_change",
                "before",
                "after",
                "before_sensitive",
                "after_sensitive",
                "after_unknown",
                "replace_paths",
                "importing",
                "generated_config",
                "config_values",
                "config_sensitive",
                "lifecycle_action_trigger",
                "attribute",
                "resource",
                "address",
                "index",
                "format_version",
            ])
            .map(str::to_owned)
            .collect::<Vec<_>>(),
    );
    prop_oneof![4 => known, 1 => texts()]
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(KNOWN.to_owned()),
        Just(format!("x.y[\"{KNOWN}\"]")),
        "[a-z]{0,3}",
        "[a\"\\\\\\[ é]{0,4}".prop_map(|text| format!("{text}{KNOWN}{text}")),
    ]
}

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(names(), inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_shape_of_a_plan_panics_or_shows_a_known_secret(
        members in proptest::collection::btree_map(names(), documents(), 0..5),
    ) {
        let plan: Value = members.into_iter().collect();
        let bytes = redacted_plan(plan.to_string().as_bytes(), b"{}", &masking(&[KNOWN])).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        prop_assert!(serde_json::from_str::<Value>(&text).is_ok());
        prop_assert!(!text.contains("hunter2"), "{plan}\n{text}");
    }
}

#[test]
fn elements_that_are_no_objects_are_values() {
    for key in TAKEN {
        for odd in
            [json!(["x"]), json!("x"), json!([[1]]), json!({ "a": "x" }), json!([{ "change": 1 }])]
        {
            let plan = json!({ key: odd });
            assert_eq!(shown(&plan, &masking(&["hunter2x"]))[key], odd, "{key}");
        }
    }
}
