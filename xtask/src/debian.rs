//! What the tests need from the operating system: installed on Debian as root, asked for elsewhere.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::commands::{command, succeed};

/// Whether this process is the superuser.
pub fn root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Installs a Debian package, or says which command would.
pub async fn install(package: &str, what_for: &str) -> Result<()> {
    if !root() || !Path::new("/etc/debian_version").exists() {
        bail!(
            "{what_for} is not installed. On Debian or Ubuntu: sudo apt-get install -y {package}"
        );
    }
    let apt = || {
        let mut apt = command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-q");
        apt
    };
    succeed(apt().arg("update")).await.context("cannot refresh Debian's package lists")?;
    succeed(apt().args(["install", "-y", "--no-install-recommends", package]))
        .await
        .with_context(|| format!("cannot install {package} for {what_for}"))
}
