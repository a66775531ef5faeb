//! Which workspaces a push, a tag or a pull request concerns, and why: pure functions over what the workspace says of
//! its repository and what happened there.

mod decision;
mod files;
mod tags;

pub use decision::{
    Because, Changed, Circumstances, Decision, Kind, Occasion, Passed, Watch, decide, passed,
};
pub use files::{FileRule, Files};
pub use tags::TagRule;

/// A rule that cannot be kept, named by the attribute that says it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Invalid {
    /// As the API calls it: `trigger-patterns`, `trigger-prefixes`, `tags-regex`.
    pub attribute: &'static str,
    pub detail: String,
}

impl Invalid {
    fn new(attribute: &'static str, detail: impl Into<String>) -> Self {
        Self { attribute, detail: detail.into() }
    }
}
