//! How much is kept, and how much more there is room for.

use crate::{Blobs, Error, Result};
use futures::TryStreamExt;
use object_store::ObjectStore;
use std::{collections::BTreeMap, io};

/// Blobs of one folder of the store, as they lie there: sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Of a kind of blob, or of logs.
    pub folder: String,
    pub count: u64,
    pub bytes: u64,
}

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pub free: u64,
    pub total: u64,
}

impl Blobs {
    /// What there is in each folder. Everything is listed, and nothing read.
    pub async fn usage(&self) -> Result<Vec<Usage>> {
        let counted = BTreeMap::<String, Usage>::new();
        let count = async |mut all: BTreeMap<String, Usage>, meta: object_store::ObjectMeta| {
            let mut parts = meta.location.parts();
            // What lies beside the folders belongs to the store itself: its mark.
            if let (Some(first), Some(_)) = (parts.next(), parts.next()) {
                let folder = first.as_ref().to_owned();
                let fresh = || Usage { folder: folder.clone(), count: 0, bytes: 0 };
                let usage = all.entry(folder.clone()).or_insert_with(fresh);
                usage.count += 1;
                usage.bytes += meta.size;
            }
            Ok(all)
        };
        let counted = self.store.list(None).try_fold(counted, count).await;
        let counted =
            counted.map_err(|source| Error::Store { name: "everything".to_owned(), source })?;
        Ok(counted.into_values().collect())
    }

    /// Of the file system of a store that is a folder; others have no end, or do not tell.
    pub async fn room(&self) -> Result<Option<Room>> {
        let Some(root) = self.root.clone() else { return Ok(None) };
        let path = root.path().to_owned();
        // Off the async threads: a file system over a network may hang.
        let looked = tokio::task::spawn_blocking(move || Ok(rustix::fs::statvfs(root.path())?));
        let looked = looked.await.map_err(io::Error::other).flatten();
        let looked = looked.map_err(|source| Error::Folder { path, source })?;
        Ok(Some(Room {
            free: looked.f_bavail * looked.f_frsize,
            total: looked.f_blocks * looked.f_frsize,
        }))
    }
}
