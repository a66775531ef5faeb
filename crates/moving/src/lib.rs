//! Moving in and out: an organization from one server to another, and the files that name them.
//!
//! An [`inventory`] says what an organization consists of, by names. It is read from a server ([`read`]), compared
//! ([`compare`]) and made on another server ([`apply`]); which kinds of things there are is a table ([`kinds`]).

pub mod apply;
pub mod client;
pub mod compare;
pub mod folder;
pub mod gather;
pub mod inventory;
pub mod kinds;
mod links;
mod make;
pub mod plan;
pub mod read;
pub mod rewrite;
mod shape;
pub mod source;
pub mod states;
mod steps;
mod workspaces;

pub use steps::{Step, Steps};
