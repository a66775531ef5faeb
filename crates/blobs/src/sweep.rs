//! What a killed process leaves in a blob folder: files that were never finished.

use crate::{Blobs, Error, Kind, Result};
use futures::TryStreamExt;
use object_store::ObjectStore;
use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

impl Blobs {
    /// Ids of the blobs of a kind that were written at least `age` ago.
    pub async fn older_than(&self, kind: Kind, age: Duration) -> Result<Vec<String>> {
        let folder = object_store::path::Path::from(kind.folder());
        let listed = self.store.list(Some(&folder)).try_filter_map(|meta| async move {
            let is_old = is_idle(meta.last_modified.into(), age);
            Ok(is_old.then(|| meta.location.filename().map(str::to_owned)).flatten())
        });
        listed
            .try_collect()
            .await
            .map_err(|source| Error::Store { name: kind.folder().to_owned(), source })
    }

    /// Removes unfinished files that nobody has written to for `idle`, and folders that became
    /// empty, and tells how many files those were. Unfinished files are never read, so this only
    /// saves space. Other stores have their own rules for unfinished uploads.
    pub async fn sweep_unfinished(&self, idle: Duration) -> Result<u64> {
        let Some(root) = self.root.clone() else { return Ok(0) };
        let path = root.path().to_owned();
        tokio::task::spawn_blocking(move || sweep(root.path(), idle))
            .await
            .map_err(io::Error::other)
            .flatten()
            .map_err(|source| Error::Folder { path, source })
    }
}

fn sweep(folder: &Path, idle: Duration) -> io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // Others write and delete here at the same time: what has gone meanwhile is no failure.
        let Some(metadata) = gone_is_fine(entry.metadata())? else { continue };
        if metadata.is_dir() {
            removed += gone_is_fine(sweep(&path, idle))?.unwrap_or_default();
            // Fails for a folder in use, which is what keeps those.
            let _ = fs::remove_dir(&path);
        } else if is_unfinished(&path) && is_idle(metadata.modified()?, idle) {
            removed += u64::from(gone_is_fine(fs::remove_file(&path))?.is_some());
        }
    }
    Ok(removed)
}

/// `LocalFileSystem` writes to `<name>#<number>` and renames; no name of ours has a `#`.
fn is_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().contains(&b'#'))
}

fn is_idle(modified: SystemTime, idle: Duration) -> bool {
    modified.elapsed().is_ok_and(|elapsed| elapsed >= idle)
}

fn gone_is_fine<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
