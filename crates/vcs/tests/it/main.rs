//! The crate against real repositories, served as providers serve them.

mod fake;
mod git;
mod hostile;
mod kit;
mod oauth;
mod provider;
