//! Caches of provider plugins: one per slot, because engines do not lock theirs.
//!
//! `init` writes into its cache while other engines may execute what lies there. So each slot of
//! each agent has a cache of its own, and each organization in it, so that no run can plant a
//! plugin for a stranger's. Only `init` can write there (`reach`).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use protocol::{EngineKind, Job, VariableKind};
use rustix::fs::{FlockOperation, flock};
use semver::Version;

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

    /// The cache for a job: that of its organization, or that of its workspace alone where the
    /// engine would use what lies there without a look at its checksum.
    pub fn of(&self, job: &Job) -> io::Result<PathBuf> {
        let folder = self.folder.join(name(job));
        private_folder(&folder)?;
        Ok(folder)
    }
}

/// A configuration can bring providers under any name (`terraform.d/plugins`), and so put them into
/// the cache that its `init` works with.
fn name(job: &Job) -> String {
    let (organization, workspace) = (&job.organization, &job.workspace);
    // A dot is in neither name.
    if trusts_its_cache(job) { format!("{organization}.{workspace}") } else { organization.clone() }
}

/// Since 1.4 Terraform takes from its cache only what the lock file has the checksum of, unless it
/// is told otherwise:
/// <https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache>
fn trusts_its_cache(job: &Job) -> bool {
    let old = job.engine.kind == EngineKind::Terraform
        && Version::parse(&job.engine.version).is_ok_and(|it| (it.major, it.minor) < (1, 4));
    let told = job.variables.iter().any(|variable| {
        variable.kind == VariableKind::Environment
            && variable.key == "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"
    });
    old || told
}
