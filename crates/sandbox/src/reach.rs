//! What one program reaches beside the system's own files.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::system;

/// Absolute paths; what does not exist is nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reach {
    /// Readable for every program, as far as it is not closed.
    pub shared: Vec<PathBuf>,
    /// Never to be seen, with everything below, even where `shared` or the system's list would
    /// show it.
    pub closed: Vec<PathBuf>,
    /// This program's own to read, whatever is closed.
    pub readable: Vec<PathBuf>,
    /// This program's own to write.
    pub writable: Vec<PathBuf>,
    /// A writable folder of the program's own that stands for `/tmp` and `/var/tmp`.
    pub tmp: PathBuf,
}

impl Reach {
    /// What is closed, without links.
    pub(crate) fn closed(&self) -> Vec<PathBuf> {
        let own = system::CLOSED.iter().map(PathBuf::from);
        let all = self.closed.iter().cloned().chain(own);
        all.filter_map(|path| path.canonicalize().ok()).collect()
    }

    /// The system's files and those for every program, but for what lies in something closed.
    pub(crate) fn common(&self, closed: &[PathBuf]) -> Vec<PathBuf> {
        let system = system::READABLE.iter().map(PathBuf::from);
        let open = |path: &PathBuf| path.canonicalize().is_ok_and(|real| !within(&real, closed));
        system.chain(self.shared.iter().cloned()).filter(open).collect()
    }
}

/// Whether a path is one of these or lies in one.
pub(crate) fn within(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}
