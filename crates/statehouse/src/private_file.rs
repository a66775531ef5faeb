//! Files that only their owner may read.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result};

/// Creates the file and the directories above it; refuses to write over an existing one.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        directory(parent)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| path.display().to_string())?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .with_context(|| path.display().to_string())
}

/// Makes a directory, and those above it, for the owner alone. An existing one is left as it is.
pub fn directory(path: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| path.display().to_string())
}

/// Whether anybody but the owner may do anything with the file or directory.
pub fn is_open_to_others(path: &Path) -> Result<bool> {
    let metadata = std::fs::metadata(path).with_context(|| path.display().to_string())?;
    Ok(metadata.permissions().mode() & 0o777 | 0o700 != 0o700)
}
