//! What can go wrong with blobs.

use crate::{LogId, Name, held::Away};
use std::{error::Error as StdError, io, path::PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("blob {0} does not exist")]
    NotFound(Name),
    #[error("the content is larger than the {limit} bytes allowed")]
    TooLarge { limit: u64 },
    /// Bytes are missing between the end of the log and the batch: send them from `length` on.
    #[error("log {log} ends at byte {length}, a batch for byte {offset} does not follow on it")]
    Gap { log: LogId, offset: u64, length: u64 },
    /// Other writers were faster too many times in a row.
    #[error("log {0} is being changed by others")]
    Busy(LogId),
    /// The content on its way in broke off; nothing of it is kept.
    #[error("the content could not be read to its end")]
    Content(#[source] Box<dyn StdError + Send + Sync>),
    /// The stored bytes were changed, cut, swapped, or sealed under a key that is not here.
    #[error("blob {name} cannot be opened")]
    Sealed { name: Name, source: crypto::Error },
    #[error("the blob store failed on {name}")]
    Store { name: String, source: object_store::Error },
    #[error("the blob folder {} failed", path.display())]
    Folder { path: PathBuf, source: io::Error },
    /// What was stored is not what was given.
    #[error("blob {0} was stored as something else")]
    Changed(Name),
    #[error("{0:?} cannot be part of a blob name: allowed are 1 to 128 of A-Z a-z 0-9 _ -")]
    Name(String),
    /// What tells whose blobs these are cannot be understood.
    #[error("the file \"installation\" beside the blobs does not say whose they are")]
    Mark,
    #[error("the blob address {0}; allowed is file:///absolute/path")]
    Address(String),
}

impl Error {
    /// Whether there may be room in a while.
    pub fn is_full(&self) -> bool {
        self.causes().any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| is_full(error.kind()))
        })
    }

    /// Whether the folder of the blobs is not where it was opened.
    pub fn is_away(&self) -> bool {
        self.causes().any(<dyn StdError>::is::<Away>)
    }

    fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let first: &(dyn StdError + 'static) = self;
        std::iter::successors(Some(first), |error| (*error).source())
    }
}

fn is_full(kind: io::ErrorKind) -> bool {
    use io::ErrorKind as Kind;
    matches!(kind, Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge)
}
