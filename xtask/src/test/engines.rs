//! The real engines that the tests run.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::commands::{command, output};

/// The version that single-engine tests and measurements use.
pub const NEWEST: &str = "1.15.5";

/// The older command lines that people still point at a server.
const OLDER: [&str; 3] = ["1.0.3", "1.8.4", "1.12.2"];

/// What is installed.
pub struct Engines {
    /// The executable of [`NEWEST`].
    pub newest: PathBuf,
}

/// Installs the newest engine, and with `every` all that the end-to-end tests drive.
///
/// They live in `.cache/engines`, where the end-to-end tests look for them.
pub async fn install(every: bool) -> Result<Engines> {
    let newest = terraform(NEWEST).await?;
    if every {
        for version in OLDER {
            terraform(version).await?;
        }
        installed(&["null-provider"]).await?;
    }
    Ok(Engines { newest })
}

/// Installs one Terraform and returns its executable.
pub async fn terraform(version: &str) -> Result<PathBuf> {
    installed(&["terraform", version]).await
}

async fn installed(what: &[&str]) -> Result<PathBuf> {
    let printed = output(command("scripts/install-engine").args(what)).await?;
    let path = printed.lines().last().context("scripts/install-engine printed no path")?;
    Ok(PathBuf::from(path))
}
