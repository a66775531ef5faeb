//! What stands beside a commit at its provider, and below its pull request: how the runs of it are going. Said only where something has changed, in
//! order, by one of all servers.

mod comment;
mod outlook;
mod reader;
mod summary;
mod work;

pub(crate) use reader::{READER, untriggered};
pub use work::work;
