//! How the database is reached, and how long who waits for what.

use std::time::Duration;

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `sqlite://<path>` or `postgres://…`
    pub url: String,
    /// Connections at most: readers on SQLite; on PostgreSQL all of them, half for transactions and half for reading.
    pub connections: u32,
    pub limits: Limits,
}

/// Limits of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a PostgreSQL that does not answer is waited for when it is opened; not at all by default.
    pub start: Duration,
    /// For a free connection.
    pub acquire: Duration,
    /// One statement, on PostgreSQL.
    pub statement: Duration,
    /// For a lock that another transaction holds: of rows on PostgreSQL, of the file on SQLite.
    pub lock: Duration,
    /// A transaction in which nothing is asked, on PostgreSQL.
    pub idle: Duration,
    /// A connection that reads SQLite: with it goes what it has cached, so that a busy hour leaves no memory taken.
    pub reader: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: Duration::ZERO,
            acquire: Duration::from_secs(30),
            statement: Duration::from_secs(30),
            lock: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            reader: Duration::from_secs(20),
        }
    }
}

impl Settings {
    /// At this address, with what else is usual.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), connections: 16, limits: Limits::default() }
    }
}
