//! Tests that have nothing to show on one of the databases: the summary of all tests names them.

use std::{fs::File, io::Write as _, thread};

use crate::TestDatabase;

/// Names the file to which tests add what they do not show.
const VARIABLE: &str = "STATEHOUSE_TEST_UNSHOWN";

impl TestDatabase {
    /// Whether this test is left to PostgreSQL, as there is nothing of it on SQLite, for this reason.
    pub fn is_left_to_postgres(why: &str) -> bool {
        !Self::is_postgres() && said("SQLite", why)
    }

    /// Whether this test is left to SQLite, as there is nothing of it on PostgreSQL, for this reason.
    pub fn is_left_to_sqlite(why: &str) -> bool {
        Self::is_postgres() && said("PostgreSQL", why)
    }
}

fn said(database: &str, why: &str) -> bool {
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("{name} on {database}: {why}");
    if let Some(path) = std::env::var_os(VARIABLE) {
        let file = File::options().append(true).create(true).open(path);
        writeln!(file.expect("it is there to be added to"), "{line}").expect("a line fits");
    }
    eprintln!("not shown: {line}");
    true
}
