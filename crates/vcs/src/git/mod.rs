//! Repositories, by the program `git`, which is run like a tool of an enemy: what it is told comes from validated names,
//! what it may reach is decided before it starts, and it ends by its time and size.
//!
//! There is one bare cache for each repository, with all histories that were asked for and, until an archive is made,
//! without what is in the files. Nothing here keeps a secret: who asks brings it along, in a [`Remote`].

mod address;
mod archive;
mod cache;
mod command;
mod error;
mod history;
mod home;
mod links;
mod pack;
mod ssh_key;
mod start;
mod submodules;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use address::{Access, Address, Reach, Remote, SshKey};
pub use archive::{Packed, Wishes};
pub use cache::{Repository, Wanted};
pub use error::GitError;
pub use history::{Changes, Commit};
pub use start::{Order, Plain, Start};

/// How `git` is started here, and what it may take. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Git {
    settings: Arc<Settings>,
}

#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the caches are, and for as long as a program runs its home. An absolute path, ours alone.
    pub root: PathBuf,
    /// The program.
    pub git: PathBuf,
    /// Certificates of authorities beside those of the system, as PEM.
    pub authorities: Option<PathBuf>,
    pub start: Arc<dyn Start>,
    pub reach: Arc<dyn Reach>,
    pub limits: Limits,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For one program.
    pub patience: Duration,
    /// Bytes that one fetch may add to a cache, as they are sent.
    pub fetched_bytes: u64,
    /// Bytes of all files of an archive, unpacked.
    pub archive_bytes: u64,
    /// Files of an archive, and names in a list of what has changed.
    pub files: usize,
    /// How many repositories may be inside of one, and how deep.
    pub submodules: usize,
    pub submodule_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            patience: Duration::from_mins(10),
            fetched_bytes: 4 << 30,
            archive_bytes: 1 << 30,
            files: 200_000,
            submodules: 100,
            submodule_depth: 5,
        }
    }
}

impl Git {
    pub fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings) }
    }

    /// A folder of its own, beside the caches, for what is made of them.
    pub fn scratch(&self) -> std::io::Result<tempfile::TempDir> {
        let folder = self.settings.root.join("scratch");
        std::fs::create_dir_all(&folder)?;
        tempfile::tempdir_in(folder)
    }
}
