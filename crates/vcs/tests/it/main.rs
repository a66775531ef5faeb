//! The crate against real repositories, served as providers serve them.

mod git;
mod hostile;
mod kit;
