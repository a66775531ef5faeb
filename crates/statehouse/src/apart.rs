//! `policy-exec`: policies in a process of their own, which is what this one becomes.

use ::policy::apart::{self, Means};
use anyhow::Context as _;
use sandbox::Limits;

/// Asks what it is told to ask, and reaches nothing else.
pub fn run() -> anyhow::Result<()> {
    let means = Means::from_arguments(std::env::args().skip(2));
    let means = means.context("policy-exec is for the server alone")?;
    sandbox::only_compute(&Limits {
        memory_bytes: Some(means.memory_bytes),
        cpu_seconds: Some(means.cpu_seconds),
        ..Limits::default()
    })?;
    Ok(apart::serve()?)
}
