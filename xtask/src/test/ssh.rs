//! The OpenSSH server from which some tests fetch. Each of them starts its own.

use std::path::Path;

use anyhow::Result;

use crate::debian;

/// Makes sure of it. It stays off as a service where nothing starts services, and the tests do not need it as one.
pub async fn ready() -> Result<()> {
    if Path::new("/usr/sbin/sshd").exists() {
        return Ok(());
    }
    debian::install("openssh-server", "OpenSSH's server").await
}
