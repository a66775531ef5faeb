//! Blobs outside the database: configurations, states, plans and logs, sealed before they leave
//! the process.
//!
//! What is written is there after a crash or a power cut once the call has returned; what was
//! not finished is not there at all. Each blob is sealed under its own key and its own name (see
//! `crypto`), so the storage can neither read it, nor change it, nor exchange it for another.

mod error;
mod health;
mod held;
mod logs;
mod mark;
mod measured;
mod name;
mod read;
mod sealed_bytes;
mod store;
mod sweep;
mod usage;
mod write;

pub use error::{Error, Result};
pub use logs::LogId;
pub use mark::Mark;
pub use name::{Kind, Name};
pub use sealed_bytes::{Place, Receiving, Sealed};
pub use store::Blobs;
pub use usage::{Room, Usage};
pub use write::Written;
