//! Whole moves, from one server to another.

#![expect(
    clippy::unwrap_used,
    reason = "a test that is wrong should stop where it is, and its bodies are literals"
)]

mod front;
mod moves;
mod world;
