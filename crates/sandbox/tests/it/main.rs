//! Programs that try to get out, and programs that only want to work.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod attempts;
mod cell;
mod computing;
mod files;
mod keeping;
mod layers;
mod work;
