//! A whole server inside a test, with a fresh database, blobs in memory and users as values.
//!
//! ```ignore
//! let server = Server::start().await;
//! let ws = server.workspace("networking").await;
//! let path = format!("/workspaces/{}/actions/lock", ws.id);
//! server.reader(&ws).post(&path, ()).await.is_not_found();
//! server.owner().post(&path, ()).await.is_ok();
//! ```
//!
//! Runs on SQLite, or on PostgreSQL where `STATEHOUSE_TEST_DATABASE_URL=postgres://…/` names a cluster in which
//! databases may be made. With `STATEHOUSE_TEST_SERVERS=2` a second server on the same database does all that nobody has
//! asked for.

pub mod access;
mod answer;
mod cable;
mod client;
pub mod contract;
mod database;
mod left;
mod people;
mod server;
mod servers;
mod snapshot;
mod stored;
pub mod world;

pub use answer::Answer;
/// For the tests of surfaces that are served beside it.
pub use api;
pub use blobs::Kind as Blob;
pub use cable::Cable;
pub use client::Client;
pub use courier;
pub use database::TestDatabase;
pub use db::sea_orm;
pub use server::{Options, Server};
pub use servers::Working;
pub use snapshot::Snapshot;
/// Providers of repositories.
pub use vcs_fake;
