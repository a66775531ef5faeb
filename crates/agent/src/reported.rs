//! What an engine says that it has done, address by address, held against the state that it leaves.
//!
//! A program of the run can write into the state as the engine can, and serial and lineage are anybody's to copy. But
//! what was created must stand in the state, and what was destroyed must not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::Deserialize;
use serde_json::Value;

/// By address, as [`canonical`] writes it; the ids are what the engine named, where it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reported {
    made: BTreeMap<String, Option<String>>,
    /// Those whose destruction has begun.
    doomed: BTreeMap<String, Option<String>>,
    gone: BTreeMap<String, Option<String>>,
    /// An object of these that was replaced earlier is destroyed, not the current one.
    deposed: BTreeSet<String>,
}

impl Reported {
    /// Created or imported.
    pub fn made(&mut self, address: &str, id: Option<&str>) {
        if let Some(address) = canonical(address) {
            self.made.insert(address, id.and_then(whole));
        }
    }

    pub fn destroying(&mut self, address: &str, is_deposed: bool, id: Option<&str>) {
        let Some(address) = canonical(address) else { return };
        if is_deposed {
            self.deposed.insert(address);
        } else {
            self.doomed.insert(address, id.and_then(whole));
        }
    }

    pub fn destroyed(&mut self, address: &str) {
        let Some(address) = canonical(address) else { return };
        let id = self.doomed.remove(&address).flatten();
        self.gone.insert(address, id);
    }

    /// What of it a state says otherwise: the first such address, as the beginning of a sentence. In the state before it,
    /// objects of some addresses were `deposed`.
    pub fn contradiction(&self, state: &[u8], deposed: &[String]) -> Option<String> {
        if self.made.is_empty() && self.gone.is_empty() {
            return None;
        }
        let Some(held) = objects(state) else {
            return Some("The state that was left cannot be read as one".into());
        };
        for (address, id) in &self.made {
            match held.get(address) {
                None => {
                    return Some(format!(
                        "“{address}” was created, and does not stand in the state that was left"
                    ));
                }
                Some(other) if differ(id.as_ref(), other.as_ref()) => {
                    return Some(format!(
                        "“{address}” was created, and another object of that address stands in the state that was left"
                    ));
                }
                Some(_) => {}
            }
        }
        // A replacement is told as a creation too.
        let gone = self.gone.iter().filter(|(address, _)| {
            let is_deposed = self.deposed.contains(*address) || deposed.contains(address);
            !self.made.contains_key(*address) && !is_deposed
        });
        for (address, id) in gone {
            // Events do not say of which object they are: with another id it was one that was replaced earlier.
            if held.get(address).is_some_and(|held| !differ(id.as_ref(), held.as_ref())) {
                return Some(format!(
                    "“{address}” was destroyed, and still stands in the state that was left"
                ));
            }
        }
        None
    }
}

/// Known of both, and not the same.
fn differ(one: Option<&String>, other: Option<&String>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one != other)
}

/// Engines shorten long ids in their middle.
fn whole(id: &str) -> Option<String> {
    (!id.contains("...")).then(|| id.to_owned())
}

/// An address with its keys written in one way; nothing if a key is written in a way that is not JSON's.
fn canonical(address: &str) -> Option<String> {
    static KEY: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\["((?:[^"\\]|\\.)*)"\]"#).expect("the pattern is a constant and tested")
    });
    let mut is_known = true;
    let written = KEY.replace_all(address, |found: &Captures<'_>| {
        // HCL doubles what begins a template.
        let text = found[1].replace("$${", "${").replace("%%{", "%{");
        let key = serde_json::from_str::<String>(&format!("\"{text}\""));
        is_known &= key.is_ok();
        format!("[{}]", Value::from(key.unwrap_or_default()))
    });
    is_known.then(|| written.into_owned())
}

#[derive(Deserialize)]
struct State {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default)]
    module: String,
    mode: String,
    r#type: String,
    name: String,
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    index_key: Option<Value>,
    deposed: Option<String>,
    attributes: Option<Attributes>,
}

#[derive(Deserialize)]
struct Attributes {
    id: Option<Value>,
}

/// All instances of managed resources with their addresses, but those whose addresses no JSON can write. Nothing if it is
/// no state.
fn instances(state: &[u8]) -> Option<Vec<(String, Instance)>> {
    let state: State = serde_json::from_slice(state).ok()?;
    let mut found = Vec::new();
    for resource in state.resources.into_iter().filter(|resource| resource.mode == "managed") {
        let module = match resource.module.as_str() {
            "" => Some(String::new()),
            module => canonical(module).map(|module| module + "."),
        };
        let Some(module) = module else { continue };
        for instance in resource.instances {
            let key = instance.index_key.as_ref().map(|key| format!("[{key}]")).unwrap_or_default();
            found.push((format!("{module}{}.{}{key}", resource.r#type, resource.name), instance));
        }
    }
    Some(found)
}

/// The current objects, with their ids where they have one.
fn objects(state: &[u8]) -> Option<BTreeMap<String, Option<String>>> {
    let current = instances(state)?.into_iter().filter(|(_, instance)| instance.deposed.is_none());
    let with_id = |(address, instance): (String, Instance)| {
        let id = instance.attributes.and_then(|it| it.id);
        (address, id.and_then(|id| id.as_str().map(str::to_owned)))
    };
    Some(current.map(with_id).collect())
}

/// The addresses with objects that were replaced earlier and are still there.
pub(crate) fn deposed(state: &[u8]) -> Vec<String> {
    let deposed = instances(state).unwrap_or_default().into_iter();
    deposed.filter(|(_, it)| it.deposed.is_some()).map(|(address, _)| address).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A state with one resource of each of these modules, types and names.
    fn state(instances: &[(&str, &str, Value)]) -> Vec<u8> {
        let resources = instances.iter().map(|(module, name, instances)| {
            json!({
                "module": module, "mode": "managed", "type": "null_resource", "name": name,
                "instances": instances,
            })
        });
        json!({ "version": 4, "resources": resources.collect::<Vec<_>>() }).to_string().into_bytes()
    }

    #[test]
    fn what_was_created_has_to_be_there_as_it_was_created() {
        let mut reported = Reported::default();
        reported.made("null_resource.a", Some("1"));
        reported.made("module.m[\"x y\"].null_resource.b[\"q\\\"\"]", Some("long...id"));
        reported.made("null_resource.c[7]", None);
        let b = json!([{ "index_key": "q\"", "attributes": { "id": "2" } }]);
        let c = json!([{ "index_key": 7, "attributes": {} }]);
        let with = |a: Value| {
            state(&[("", "a", a), ("module.m[\"x y\"]", "b", b.clone()), ("", "c", c.clone())])
        };
        assert_eq!(
            reported.contradiction(&with(json!([{ "attributes": { "id": "1" } }])), &[]),
            None
        );
        for a in [
            json!([]),
            json!([{ "attributes": { "id": "0" } }]),
            json!([{ "deposed": "ab", "attributes": { "id": "1" } }]),
        ] {
            let said = reported.contradiction(&with(a), &[]).unwrap();
            assert!(said.contains("null_resource.a"), "{said}");
        }
        for no_state in [r#"{"version":4}"#, r#"{"version":4,"resources":null}"#] {
            assert!(reported.contradiction(no_state.as_bytes(), &[]).is_some(), "{no_state}");
        }
    }

    #[test]
    fn what_was_destroyed_must_not_be_there() {
        let mut reported = Reported::default();
        reported.destroying("null_resource.a", false, Some("1"));
        let held = state(&[("", "a", json!([{ "attributes": { "id": "1" } }]))]);
        assert_eq!(reported.contradiction(&held, &[]), None, "it may have failed");
        reported.destroyed("null_resource.a");
        assert!(reported.contradiction(&held, &[]).unwrap().contains("was destroyed"));
        assert_eq!(reported.contradiction(&state(&[]), &[]), None);
    }

    #[test]
    fn what_was_replaced_is_there_whichever_went_first() {
        let held = |id: &str| state(&[("", "a", json!([{ "attributes": { "id": id } }]))]);
        let mut reported = Reported::default();
        reported.destroying("null_resource.a", false, Some("1"));
        reported.destroyed("null_resource.a");
        reported.made("null_resource.a", Some("2"));
        assert_eq!(reported.contradiction(&held("2"), &[]), None);
        assert!(reported.contradiction(&held("1"), &[]).is_some());
        let mut reported = Reported::default();
        reported.made("null_resource.a", Some("2"));
        reported.destroying("null_resource.a", false, Some("1"));
        reported.destroyed("null_resource.a");
        assert_eq!(reported.contradiction(&held("2"), &[]), None);
    }

    #[test]
    fn an_object_that_was_replaced_earlier_is_not_the_current_one() {
        let held = state(&[("", "a", json!([{ "attributes": { "id": "2" } }]))]);
        for (is_deposed, id) in [(true, None), (false, Some("1"))] {
            let mut reported = Reported::default();
            reported.destroying("null_resource.a", is_deposed, id);
            reported.destroyed("null_resource.a");
            assert_eq!(reported.contradiction(&held, &[]), None);
        }
    }

    #[test]
    fn events_do_not_say_of_which_object_they_are() {
        let object = json!({ "attributes": { "id": "1" } });
        let mut earlier = object.clone();
        earlier["deposed"] = "ab".into();
        let before = state(&[("", "a", json!([object, earlier]))]);
        assert_eq!(deposed(&before), ["null_resource.a"]);
        let mut reported = Reported::default();
        reported.destroying("null_resource.a", false, Some("1"));
        reported.destroyed("null_resource.a");
        let after = state(&[("", "a", json!([object]))]);
        assert_eq!(reported.contradiction(&after, &deposed(&before)), None);
        assert!(reported.contradiction(&after, &[]).is_some());
    }

    #[test]
    fn an_address_that_nobody_can_read_excuses_no_other() {
        let mut reported = Reported::default();
        reported.made("null_resource.a", None);
        let strange = state(&[("module.m[\"\\U000e0001\"]", "b", json!([{ "index_key": null }]))]);
        assert!(reported.contradiction(&strange, &[]).is_some());
    }

    #[test]
    fn keys_are_the_same_however_they_are_written() {
        assert_eq!(canonical(r#"a.b["x$${y}\n\u00e9"]"#), canonical("a.b[\"x${y}\\n\u{e9}\"]"));
        assert_eq!(canonical("a.b[3]").as_deref(), Some("a.b[3]"));
        // As Go writes what JSON has no word for.
        assert_eq!(canonical(r#"a.b["\x07"]"#), None);
    }
}
