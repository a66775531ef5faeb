//! Version control: what a provider's API, its events and `git` say, and which workspaces a change concerns. Knows
//! nothing of Statehouse: no rows, no runs, no settings.
//!
//! * [`triggers`] are the rules, as pure functions: does this push concern that workspace, and why.

mod names;
pub mod triggers;

pub use names::{CommitId, NameError, RefName, RepositoryName};
