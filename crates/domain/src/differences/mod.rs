//! How two JSON values differ, in rows that people read: what is sensitive is masked, what is equal is counted.

mod elements;
mod shown;
mod texts;
mod walk;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use text::json::Json;

pub use shown::Shown;
pub use texts::Line;

/// What is compared. Masks and `unknown` have the form of the values, with `true` wherever they speak of all below.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sides<'a> {
    pub before: Option<&'a Json>,
    pub after: Option<&'a Json>,
    /// What of `after` is known only when it is made. It need not be in `after`.
    pub unknown: Option<&'a Json>,
    pub sensitive_before: Option<&'a Json>,
    pub sensitive_after: Option<&'a Json>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub rows: Vec<Row>,
    /// What is equal on both sides, or set on none.
    pub unchanged: u64,
    /// Rows beyond the most that are kept.
    pub left_out: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// From 0: how far inside it stands.
    pub depth: u8,
    pub name: String,
    pub what: What,
    /// The reason why the whole has to be made anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forces: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Its members follow.
    Heading,
    Values {
        before: Shown,
        after: Shown,
    },
    Lines {
        lines: Vec<Line>,
        as_json: bool,
    },
    /// Texts that differ in white space only, or as JSON not at all.
    Layout,
}

impl Difference {
    /// Puts another difference below a name of its own.
    pub fn add(&mut self, name: &str, other: Self) {
        if !other.rows.is_empty() {
            self.rows.push(Row {
                depth: 0,
                name: name.to_owned(),
                what: What::Heading,
                forces: false,
            });
            let deeper = |row: Row| Row { depth: row.depth + 1, ..row };
            self.rows.extend(other.rows.into_iter().map(deeper));
        }
        self.unchanged += other.unchanged;
        self.left_out += other.left_out;
    }
}

/// Compares. `forcing` has the paths that force a replacement, with the steps as they are written in rows.
pub fn between(sides: Sides<'_>, forcing: &[Vec<String>]) -> Difference {
    walk::all(sides, forcing)
}
