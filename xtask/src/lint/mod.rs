//! What must hold of the code before anybody reads it.

mod dependencies;
mod licences;
mod rooms;
mod rules;
mod text;
mod walls;

use std::path::Path;

use anyhow::Result;
use tokio::process::Command;

use crate::commands::{command, output, succeed};
use crate::steps::Steps;

/// Every check; a failing one does not stop the others.
pub async fn run() -> Result<()> {
    let mut steps = Steps::new();
    without_compiling(&mut steps).await;
    let mut clippy = command("cargo");
    clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--keep-going"]);
    clippy.args(["--", "-D", "warnings"]);
    steps.step("clippy", succeed(&mut clippy)).await;
    steps.finish()
}

/// What needs no compiler.
pub async fn without_compiling(steps: &mut Steps) {
    let mut fmt = command("cargo");
    fmt.args(["fmt", "--all", "--check"]);
    steps.step("format", succeed(&mut fmt)).await;
    steps.step("walls", walls::check()).await;
    steps.step("dependencies", dependencies::check()).await;
    steps.step("text", text::check()).await;
}

/// A cargo whose builds clippy looks at on the way, with warnings as errors: a build and a check in the time of one.
/// What `cargo clippy` sets for the checks that it starts.
pub async fn cargo_with_clippy() -> Result<Command> {
    let sysroot = output(command("rustc").args(["--print", "sysroot"])).await?;
    let driver = Path::new(sysroot.trim()).join("bin/clippy-driver");
    anyhow::ensure!(driver.exists(), "there is no {}: install clippy", driver.display());
    let mut cargo = command("cargo");
    cargo.env("RUSTC_WORKSPACE_WRAPPER", driver);
    cargo.env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__");
    Ok(cargo)
}

/// The walls alone.
pub async fn walls() -> Result<()> {
    let mut steps = Steps::new();
    steps.step("walls", walls::check()).await;
    steps.finish()
}

/// Prints each complaint on a line of its own; an error if there is one.
fn verdict(complaints: &[String]) -> Result<()> {
    for complaint in complaints {
        println!("  {complaint}");
    }
    match complaints.len() {
        0 => Ok(()),
        1 => anyhow::bail!("1 complaint"),
        count => anyhow::bail!("{count} complaints"),
    }
}
