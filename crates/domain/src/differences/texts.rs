//! Texts that people read line by line, and those with JSON in them.

use serde::{Deserialize, Serialize};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use text::json::Json;

use super::{
    What,
    shown::{Shown, is_opaque},
};

/// Equal lines that stay around a change.
const AROUND: usize = 3;
/// Texts of so many lines are shown whole.
const SHORT: usize = 40;
/// Lines that are kept; the rest is in the log.
const MOST: usize = 400;
/// Lines of a text that are compared one by one.
const COMPARED: usize = 5_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    Same(String),
    Added(String),
    Removed(String),
    /// So many equal lines.
    Skipped(u64),
    /// So many lines beyond the most that are kept.
    Cut(u64),
}

/// Two values that differ, neither of them with members to go into.
pub(super) fn compare(before: Option<&Json>, after: Option<&Json>) -> What {
    let values = || What::Values { before: Shown::of(before), after: Shown::of(after) };
    let is_none = |side: Option<&Json>| side.is_none_or(|value| *value == Json::Null);
    let (old, new) = match (before, after) {
        (Some(Json::Text(old)), Some(Json::Text(new))) => (old.as_str(), new.as_str()),
        (Some(Json::Text(old)), other) if is_none(other) => (old.as_str(), ""),
        (other, Some(Json::Text(new))) if is_none(other) => ("", new.as_str()),
        _ => return values(),
    };
    if is_opaque(old) || is_opaque(new) {
        return values();
    }
    match (structured(old), structured(new)) {
        (Some(old), Some(new)) if old == new => return What::Layout,
        (Some(old), Some(new)) => return lines(&pretty(&old), &pretty(&new), true),
        (Some(old), None) if new.is_empty() => return lines(&pretty(&old), "", true),
        (None, Some(new)) if old.is_empty() => return lines("", &pretty(&new), true),
        _ => {}
    }
    if !old.contains('\n') && !new.contains('\n') {
        return values();
    }
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    if !old.is_empty() && !new.is_empty() && words(old) == words(new) {
        return What::Layout;
    }
    lines(old, new, false)
}

/// The object or list that a text is, if it is one with something in it.
fn structured(text: &str) -> Option<Json> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let json = Json::read(text.as_bytes()).ok()?;
    let is_empty = match &json {
        Json::Members(members) => members.is_empty(),
        Json::List(items) => items.is_empty(),
        _ => true,
    };
    (!is_empty).then_some(json)
}

fn pretty(json: &Json) -> String {
    serde_json::to_string_pretty(json).unwrap_or_else(|_| json.to_string())
}

fn lines(old: &str, new: &str, as_json: bool) -> What {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let all = if old.len().max(new.len()) > COMPARED {
        let removed = old.iter().map(|line| Line::Removed((*line).to_owned()));
        removed.chain(new.iter().map(|line| Line::Added((*line).to_owned()))).collect()
    } else {
        merged(&old, &new)
    };
    let mut lines = if all.len() > SHORT { folded(all) } else { all };
    if lines.len() > MOST {
        let cut = lines.split_off(MOST).len();
        lines.push(Line::Cut(cut as u64));
    }
    What::Lines { lines, as_json }
}

fn merged(old: &[&str], new: &[&str]) -> Vec<Line> {
    let mut all = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, old, new) {
        let (removed, added) = (op.old_range(), op.new_range());
        if matches!(op, DiffOp::Equal { .. }) {
            all.extend(old[removed].iter().map(|line| Line::Same((*line).to_owned())));
        } else {
            all.extend(old[removed].iter().map(|line| Line::Removed((*line).to_owned())));
            all.extend(new[added].iter().map(|line| Line::Added((*line).to_owned())));
        }
    }
    all
}

/// Without the equal lines that stand far from any change.
fn folded(all: Vec<Line>) -> Vec<Line> {
    let is_same: Vec<bool> = all.iter().map(|line| matches!(line, Line::Same(_))).collect();
    let is_near = |at: usize| {
        let near = at.saturating_sub(AROUND)..(at + AROUND + 1).min(is_same.len());
        is_same[near].contains(&false)
    };
    let mut lines = Vec::new();
    for (at, line) in all.into_iter().enumerate() {
        if is_near(at) {
            lines.push(line);
        } else if let Some(Line::Skipped(count)) = lines.last_mut() {
            *count += 1;
        } else {
            lines.push(Line::Skipped(1));
        }
    }
    lines
}
