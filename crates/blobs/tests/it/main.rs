//! Blobs as the rest of the house sees them, in memory and in a folder.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod away;
mod content;
mod damage;
mod logs;
mod marks;

use bytes::Bytes;
use crypto::Keyring;
use statehouse_blobs::{Blobs, Error, Kind, Name};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A folder of blobs that goes away with the test, and its keys.
struct Folder {
    folder: tempfile::TempDir,
    keyring: Keyring,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), keyring: Keyring::generate() }
    }

    /// A server with these blobs: each call is another process to the others.
    fn server(&self) -> Blobs {
        self.server_with(self.keyring.clone())
    }

    fn server_with(&self, keyring: Keyring) -> Blobs {
        Blobs::directory(self.folder.path(), keyring).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The files below a folder, by name, unfinished ones included.
    fn files(&self, folder: &str) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.folder.path().join(folder)).into_iter().flatten() {
            let entry = entry.unwrap();
            let name = format!("{folder}/{}", entry.file_name().display());
            if entry.file_type().unwrap().is_dir() {
                names.extend(self.files(&name));
            } else {
                names.push(name);
            }
        }
        names.sort();
        names
    }
}

fn state(id: &str) -> Name {
    Name::new(Kind::State, id).unwrap()
}

/// Bytes that differ from place to place.
fn content(len: usize) -> Bytes {
    (0..len).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

fn is_tampered<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Sealed { .. }))
}

fn edit(path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    edit(&mut bytes);
    fs::write(path, bytes).unwrap();
}
