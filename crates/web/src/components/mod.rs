//! What pages are built from: each part is a function or a type with typed arguments, and knows no noun but what it
//! draws.

mod act;
mod badge;
mod button;
mod code;
mod controls;
mod difference;
mod header;
mod icon;
mod log;
mod notice;
mod pager;
mod panel;
mod search;
mod sheet;
mod status;
mod table;
mod tabs;
mod time;

pub use act::{act, act_class, act_word, counted, said, tally};
pub use badge::{Tone, badge};
pub use button::{Button, Look, action, hidden, link_button};
pub use code::{code_block, copy_id};
pub use controls::{
    About, Card, Cards, Check, Choice, Control, Kind, Lines, Number, Secret, SecretArea, Select,
    Text, TextArea,
};
pub use difference::{Columns, difference, marked, value};
pub use header::{Crumb, Header, bytes, count, grouped};
pub use icon::{Icon, icon, icon_small, mark, twist};
pub use log::{live_fragment, live_stream, log_viewer};
pub use notice::Notice;
pub use pager::Pager;
pub use panel::{Panel, facts, stacked_facts};
pub use search::Search;
pub use sheet::Sheet;
pub use status::{Size, run_icon, run_meaning, run_status, run_tone, run_word};
pub use table::{Head, Table, empty};
pub use tabs::{Tab, subnav, tabs};
pub use time::{duration, time};
