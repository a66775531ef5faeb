//! From the redacted plan to the list: the fields of `terraform show -json` that people ask about
//! (<https://developer.hashicorp.com/terraform/internals/json-format>).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;
use text::json::Json;

use super::{Action, Change, How, Import, Part, State, Verdict};
use crate::differences::{self, Difference, Sides};

/// The whole list, before it is written.
#[derive(Debug, Default)]
pub(super) struct Boiled {
    pub state: State,
    pub changes: Vec<(Part, Change)>,
}

#[derive(Deserialize)]
struct Document<'a> {
    plan_format_version: Option<String>,
    complete: Option<bool>,
    errored: Option<bool>,
    #[serde(borrow)]
    resource_changes: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    resource_drift: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    relevant_attributes: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    output_changes: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow)]
    deferred_changes: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    action_invocations: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    deferred_action_invocations: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    checks: Option<Vec<&'a RawValue>>,
}

/// Of a plan that is too large to be read.
pub(super) fn unread() -> Boiled {
    Boiled { state: State::Unreadable, changes: Vec::new() }
}

/// What cannot be read gives a list that says so: trying again would change nothing.
pub(super) fn plan(bytes: &[u8]) -> Boiled {
    boiled(bytes).unwrap_or_else(|_| unread())
}

fn boiled(bytes: &[u8]) -> serde_json::Result<Boiled> {
    let plan: Document<'_> = serde_json::from_slice(bytes)?;
    let version = plan.plan_format_version.as_deref().unwrap_or("1");
    if !matches!(version.split('.').next(), Some("0" | "1")) {
        return Ok(Boiled { state: State::Newer, changes: Vec::new() });
    }
    let mut changes = Vec::new();
    for raw in plan.resource_changes.unwrap_or_default() {
        changes.extend(resource(&read(raw)?).map(|change| (Part::Resources, change)));
    }
    for raw in plan.deferred_changes.unwrap_or_default() {
        let deferred = read(raw)?;
        if let Some(mut change) = deferred.get("resource_change").and_then(resource) {
            change.reason = text(&deferred, "reason");
            changes.push((Part::Deferred, change));
        }
    }
    for raw in plan.action_invocations.unwrap_or_default() {
        changes.push((Part::Invocations, invocation(&read(raw)?)));
    }
    for raw in plan.deferred_action_invocations.unwrap_or_default() {
        let deferred = read(raw)?;
        let mut change = invocation(deferred.get("action_invocation").unwrap_or(&deferred));
        change.reason = text(&deferred, "reason");
        changes.push((Part::Deferred, change));
    }
    for (name, raw) in plan.output_changes.unwrap_or_default() {
        changes.extend(output(name, &read(raw)?).map(|change| (Part::Outputs, change)));
    }
    for raw in plan.checks.unwrap_or_default() {
        changes.push((Part::Checks, check(&read(raw)?)));
    }
    let mut relevant = BTreeSet::new();
    for raw in plan.relevant_attributes.unwrap_or_default() {
        relevant.extend(text(&read(raw)?, "resource"));
    }
    for raw in plan.resource_drift.unwrap_or_default() {
        if let Some(change) = resource(&read(raw)?) {
            let part =
                if relevant.contains(&change.address) { Part::Drift } else { Part::OtherDrift };
            changes.push((part, change));
        }
    }
    let state = match (plan.errored, plan.complete) {
        (Some(true), _) => State::Failed,
        (_, Some(false)) => State::Incomplete,
        _ => State::Whole,
    };
    Ok(Boiled { state, changes })
}

fn read(raw: &RawValue) -> serde_json::Result<Json> {
    Json::read(raw.get().as_bytes())
}

fn text(json: &Json, name: &str) -> Option<String> {
    match json.get(name)? {
        Json::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// Nothing for what stays as it is where it is.
fn resource(json: &Json) -> Option<Change> {
    let change = json.get("change")?;
    let moved_from = text(json, "previous_address");
    let imported = change.get("importing").and_then(import);
    let (mut action, how, words) = action(change);
    let mut then = None;
    if imported.is_some() {
        then = Some(action).filter(|action| *action != Action::Same);
        action = Action::Import;
    } else if action == Action::Same && moved_from.is_some() {
        action = Action::Move;
    }
    let deposed = text(json, "deposed");
    if action == Action::Same && deposed.is_none() {
        return None;
    }
    let forcing = paths(change.get("replace_paths"));
    let mut forced_by: Vec<String> =
        forcing.iter().filter_map(|path| path.first().cloned()).collect();
    forced_by.dedup();
    Some(Change {
        module: text(json, "module_address").unwrap_or_default(),
        kind: text(json, "type").unwrap_or_default(),
        name: text(json, "name").unwrap_or_default(),
        key: json.get("index").filter(|key| **key != Json::Null).map(ToString::to_string),
        is_data: text(json, "mode").as_deref() == Some("data"),
        then,
        how,
        words,
        moved_from,
        imported,
        reason: text(json, "action_reason"),
        deposed,
        forced_by,
        generated: text(change, "generated_config"),
        difference: difference(change, &forcing),
        ..Change::named(text(json, "address").unwrap_or_default(), action)
    })
}

fn action(change: &Json) -> (Action, Option<How>, Option<String>) {
    let words: Vec<&str> = match change.get("actions") {
        Some(Json::List(items)) => items
            .iter()
            .filter_map(|item| if let Json::Text(word) = item { Some(word.as_str()) } else { None })
            .collect(),
        _ => Vec::new(),
    };
    let plain = |action| (action, None, None);
    match words.as_slice() {
        [] | ["no-op"] => plain(Action::Same),
        ["create"] => plain(Action::Create),
        ["read"] => plain(Action::Read),
        ["update"] => plain(Action::Update),
        ["delete"] => plain(Action::Delete),
        ["forget"] => plain(Action::Forget),
        ["delete", "create"] => (Action::Replace, Some(How::DestroyFirst), None),
        ["create", "delete"] => (Action::Replace, Some(How::CreateFirst), None),
        ["create", "forget"] | ["forget", "create"] => (Action::Replace, Some(How::LeaveOld), None),
        other => (Action::Other, None, Some(other.join(", "))),
    }
}

fn import(json: &Json) -> Option<Import> {
    if json.get("unknown") == Some(&Json::Bool(true)) {
        return Some(Import::Unknown);
    }
    match (text(json, "id"), json.get("identity")) {
        (Some(id), _) if !id.is_empty() => Some(Import::Id(id)),
        (_, Some(identity)) if *identity != Json::Null => Some(Import::Id(identity.to_string())),
        _ => matches!(json, Json::Members(_)).then_some(Import::Unknown),
    }
}

/// Steps as rows have them: names and numbers.
fn paths(json: Option<&Json>) -> Vec<Vec<String>> {
    let Some(Json::List(paths)) = json else { return Vec::new() };
    let step = |step: &Json| match step {
        Json::Text(text) => text.clone(),
        other => other.to_string(),
    };
    let path = |path: &Json| match path {
        Json::List(steps) => steps.iter().map(step).collect(),
        other => vec![step(other)],
    };
    paths.iter().map(path).collect()
}

fn difference(change: &Json, forcing: &[Vec<String>]) -> Difference {
    let mut sides = Sides {
        before: change.get("before"),
        after: change.get("after"),
        unknown: change.get("after_unknown"),
        sensitive_before: change.get("before_sensitive"),
        sensitive_after: change.get("after_sensitive"),
    };
    // In a creation there is nothing before, and after a destruction nothing: not a value that is set to null.
    match action(change) {
        (Action::Create, ..) => sides.before = None,
        (Action::Delete | Action::Forget, ..) => sides.after = None,
        _ => {}
    }
    let mut difference = differences::between(sides, forcing);
    let identities = Sides {
        before: change.get("before_identity"),
        after: change.get("after_identity"),
        ..Sides::default()
    };
    if let (Some(before), Some(after)) = (identities.before, identities.after)
        && before != after
        && *before != Json::Null
        && *after != Json::Null
    {
        difference.add("identity", differences::between(identities, &[]));
    }
    difference
}

fn output(name: String, json: &Json) -> Option<Change> {
    let (action, how, words) = action(json);
    if action == Action::Same {
        return None;
    }
    let difference = difference(json, &[]);
    Some(Change { how, words, difference, ..Change::named(name, action) })
}

fn invocation(json: &Json) -> Change {
    let difference = differences::between(
        Sides {
            after: json.get("config_values"),
            unknown: json.get("config_unknown"),
            sensitive_after: json.get("config_sensitive"),
            ..Sides::default()
        },
        &[],
    );
    Change {
        kind: text(json, "type").unwrap_or_default(),
        name: text(json, "name").unwrap_or_default(),
        difference,
        ..Change::named(text(json, "address").unwrap_or_default(), Action::Invoke)
    }
}

fn check(json: &Json) -> Change {
    let name = json.get("address").and_then(|address| text(address, "to_display"));
    let mut change = Change::named(name.unwrap_or_default(), Action::Same);
    change.verdict = Some(match text(json, "status").as_deref() {
        Some("pass") => Verdict::Pass,
        Some("fail") => Verdict::Fail,
        Some("error") => Verdict::Error,
        _ => Verdict::Unknown,
    });
    let list = |json: &Json, name: &str| match json.get(name) {
        Some(Json::List(items)) => items.clone(),
        _ => Vec::new(),
    };
    for instance in list(json, "instances") {
        change.said.extend(list(&instance, "problems").iter().filter_map(|it| text(it, "message")));
    }
    change
}
