//! A run as mocks: what policies see through them is what they see of the run itself, but for secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use statehouse_sentinel::config::{Config, Purpose};
use statehouse_sentinel::terraform::{self, Hidden, REDACTED, mocks};
use statehouse_sentinel::{Frozen, Import, Limits, Source, Verdict, World, evaluate};

use crate::ask::{ask_in, world};
use crate::terraform::PLAN;

fn bundle(plan: &Frozen, hidden: &Hidden) -> BTreeMap<&'static str, String> {
    let run = Frozen::from_json(br#"{"id": "run-1", "message": "hunter2 is in"}"#).unwrap();
    mocks(plan, &run, hidden).unwrap().into_iter().collect()
}

/// A world whose imports are the mocks of a bundle, as its own configuration says.
fn mocked(files: &BTreeMap<&'static str, String>) -> World {
    let config = Config::parse("sentinel.hcl", files["sentinel.hcl"].as_bytes()).unwrap();
    let mut world = world();
    let read = |path: &Path| {
        let found = path.to_str().and_then(|path| files.get(path));
        found.map(|text| text.clone().into_bytes()).ok_or_else(|| format!("no {}", path.display()))
    };
    config.provide(Path::new("sentinel.hcl"), Purpose::Test, &read, &mut world).unwrap();
    world
}

#[test]
fn mocks_say_what_the_imports_say() {
    let plan =
        Frozen::from_json(PLAN.replace("\"sensitive\": true", "\"sensitive\": false").as_bytes());
    let plan = plan.unwrap();
    let files = bundle(&plan, &Hidden::default());
    let names: Vec<_> = files.keys().copied().collect();
    assert_eq!(
        names,
        [
            "mock-tfconfig-v2.sentinel",
            "mock-tfconfig.sentinel",
            "mock-tfplan-v2.sentinel",
            "mock-tfplan.sentinel",
            "mock-tfrun.sentinel",
            "mock-tfstate-v2.sentinel",
            "mock-tfstate.sentinel",
            "sentinel.hcl",
        ]
    );
    let (mocked, derived) = (mocked(&files), terraform::imports(&Arc::new(plan)));
    for (name, import) in &derived {
        let Import::Data(data) = import else { panic!("{name} is data") };
        let entries = data.entries().iter().filter(|(key, _)| !key.is_empty());
        let keys: Vec<String> =
            entries.map(|(key, _)| String::from_utf8_lossy(key).into_owned()).collect();
        // The whole import is asked in pieces, because functions are no data.
        let lines: Vec<String> = keys.iter().map(|key| format!("{key}_ = it.{key}\n")).collect();
        let code = lines.concat();
        let code = format!("import {name:?} as it\n{code}main = true");
        let wanted: Vec<String> = keys.iter().map(|key| format!("{key}_")).collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let source = Source::new("policy.sentinel", code);
        let said = evaluate(&source, &mocked, &Limits::default(), &wanted);
        assert_eq!(said.error, None, "{name}");
        for key in &keys {
            let mut expected = data.get(key).clone();
            if let (Frozen::Map(entries), "config" | "state") = (&expected, key.as_str()) {
                let named = entries.iter().filter(|(key, _)| !key.is_empty()).cloned();
                expected = Frozen::map(named);
            }
            assert_eq!(said.names[&format!("{key}_")], expected, "{name} {key}");
        }
    }
    for holds in [
        "import \"tfconfig\"\nmain = tfconfig.module([\"m\"]).path is [\"m\"] and tfconfig.module([\"no\"]) is not defined",
        "import \"tfconfig/v2\" as it\nmain = it.strip_index(\"module.m[\\\"a[0].b\\\\\\\"]\\\"].x.y[1]\") is \"module.m.x.y\"",
        "import \"tfrun\"\nmain = tfrun.id is \"run-1\"",
    ] {
        let said = ask_in(&mocked, holds);
        assert_eq!(said.verdict, Verdict::Passed, "{holds}: {said:?}");
    }
}

const SECRETS: &str = r#"{
  "variables": { "marked": {"value": "hunter2"}, "told": {"value": "s3cret-told"}, "plain": {"value": "plain-one"} },
  "resource_changes": [ { "address": "a.b[\"hunter2\"]", "type": "a", "name": "b", "change": {
    "actions": ["update"],
    "before": {"pw": "old-password", "all": ["one-a", {"deep": "two-b"}], "port": 54321, "free": null},
    "after": {"pw": "new-password", "all": ["one-c", {"deep": "two-d"}], "port": 54321, "free": "uses plain-one"},
    "before_sensitive": {"pw": true}, "after_sensitive": {"all": [false, {"deep": true}], "port": true, "free": false} } } ],
  "planned_values": { "outputs": { "o": {"sensitive": true, "value": {"k": "output-secret"}} },
    "root_module": { "resources": [ { "address": "a.b", "type": "a", "name": "b", "mode": "managed",
      "values": {"pw": "new-password", "copy": "{\"x\":\"multi\\nline\"}", "number": 54321}, "sensitive_values": {"pw": true} } ] } },
  "prior_state": { "values": { "root_module": { "child_modules": [ { "address": "module.m", "resources": [
    { "address": "module.m.a.b", "type": "a", "name": "b", "values": {"key": "multi\nline"}, "sensitive_values": {"key": true} } ] } ] } } },
  "configuration": { "root_module": {
    "variables": { "marked": {"sensitive": true, "default": "default-secret"}, "told": {} },
    "outputs": { "o": {"sensitive": true, "expression": {"constant_value": "constant-secret"}} },
    "module_calls": { "m": { "source": "./m",
      "expressions": {"token": {"constant_value": "given-secret"}, "size": {"constant_value": "given-size"}},
      "module": { "variables": {"token": {"sensitive": true}, "size": {}} } } } } }
}"#;

#[test]
fn no_file_of_a_bundle_has_a_secret_wherever_the_plan_repeats_it() {
    let plan = Frozen::from_json(SECRETS.as_bytes()).unwrap();
    let hidden = Hidden {
        variables: BTreeSet::from(["told".to_owned()]),
        texts: vec!["plain-one-but-longer".into(), "of".into()],
    };
    let files = bundle(&plan, &hidden);
    let all: String = files.values().cloned().collect();
    for secret in [
        "hunter2",
        "s3cret-told",
        "old-password",
        "new-password",
        "two-b",
        "two-d",
        "54321",
        "output-secret",
        "multi",
        "default-secret",
        "constant-secret",
        "given-secret",
    ] {
        assert!(!all.contains(secret), "{secret}");
    }
    for open in ["one-a", "one-c", "uses plain-one", "given-size"] {
        assert!(all.contains(open), "{open}");
    }
    let plan = &files["mock-tfplan-v2.sentinel"];
    assert!(plan.contains(&format!("\"pw\":   {REDACTED:?},")), "{plan}");
    assert!(plan.contains("\"free\": null,"), "{plan}");
    assert!(files["mock-tfrun.sentinel"].contains("REDACTED_SENSITIVE is in"));
}

fn data() -> impl Strategy<Value = Frozen> {
    let leaf = prop_oneof![
        Just(Frozen::Null),
        Just(Frozen::Undefined),
        any::<bool>().prop_map(Frozen::Bool),
        any::<i64>().prop_map(Frozen::Int),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Frozen::Float),
        any::<String>().prop_map(|text| Frozen::text(&text)),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Frozen::list),
            prop::collection::vec((any::<String>(), inner), 0..5).prop_map(|entries| {
                Frozen::map(entries.into_iter().map(|(key, value)| (key.into_bytes(), value)))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_plan_holds_is_read_again_from_its_mock(value in data()) {
        let plan = Frozen::object([("variables", Frozen::object([
            ("a", Frozen::object([("value", value.clone())])),
        ]))]);
        let world = mocked(&bundle(&plan, &Hidden::default()));
        let asked = ask_in(&world, "import \"tfplan/v2\" as plan\nr = plan.raw.variables.a.value\nmain = true");
        prop_assert_eq!(asked.error, None);
        prop_assert_eq!(&asked.names["r"], &value);
    }
}
