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
    /// What is closed, without links, and without what lies in something closed: behind the
    /// outermost there is nothing left to close.
    pub(crate) fn closed(&self) -> Vec<PathBuf> {
        let own = system::CLOSED.iter().map(PathBuf::from);
        let all = self.closed.iter().cloned().chain(own);
        let mut all: Vec<PathBuf> = all.filter_map(|path| path.canonicalize().ok()).collect();
        // A folder sorts before what lies in it.
        all.sort();
        let mut outermost: Vec<PathBuf> = Vec::new();
        for path in all {
            if !outermost.last().is_some_and(|last| path.starts_with(last)) {
                outermost.push(path);
            }
        }
        outermost
    }

    /// The system's files and those for every program, but for what lies in something closed and
    /// what would stand in the place of something that each program has of its own.
    pub(crate) fn common(&self, closed: &[PathBuf]) -> Vec<PathBuf> {
        let system = system::READABLE.iter().map(PathBuf::from);
        let shown = |path: &PathBuf| path.canonicalize().is_ok_and(|real| is_shown(&real, closed));
        system.chain(self.shared.iter().cloned()).filter(shown).collect()
    }

    /// Those of `shared` that exist and are not shown all the same.
    pub fn withheld(&self) -> Vec<&Path> {
        let closed = self.closed();
        let real = |path: &&PathBuf| path.canonicalize().is_ok_and(|it| !is_shown(&it, &closed));
        self.shared.iter().filter(real).map(PathBuf::as_path).collect()
    }
}

/// Of a path without links.
fn is_shown(path: &Path, closed: &[PathBuf]) -> bool {
    let private = system::PRIVATE.iter().any(|own| Path::new(own).starts_with(path));
    !private && !within(path, closed)
}

/// Whether a path is one of these or lies in one.
pub(crate) fn within(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}
