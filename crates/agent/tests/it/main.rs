//! The agent with a real engine, against a server that exists in memory only.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod applies;
mod archives;
mod bench;
mod engines;
mod environment;
mod full_disks;
mod identity;
mod limits;
mod logs;
mod lost_states;
mod overwritten_states;
mod plans;
mod quotes;
mod recovery;
mod server;
mod spare_states;
mod starts;
mod undelivered;
mod vanished_places;
