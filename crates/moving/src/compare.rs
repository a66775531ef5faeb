//! What differs between what was to come over and what is here.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::Value;

use crate::{
    inventory::{Inventory, Item, State},
    kinds::{KINDS, ORGANIZATION},
    source::Source,
    steps::Steps,
};

/// A line for each difference. `wanted` has the names of the target. What is here beside it is no difference, except in
/// what belongs to a thing that came over.
pub fn differences(wanted: &Inventory, here: &Inventory, with_members: bool) -> Vec<String> {
    let mut found = Vec::new();
    let is_sparse = wanted.address.is_empty();
    for kind in KINDS.iter().chain([&ORGANIZATION]) {
        if kind.name == "organization-memberships" && !with_members {
            continue;
        }
        for item in wanted.of(kind.name) {
            let of = format!("{} {}", kind.name, item.name);
            let same = here.of(kind.name).iter().find(|other| other.name == item.name);
            match same {
                None if kind.name == "ssh-keys" => {
                    found.push(format!("{of}: its value was not given yet"));
                }
                None => found.push(format!("{of}: is not here")),
                Some(other) if is_sparse => sparse(&of, item, other, &mut found),
                Some(other) => compare(&of, item, other, &mut found),
            }
        }
    }
    found
}

/// Of plain states nothing but what is said of them.
fn sparse(of: &str, wanted: &Item, here: &Item, found: &mut Vec<String>) {
    for (name, names) in &wanted.relations {
        if here.related(name) != names.as_slice() {
            found.push(format!("{of}: {name} differ"));
        }
    }
    states(of, &wanted.states, &here.states, found);
}

fn compare(of: &str, wanted: &Item, here: &Item, found: &mut Vec<String>) {
    let names = wanted.attributes.keys().chain(here.attributes.keys());
    let names: std::collections::BTreeSet<_> = names.collect();
    for name in names {
        // Notifications are switched on here when somebody says so.
        if name == "enabled" || (name == "value" && wanted.is_secret()) {
            continue;
        }
        let (one, other) = (wanted.attributes.get(name), here.attributes.get(name));
        if one != other {
            found.push(format!("{of}: {name} is {} there and {} here", shown(one), shown(other)));
        }
    }
    if wanted.code != here.code {
        found.push(format!("{of}: its code differs"));
    }
    for name in wanted.relations.keys().chain(here.relations.keys()) {
        let (one, other) = (wanted.related(name), here.related(name));
        if one != other {
            let line = format!(
                "{of}: {name} are [{}] there and [{}] here",
                one.join(", "),
                other.join(", ")
            );
            if !found.contains(&line) {
                found.push(line);
            }
        }
    }
    parts(of, wanted, here, found);
    states(of, &wanted.states, &here.states, found);
}

fn parts(of: &str, wanted: &Item, here: &Item, found: &mut Vec<String>) {
    let kinds: std::collections::BTreeSet<_> =
        wanted.parts.keys().chain(here.parts.keys()).collect();
    for kind in kinds {
        let by_name = |item: &'_ Item| -> BTreeMap<String, Item> {
            item.part(kind).iter().map(|one| (one.name.clone(), one.clone())).collect()
        };
        let (one, other) = (by_name(wanted), by_name(here));
        for (name, item) in &one {
            let of = format!("{of}: {kind} {name}");
            match other.get(name) {
                None if item.is_secret() => {
                    found.push(format!("{of}: its value was not given yet"));
                }
                None => found.push(format!("{of}: is not here")),
                Some(other) => compare(&of, item, other, found),
            }
        }
        for name in other.keys().filter(|name| !one.contains_key(*name)) {
            found.push(format!("{of}: {kind} {name}: is only here"));
        }
    }
}

/// Reads every state on both sides; a line for each whose bytes differ.
///
/// # Errors
/// If one of them cannot be read.
pub async fn bytes(
    source: &Source,
    wanted: &Inventory,
    target: &Source,
    here: &Inventory,
    told: &Steps<'_>,
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let workspaces = wanted.of("workspaces");
    told.begin("compare", workspaces.iter().map(|item| item.states.len()).sum());
    for item in workspaces {
        let other = here.of("workspaces").iter().find(|other| other.name == item.name);
        let there = other.map_or(&[][..], |other| other.states.as_slice());
        for (index, state) in item.states.iter().enumerate() {
            let twin =
                there.iter().enumerate().find(|(at, other)| is_same(index, state, *at, other));
            if let Some((_, twin)) = twin {
                let (one, other) = (source.content(state).await?, target.content(twin).await?);
                told.bytes(one.bytes.len());
                if one.bytes != other.bytes {
                    let of = format!("workspaces {}", item.name);
                    found.push(format!("{of}: the bytes of its state {} differ", state.serial));
                }
            }
            told.step();
        }
    }
    Ok(found)
}

/// Whether two states are one, by what is said of them and by their places: first is the current one, which has another
/// time here.
fn is_same(index: usize, state: &State, at: usize, other: &State) -> bool {
    let agree = |one: &Option<String>, other: &Option<String>| {
        one.is_none() || other.is_none() || one == other
    };
    other.serial == state.serial
        && agree(&other.md5, &state.md5)
        && agree(&other.lineage, &state.lineage)
        && if index == 0 { at == 0 } else { other.created_at == state.created_at }
}

fn states(of: &str, wanted: &[State], here: &[State], found: &mut Vec<String>) {
    let said = |state: &State| {
        format!("serial {}, lineage {}", state.serial, state.lineage.as_deref().unwrap_or("?"))
    };
    for (index, state) in wanted.iter().enumerate() {
        let which = if index == 0 { "its current state" } else { "an older state" };
        let same = here.iter().enumerate().find(|(at, other)| is_same(index, state, *at, other));
        if same.is_none() {
            found.push(format!(
                "{of}: {which} ({}, of {}) is not here",
                said(state),
                state.created_at
            ));
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "not set".to_owned(), Value::to_string);
    if text.chars().count() > 80 {
        text.chars().take(77).chain("…".chars()).collect()
    } else {
        text
    }
}
