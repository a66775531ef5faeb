//! Caches of provider plugins: one per slot, because engines do not lock theirs.
//!
//! `init` writes into its cache while other engines may execute what lies there. So each slot of
//! each agent has a cache of its own, and each organization in it, so that no run can plant a
//! plugin for a stranger's.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::workplace::private_folder;

/// The right to use one cache, held until the process ends.
pub(crate) struct Plugins {
    folder: PathBuf,
    _lock: File,
}

impl Plugins {
    /// Takes the first `count` caches that no other agent uses.
    pub fn take(cache: &Path, count: usize) -> io::Result<Vec<Self>> {
        let root = cache.join("plugins");
        private_folder(&root)?;
        let mut taken = Vec::new();
        for number in 0.. {
            if taken.len() == count {
                break;
            }
            let lock = File::create(root.join(format!("{number}.lock")))?;
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    let folder = root.join(number.to_string());
                    taken.push(Self { folder, _lock: lock });
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(taken)
    }

    /// The cache for runs of one organization.
    pub fn of(&self, organization: &str) -> io::Result<PathBuf> {
        let folder = self.folder.join(organization);
        private_folder(&folder)?;
        Ok(folder)
    }
}
