//! Starts programs that others wrote so that they reach what they need and nothing else.
//!
//! A program is started by an [`Order`], which our own executable reads as its subcommand
//! `engine-exec` ([`exec`]). Two processes of ours carry it out, because some layers hold only for
//! the children of who asks for them:
//!
//! * `outside` keeps the program: it follows the agent, passes signals on, and ends only when
//!   everything that the program started has ended (`keeper`).
//! * `inside` takes away step by step, then starts the program: a file system of its own (`view`,
//!   what `system` and the order's [`Reach`] list), no capabilities (`privileges`), Landlock
//!   (`fence`), a filter of system calls (`calls`).
//!
//! Work of our own that needs no other program closes itself in instead ([`only_compute`]).
//!
//! A [`Group`] lets the kernel count what all of a program's processes use together, where it does.
//!
//! Which of these layers this machine has is tried out once, by [`survey`]; an order then gets all
//! of the layers that it names, or does not start.

mod calls;
mod computing;
mod fence;
mod group;
mod inside;
mod keeper;
mod layers;
mod order;
mod outside;
mod privileges;
mod reach;
mod system;
mod view;

pub use computing::only_compute;
pub use group::{Ceilings, Group, Groups};
pub use keeper::kill;
pub use layers::{Layer, Layers, Line, Survey, survey};
pub use order::{Limits, Order, exec};
pub use reach::Reach;
