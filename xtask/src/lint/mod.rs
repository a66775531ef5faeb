//! What must hold of the code before anybody reads it.

mod dependencies;
mod licences;
mod rooms;
mod rules;
mod text;
mod walls;

use anyhow::Result;

use crate::commands::{command, succeed};
use crate::steps::Steps;

/// Every check; a failing one does not stop the others.
pub async fn run() -> Result<()> {
    let mut steps = Steps::new();
    let mut fmt = command("cargo");
    fmt.args(["fmt", "--all", "--check"]);
    steps.step("format", succeed(&mut fmt)).await;
    steps.step("walls", walls::check()).await;
    steps.step("dependencies", dependencies::check()).await;
    steps.step("text", text::check()).await;
    let mut clippy = command("cargo");
    clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--keep-going"]);
    clippy.args(["--", "-D", "warnings"]);
    steps.step("clippy", succeed(&mut clippy)).await;
    steps.finish()
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
