//! Paths into nested data, as `collection/maps` takes them: `a.0.b`, and `*` for every element of a list.

use crate::eval::{Interp, MAX_NESTING};
use crate::source::{Eval, Fault};
use crate::value::{Key, Value};

/// The steps of a path.
pub(super) fn steps(path: &[u8]) -> Eval<Vec<&[u8]>> {
    let steps: Vec<&[u8]> = path.split(|byte| *byte == b'.').collect();
    if steps.len() > MAX_NESTING {
        return Err(Fault::limit(format!("the path has more than {MAX_NESTING} steps")));
    }
    Ok(steps)
}

/// The position in a list that a step is.
fn position(step: &[u8]) -> Option<usize> {
    std::str::from_utf8(step).ok()?.parse().ok()
}

/// What lies at the path; `None` if a step of it is missing.
pub(super) fn get<'a>(
    interp: &mut Interp<'a>,
    value: Value<'a>,
    path: &[&'a [u8]],
) -> Eval<Option<Value<'a>>> {
    interp.spend(1)?;
    interp.deeper(|interp| get_step(interp, value, path))
}

fn get_step<'a>(
    interp: &mut Interp<'a>,
    value: Value<'a>,
    path: &[&'a [u8]],
) -> Eval<Option<Value<'a>>> {
    let value = interp.force(value)?;
    let Some((step, rest)) = path.split_first() else {
        return Ok(if value.is_undefined() { None } else { Some(value) });
    };
    match value {
        Value::Map(map) => match map.get(Key::Text(step), interp.heap) {
            Some(child) => get(interp, child, rest),
            None => Ok(None),
        },
        Value::List(list) if *step == b"*" => {
            let mut found = Vec::new();
            for item in list.items(interp.heap) {
                // What is missing in an element stays visible as undefined.
                found.push(get(interp, item, rest)?.unwrap_or(Value::Undefined(None)));
            }
            Ok(Some(interp.heap.list(found)))
        }
        Value::List(list) => match position(step).and_then(|at| list.get(at, interp.heap)) {
            Some(child) => get(interp, child, rest),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Whether every step of the path is there.
pub(super) fn has<'a>(interp: &mut Interp<'a>, value: Value<'a>, path: &[&'a [u8]]) -> Eval<bool> {
    interp.spend(1)?;
    interp.deeper(|interp| has_step(interp, value, path))
}

fn has_step<'a>(interp: &mut Interp<'a>, value: Value<'a>, path: &[&'a [u8]]) -> Eval<bool> {
    let Some((step, rest)) = path.split_first() else { return Ok(true) };
    let child = match interp.force(value)? {
        Value::Map(map) => map.get(Key::Text(step), interp.heap),
        Value::List(list) if *step == b"*" => {
            for item in list.items(interp.heap) {
                if !has(interp, item, rest)? {
                    return Ok(false);
                }
            }
            return Ok(list.len() > 0);
        }
        Value::List(list) => position(step).and_then(|at| list.get(at, interp.heap)),
        _ => None,
    };
    match child {
        Some(child) => has(interp, child, rest),
        None => Ok(false),
    }
}

/// A copy with something else at the path. Maps that are missing are made, elements of lists are not.
pub(super) fn set<'a>(
    interp: &mut Interp<'a>,
    into: Value<'a>,
    path: &[&'a [u8]],
    value: Value<'a>,
) -> Eval<Value<'a>> {
    interp.deeper(|interp| set_step(interp, into, path, value))
}

fn set_step<'a>(
    interp: &mut Interp<'a>,
    into: Value<'a>,
    path: &[&'a [u8]],
    value: Value<'a>,
) -> Eval<Value<'a>> {
    let Some((step, rest)) = path.split_first() else { return Ok(value) };
    match interp.force(into)? {
        Value::List(list) => {
            let mut items = list.items(interp.heap);
            interp.spend(items.len())?;
            if *step == b"*" {
                for item in &mut items {
                    *item = set(interp, *item, rest, value)?;
                }
            } else {
                let Some(item) = position(step).and_then(|at| items.get_mut(at)) else {
                    let step = String::from_utf8_lossy(step);
                    return Err(Fault::new(format!("maps.set: the list has no element {step}")));
                };
                *item = set(interp, *item, rest, value)?;
            }
            Ok(interp.heap.list(items))
        }
        Value::Map(map) => {
            let mut entries = map.entries(interp.heap);
            interp.spend(entries.len())?;
            let key = Key::Text(step);
            if let Some((_, child)) = entries.iter_mut().find(|(known, _)| *known == key) {
                *child = set(interp, *child, rest, value)?;
            } else {
                let empty = interp.heap.map([]);
                entries.push((key, set(interp, empty, rest, value)?));
            }
            Ok(interp.heap.map(entries))
        }
        Value::Undefined(_) | Value::Null => {
            let empty = interp.heap.map([]);
            set(interp, empty, path, value)
        }
        other => {
            let name = other.type_name();
            Err(Fault::new(format!("maps.set: the path leads into {name:?}")))
        }
    }
}

/// A copy without what lies at the path.
pub(super) fn unset<'a>(
    interp: &mut Interp<'a>,
    from: Value<'a>,
    path: &[&'a [u8]],
) -> Eval<Value<'a>> {
    interp.deeper(|interp| unset_step(interp, from, path))
}

fn unset_step<'a>(interp: &mut Interp<'a>, from: Value<'a>, path: &[&'a [u8]]) -> Eval<Value<'a>> {
    let Some((step, rest)) = path.split_first() else { return Ok(from) };
    match interp.force(from)? {
        Value::List(list) => {
            let mut items = list.items(interp.heap);
            interp.spend(items.len())?;
            if *step == b"*" && rest.is_empty() {
                items.clear();
            } else if *step == b"*" {
                for item in &mut items {
                    *item = unset(interp, *item, rest)?;
                }
            } else if let Some(at) = position(step).filter(|at| *at < items.len()) {
                if rest.is_empty() {
                    items.remove(at);
                } else {
                    items[at] = unset(interp, items[at], rest)?;
                }
            }
            Ok(interp.heap.list(items))
        }
        Value::Map(map) => {
            let mut entries = map.entries(interp.heap);
            interp.spend(entries.len())?;
            let key = Key::Text(step);
            if rest.is_empty() {
                entries.retain(|(known, _)| *known != key);
            } else if let Some((_, child)) = entries.iter_mut().find(|(known, _)| *known == key) {
                *child = unset(interp, *child, rest)?;
            }
            Ok(interp.heap.map(entries))
        }
        other => Ok(other),
    }
}

/// Only what lies at the paths, in the same structure; lists lose the positions that nobody picks.
pub(super) fn pick<'a>(
    interp: &mut Interp<'a>,
    from: Value<'a>,
    paths: &[&[&'a [u8]]],
) -> Eval<Option<Value<'a>>> {
    interp.spend(1 + paths.len())?;
    interp.deeper(|interp| pick_step(interp, from, paths))
}

fn pick_step<'a>(
    interp: &mut Interp<'a>,
    from: Value<'a>,
    paths: &[&[&'a [u8]]],
) -> Eval<Option<Value<'a>>> {
    if paths.iter().any(|path| path.is_empty()) {
        return Ok(Some(from));
    }
    match interp.force(from)? {
        Value::Map(map) => {
            let mut entries = Vec::new();
            for (key, child) in map.entries(interp.heap) {
                let Key::Text(text) = key else { continue };
                let below = below(paths, |step| step == text);
                if !below.is_empty()
                    && let Some(picked) = pick(interp, child, &below)?
                {
                    entries.push((key, picked));
                }
            }
            Ok((!entries.is_empty()).then(|| interp.heap.map(entries)))
        }
        Value::List(list) => {
            let mut items = Vec::new();
            for (at, child) in list.items(interp.heap).into_iter().enumerate() {
                let below = below(paths, |step| step == b"*" || position(step) == Some(at));
                if !below.is_empty()
                    && let Some(picked) = pick(interp, child, &below)?
                {
                    items.push(picked);
                }
            }
            Ok((!items.is_empty()).then(|| interp.heap.list(items)))
        }
        _ => Ok(None),
    }
}

/// The rests of the paths whose first step fits.
fn below<'p, 'a>(paths: &[&'p [&'a [u8]]], fits: impl Fn(&[u8]) -> bool) -> Vec<&'p [&'a [u8]]> {
    let split = paths.iter().filter_map(|path| path.split_first());
    split.filter(|(step, _)| fits(step)).map(|(_, rest)| rest).collect()
}
