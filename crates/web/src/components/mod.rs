//! What pages are built from: each component is a function with typed arguments.

mod badge;
mod button;
mod field;
mod header;
mod layout;
mod log;
mod notice;
mod pager;
mod table;
mod time;

pub use badge::{Tone, badge, run_status};
pub use button::{Button, Look, action, hidden};
pub use field::Field;
pub use header::{Crumb, page_header};
pub use layout::{error_page, page, signed_out_page};
pub use log::{live_fragment, log_viewer};
pub use notice::notice;
pub use pager::Pager;
pub use table::{Table, empty};
pub use time::time;
