//! Version control: what a provider's API, its events and `git` say, and which workspaces a change concerns. Knows
//! nothing of Statehouse: no rows, no runs, no settings.
//!
//! * [`events`] are what a provider tells by its hooks.
//! * [`git`] is what the repository itself says: commits, changed files, archives.
//! * [`provider`] is what a provider does when it is asked: lists, hooks, statuses, comments, tokens.
//! * [`triggers`] are the rules, as pure functions: does this push concern that workspace, and why.

pub mod events;
pub mod git;
mod names;
pub mod provider;
mod refs;
mod service_provider;
pub mod triggers;

pub use names::{CommitId, NameError, RefName, RepositoryName};
pub use refs::{Reference, Refs};
pub use service_provider::{Family, ServiceProvider, UnknownProvider};
