//! Backups: one file with all rows as of one moment and the blobs that they name, written while the server serves, and
//! the way back into an empty place, on either database.
//!
//! The keys are not in it. Blobs are copied sealed; rows are as in the database, with what is secret sealed in them.

mod archive;
mod restore;
mod restored;
mod write;

use crypto::KeyMark;
use db::dump::Table;
use serde::{Deserialize, Serialize};

pub use restore::{Changed, Restored, Target, check, restore};
pub use write::{Source, Summary, all_of, write};

/// Of the file's form; another one is refused.
const FORMAT: u32 = 1;
const HEADER: &str = "statehouse-backup.json";
const END: &str = "end.json";
const ROWS: &str = "rows/";
const BLOBS: &str = "blobs/";

/// What a backup says of itself before anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub format: u32,
    /// Of the program that wrote it.
    pub version: String,
    /// The id of the installation.
    pub installation: String,
    /// RFC 3339.
    pub created_at: String,
    keys: Vec<Key>,
    migrations: Vec<i64>,
    tables: Vec<Table>,
}

/// The mark of a key that has sealed something in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    id: String,
    fingerprint: String,
}

impl Header {
    /// The marks of the keys that a restore needs.
    pub fn keys(&self) -> Vec<KeyMark> {
        let mark = |key: &Key| KeyMark { id: key.id.clone(), fingerprint: key.fingerprint.clone() };
        self.keys.iter().map(mark).collect()
    }
}

/// What a backup says last: without it, the file is not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub rows: u64,
    pub blobs: u64,
    /// Blobs that rows name and that were not there.
    pub missing: Vec<String>,
    /// What was damaged, and why: the database, or blobs, which are left out.
    #[serde(default)]
    pub damaged: Vec<String>,
    entries: u64,
    /// SHA-256 over the names and contents of all that comes before.
    digest: String,
}

/// What a backup has not.
#[derive(Debug, Default)]
struct Lack {
    missing: Vec<String>,
    damaged: Vec<String>,
}

impl Lack {
    fn is_nothing(&self) -> bool {
        self.missing.is_empty() && self.damaged.is_empty()
    }
}

/// How far a long piece of work is.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What is being done, for people.
    pub what: &'static str,
    pub done: u64,
    /// Bytes so far; 0 where nobody counts them.
    pub bytes: u64,
}

/// Told of each step; must not take long.
pub type Progress = dyn Fn(Step) + Send + Sync;
