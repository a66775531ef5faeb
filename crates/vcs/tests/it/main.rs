//! The crate against real repositories, served as providers serve them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod git;
mod hostile;
mod kit;
mod oauth;
mod provider;
mod ssh;
