//! Who a run is towards others: this server vouches for it by a signed token, which clouds check with the keys that are
//! published here, so that no run needs a stored key of theirs.

mod keys;
mod token;

pub use keys::{Key, published, rotate, trim};
pub(crate) use token::{Workload, tokens};
