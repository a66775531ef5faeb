//! The walk through both sides together, by the names that any of them has.

use std::collections::BTreeSet;

use text::json::Json;

use super::{
    Difference, Row, Sides, What, elements,
    shown::{Shown, masked},
    texts,
};

/// Rows of one difference that are kept.
const MOST: usize = 2_000;
/// Bytes of a list of simple values that stands in one row.
const ONE_ROW: usize = 120;

pub(super) fn all(sides: Sides<'_>, forcing: &[Vec<String>]) -> Difference {
    let is_none = |side: Option<&Json>| side.is_none_or(|value| *value == Json::Null);
    let mut walk = Walk {
        found: Difference::default(),
        forcing,
        path: Vec::new(),
        is_half: is_none(sides.before) || is_none(sides.after),
    };
    // Of a whole that is made or destroyed the other side is nothing, and not "not set".
    let is_object = |side: Option<&Json>| matches!(side, Some(Json::Members(_)));
    if [sides.before, sides.after, sides.unknown].into_iter().any(is_object)
        && !sides.is_masked()
        && !sides.is_unknown()
    {
        let before = sides.before.filter(|value| **value != Json::Null);
        let after = sides.after.filter(|value| **value != Json::Null);
        walk.members(0, Sides { before, after, ..sides });
    } else {
        walk.is_half = false;
        walk.one("value", 0, sides);
    }
    walk.found
}

struct Walk<'a> {
    found: Difference,
    forcing: &'a [Vec<String>],
    path: Vec<String>,
    /// One side of the whole is not there.
    is_half: bool,
}

impl<'a> Sides<'a> {
    fn is_unknown(self) -> bool {
        self.unknown == Some(&Json::Bool(true))
    }

    /// Sensitive on one side is sensitive on both.
    fn is_masked(self) -> bool {
        [self.sensitive_before, self.sensitive_after].contains(&Some(&Json::Bool(true)))
    }

    fn member(self, name: &str) -> Self {
        let of = |json: Option<&'a Json>| json.and_then(|json| json.get(name));
        Sides {
            before: of(self.before),
            after: of(self.after),
            unknown: of(self.unknown),
            sensitive_before: of(self.sensitive_before),
            sensitive_after: of(self.sensitive_after),
        }
    }

    fn element(self, (from, to): elements::Pair) -> Self {
        let of = |json: Option<&'a Json>, at: Option<usize>| json?.at(at?);
        Sides {
            before: of(self.before, from),
            after: of(self.after, to),
            unknown: of(self.unknown, to),
            sensitive_before: of(self.sensitive_before, from),
            sensitive_after: of(self.sensitive_after, to),
        }
    }
}

impl Walk<'_> {
    fn one(&mut self, name: &str, depth: u8, sides: Sides<'_>) {
        let Sides { before, after, .. } = sides;
        let is_set = |side: Option<&Json>| side.is_some_and(|value| *value != Json::Null);
        if sides.is_unknown() {
            let before = match before {
                Some(_) if sides.is_masked() => Shown::Sensitive,
                before => Shown::of(sides.seen(before).as_ref()),
            };
            return self.row(name, depth, What::Values { before, after: Shown::Unknown });
        }
        let is_known = !sides.unknown.is_some_and(any_true);
        // Whoever makes an object leaves most of its attributes unset.
        let is_unset = self.is_half && depth == 0 && !is_set(before) && !is_set(after);
        if is_known && (before == after || is_unset) {
            self.found.unchanged += 1;
        } else if sides.is_masked() {
            let hidden = |side: Option<&Json>| side.map_or(Shown::Missing, |_| Shown::Sensitive);
            self.row(name, depth, What::Values { before: hidden(before), after: hidden(after) });
        } else if sides.are(|json| matches!(json, Json::Members(_))) {
            self.heading(name, depth, |walk| walk.members(depth + 1, sides));
        } else if sides.are(|json| matches!(json, Json::List(_))) && !is_in_one_row(sides) {
            self.heading(name, depth, |walk| walk.elements(depth + 1, sides));
        } else {
            let (before, after) = (sides.seen(before), sides.seen(after));
            self.row(name, depth, texts::compare(before.as_ref(), after.as_ref()));
        }
    }

    fn members(&mut self, depth: u8, sides: Sides<'_>) {
        let names: BTreeSet<&String> = [sides.before, sides.after, sides.unknown]
            .into_iter()
            .filter_map(|side| match side {
                Some(Json::Members(members)) => Some(members.keys()),
                _ => None,
            })
            .flatten()
            .collect();
        for name in names {
            self.path.push(name.clone());
            self.one(name, depth, sides.member(name));
            self.path.pop();
        }
    }

    fn elements(&mut self, depth: u8, sides: Sides<'_>) {
        fn list(side: Option<&Json>) -> &[Json] {
            match side {
                Some(Json::List(items)) => items,
                _ => &[],
            }
        }
        let is_open =
            |at: usize| sides.unknown.and_then(|unknown| unknown.at(at)).is_some_and(any_true);
        for pair in elements::pairs(list(sides.before), list(sides.after), is_open) {
            let at = pair.1.or(pair.0).unwrap_or_default();
            self.path.push(at.to_string());
            self.one(&format!("[{at}]"), depth, sides.element(pair));
            self.path.pop();
        }
        // Elements of which nothing is known but that they will be there.
        for at in list(sides.after).len()..list(sides.unknown).len() {
            if is_open(at) {
                self.path.push(at.to_string());
                let unknown =
                    Sides { unknown: sides.unknown.and_then(|it| it.at(at)), ..Sides::default() };
                self.one(&format!("[{at}]"), depth, unknown);
                self.path.pop();
            }
        }
    }

    /// A name above what follows, if anything does.
    fn heading(&mut self, name: &str, depth: u8, inside: impl FnOnce(&mut Self)) {
        let start = self.found.rows.len();
        let forces = self.forcing.contains(&self.path);
        let left_out = self.found.left_out;
        self.push(Row { depth, name: name.to_owned(), what: What::Heading, forces });
        inside(self);
        if self.found.rows.len() == start + 1 && self.found.left_out == left_out {
            self.found.rows.pop();
        }
    }

    fn row(&mut self, name: &str, depth: u8, what: What) {
        // A path may lead into what stands in one row.
        let forces = self.forcing.iter().any(|path| path.starts_with(&self.path));
        self.push(Row { depth, name: name.to_owned(), what, forces });
    }

    fn push(&mut self, row: Row) {
        if self.found.rows.len() < MOST {
            self.found.rows.push(row);
        } else {
            self.found.left_out += 1;
        }
    }
}

impl Sides<'_> {
    /// Whether there is something to go into on one side, and on the other the same or nothing.
    fn are(self, is_container: impl Fn(&Json) -> bool) -> bool {
        let is_empty = |json: &Json| match json {
            Json::List(items) => items.is_empty(),
            Json::Members(members) => members.is_empty(),
            _ => false,
        };
        let sides = [self.before, self.after, self.unknown];
        let mut there = sides
            .into_iter()
            .flatten()
            .filter(|json| !matches!(json, Json::Null | Json::Bool(false)));
        there.clone().any(|json| !is_empty(json)) && there.all(is_container)
    }

    /// One side without what is sensitive on any.
    fn seen(self, side: Option<&Json>) -> Option<Json> {
        let once = masked(side?, self.sensitive_before);
        Some(masked(&once, self.sensitive_after))
    }
}

/// A short list of simple values without anything that is hidden or not known.
fn is_in_one_row(sides: Sides<'_>) -> bool {
    let marks = [sides.unknown, sides.sensitive_before, sides.sensitive_after];
    if marks.into_iter().flatten().any(any_true) {
        return false;
    }
    let is_simple = |json: &Json| !matches!(json, Json::List(_) | Json::Members(_));
    let is_short = |json: &Json| match json {
        Json::List(items) => items.iter().all(is_simple) && json.to_string().len() <= ONE_ROW,
        _ => true,
    };
    ![sides.before, sides.after].into_iter().flatten().any(|side| !is_short(side))
}

fn any_true(json: &Json) -> bool {
    match json {
        Json::Bool(value) => *value,
        Json::List(items) => items.iter().any(any_true),
        Json::Members(members) => members.values().any(any_true),
        _ => false,
    }
}
