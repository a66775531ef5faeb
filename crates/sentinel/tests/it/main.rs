//! Policies as their authors write them, and what they say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod ask;
mod cases;
mod config;
mod http;
mod imports;
mod limits;
mod mocks;
mod outcomes;
mod probes;
mod properties;
mod reports;
mod telling;
mod terraform;
