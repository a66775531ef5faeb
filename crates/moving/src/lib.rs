//! Moving in and out: an organization from one server to another, and the files that name them.

pub mod rewrite;
