//! Which element of a list has become which: sets come as lists without an order of their own.

use std::collections::HashMap;

use similar::{Algorithm, DiffOp, capture_diff_slices};
use text::json::Json;

/// Elements that are compared one with each other; of longer lists the places count.
const COMPARED: usize = 5_000;
/// Pairs that are tried for what they share.
const TRIED: usize = 20_000;

/// Places before and after.
pub(super) type Pair = (Option<usize>, Option<usize>);

/// Pairs what is equal first, in order and then wherever it stands, and the rest by how many members it shares.
/// `is_open` says of an element of `after` that not all of it is known.
pub(super) fn pairs(before: &[Json], after: &[Json], is_open: impl Fn(usize) -> bool) -> Vec<Pair> {
    let longest = before.len().max(after.len());
    if longest > COMPARED {
        let place = |at: usize, list: &[Json]| (at < list.len()).then_some(at);
        return (0..longest).map(|at| (place(at, before), place(at, after))).collect();
    }
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut number = |text: String| {
        let next = numbers.len();
        *numbers.entry(text).or_insert(next)
    };
    let old: Vec<usize> = before.iter().map(|it| number(it.to_string())).collect();
    let new: Vec<usize> = after
        .iter()
        .enumerate()
        // What is not known is equal to nothing.
        .map(|(at, it)| number(if is_open(at) { format!("open {at}") } else { it.to_string() }))
        .collect();
    let (mut pairs, mut removed, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if matches!(op, DiffOp::Equal { .. }) {
            pairs.extend(op.old_range().map(Some).zip(op.new_range().map(Some)));
        } else {
            removed.extend(op.old_range());
            added.extend(op.new_range());
        }
    }
    take(&mut removed, &mut added, &mut pairs, |from, to| usize::from(old[from] == new[to]));
    // Where there is one of each, it is the same one, whatever has become of it.
    let is_alone = usize::from(longest == 1);
    let common = |from: usize, to: usize| is_alone + shared(&before[from], &after[to]);
    take(&mut removed, &mut added, &mut pairs, common);
    pairs.extend(removed.into_iter().map(|from| (Some(from), None)));
    pairs.extend(added.into_iter().map(|to| (None, Some(to))));
    pairs.sort_by_key(|(from, to)| (to.or(*from), to.is_some()));
    pairs
}

/// Takes from both the pairs that have the most in common, if they have anything.
fn take(
    removed: &mut Vec<usize>,
    added: &mut Vec<usize>,
    pairs: &mut Vec<Pair>,
    common: impl Fn(usize, usize) -> usize,
) {
    if removed.len() * added.len() > TRIED {
        return;
    }
    let mut found: Vec<(usize, usize, usize)> = Vec::new();
    for from in &*removed {
        for to in &*added {
            found.push((common(*from, *to), *from, *to));
        }
    }
    found.retain(|(common, ..)| *common > 0);
    found.sort_by_key(|(common, from, to)| (usize::MAX - common, from.abs_diff(*to), *from));
    for (_, from, to) in found {
        if removed.contains(&from) && added.contains(&to) {
            pairs.push((Some(from), Some(to)));
            removed.retain(|other| *other != from);
            added.retain(|other| *other != to);
        }
    }
}

/// Members that say something and are equal.
fn shared(before: &Json, after: &Json) -> usize {
    let (Json::Members(before), Json::Members(after)) = (before, after) else { return 0 };
    let says = |value: &Json| match value {
        Json::Null | Json::Bool(false) => false,
        Json::Text(text) => !text.is_empty(),
        Json::List(items) => !items.is_empty(),
        Json::Members(members) => !members.is_empty(),
        _ => true,
    };
    before.iter().filter(|(key, value)| says(value) && after.get(*key) == Some(value)).count()
}
