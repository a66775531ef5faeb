//! The workspace as files: where it is, which files belong to it, what its manifests say.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;

use crate::commands::{command, output};

/// The folder of the root manifest.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies one folder below the root")
}

/// What the chores keep between runs; never committed.
pub fn cache() -> PathBuf {
    root().join(".cache")
}

/// All files of the project, committed or about to be, relative to the root.
pub async fn files() -> Result<Vec<PathBuf>> {
    let mut git = command("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = output(&mut git).await.context("the list of files comes from git")?;
    let files = listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    // A file that is listed but gone is a deletion not committed yet.
    Ok(files.filter(|file| root().join(file).is_file()).collect())
}

/// Copies all files of the project into a folder.
pub async fn copy_to(folder: &Path) -> Result<()> {
    for path in files().await? {
        let to = folder.join(&path);
        std::fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
        std::fs::copy(root().join(&path), to)
            .with_context(|| format!("cannot copy {}", path.display()))?;
    }
    Ok(())
}

/// A TOML file below the root.
pub fn toml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let full = root().join(path);
    let text = std::fs::read_to_string(&full)
        .with_context(|| format!("cannot read {}", full.display()))?;
    ::toml::from_str(&text).with_context(|| format!("{} is not what it should be", path.display()))
}
