//! Data as code: what authors' tools would write for it, so that it reads as the value that it was.

use std::fmt::Write as _;

use crate::frozen::{Frozen, Text};

/// Assigns each of these to a variable of its name.
pub(crate) fn assignments(to: &mut String, entries: &[(Text, Frozen)]) {
    for (name, value) in entries {
        assignment(to, &String::from_utf8_lossy(name), value);
    }
}

pub(crate) fn assignment(to: &mut String, name: &str, value: &Frozen) {
    to.push_str(name);
    to.push_str(" = ");
    literal(to, value, 0);
    to.push_str("\n\n");
}

/// `depth` counts the tabs before its last line.
fn literal(to: &mut String, value: &Frozen, depth: usize) {
    match value {
        Frozen::Null => to.push_str("null"),
        Frozen::Bool(value) => to.push_str(if *value { "true" } else { "false" }),
        // The sign is an operator, and so the least of all has no literal.
        Frozen::Int(i64::MIN) => to.push_str("-9223372036854775807 - 1"),
        Frozen::Int(value) => to.push_str(&value.to_string()),
        Frozen::Float(value) if value.is_finite() => write!(to, "{value:?}").unwrap_or_default(),
        Frozen::Undefined | Frozen::Float(_) => to.push_str("undefined"),
        Frozen::Text(value) => text(to, value),
        Frozen::List(items) if items.is_empty() => to.push_str("[]"),
        Frozen::Map(entries) if entries.is_empty() => to.push_str("{}"),
        Frozen::List(items) => {
            to.push_str("[\n");
            for item in items.iter() {
                tabs(to, depth + 1);
                literal(to, item, depth + 1);
                to.push_str(",\n");
            }
            tabs(to, depth);
            to.push(']');
        }
        Frozen::Map(entries) => {
            to.push_str("{\n");
            for lines in entries.chunk_by(|one, next| fits(&one.1) && fits(&next.1)) {
                aligned(to, lines, depth + 1);
            }
            tabs(to, depth);
            to.push('}');
        }
    }
}

/// Whether it stands on one line.
fn fits(value: &Frozen) -> bool {
    value.items().is_empty() && value.entries().is_empty()
}

/// Entries below each other, with their values in one column.
fn aligned(to: &mut String, entries: &[(Text, Frozen)], depth: usize) {
    let keys: Vec<String> = entries.iter().map(|(key, _)| quoted(key)).collect();
    let width = keys.iter().map(|key| key.chars().count()).max().unwrap_or_default();
    for (key, (_, value)) in keys.iter().zip(entries) {
        tabs(to, depth);
        to.push_str(key);
        to.push(':');
        to.extend(std::iter::repeat_n(' ', width - key.chars().count() + 1));
        literal(to, value, depth);
        to.push_str(",\n");
    }
}

fn tabs(to: &mut String, depth: usize) {
    to.extend(std::iter::repeat_n('\t', depth));
}

fn quoted(bytes: &[u8]) -> String {
    let mut key = String::new();
    text(&mut key, bytes);
    key
}

fn text(to: &mut String, bytes: &[u8]) {
    to.push('"');
    for piece in bytes.utf8_chunks() {
        for c in piece.valid().chars() {
            match c {
                '"' => to.push_str("\\\""),
                '\\' => to.push_str("\\\\"),
                '\n' => to.push_str("\\n"),
                '\r' => to.push_str("\\r"),
                '\t' => to.push_str("\\t"),
                c if c.is_control() && c.is_ascii() => byte(to, c as u8),
                c => to.push(c),
            }
        }
        piece.invalid().iter().for_each(|found| byte(to, *found));
    }
    to.push('"');
}

fn byte(to: &mut String, byte: u8) {
    write!(to, "\\x{byte:02x}").expect("a string takes everything");
}
