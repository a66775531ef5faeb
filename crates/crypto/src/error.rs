//! What can go wrong with keys and sealed things; no message carries a secret.

use std::{io, path::PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key file cannot be read, written or made durable.
    #[error("key file {} cannot be read or created", path.display())]
    KeyFileIo { path: PathBuf, source: io::Error },
    /// The key file as a whole is unusable: open to others, empty, not a file.
    #[error("key file {}: {problem}", path.display())]
    KeyFile { path: PathBuf, problem: String },
    /// One line (counted from 1) of the key file is not `<key id>:<base64 of 32 bytes>`.
    #[error("key file {}, line {line}: {problem}", path.display())]
    KeyFileLine { path: PathBuf, line: usize, problem: String },
    /// Sealed or signed under a key that is no longer in the key file.
    #[error("key {0:?} is not in the key file")]
    UnknownKey(String),
    /// Not something this crate sealed, or cut short.
    #[error("not sealed data: {0}")]
    Malformed(&'static str),
    /// The content, its place (column and row, or blob name) or its order was changed, or a key
    /// with the right id but different bytes was used.
    #[error("sealed data does not match its key and its place")]
    Tampered,
    /// A stream of more than 2³² chunks (256 TiB).
    #[error("too much data for one blob")]
    TooLong,
    /// The signature is missing, wrong, or made for another purpose.
    #[error("the signature is not valid")]
    BadSignature,
    /// The signature is right and its time is over.
    #[error("the signature has expired")]
    Expired,
    /// The operating system gives no random bytes.
    #[error("no randomness")]
    Randomness,
    /// A stored password hash cannot be read or a new one cannot be computed.
    #[error("password hash: {0}")]
    Password(argon2::password_hash::Error),
}
