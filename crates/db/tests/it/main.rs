//! The same answers from SQLite and from PostgreSQL: each is compared with what plain Rust says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod dump;
mod events;
mod failures;
mod gone;
mod lists;
mod place;
mod readers;
mod rights;
mod schema;
mod text;
mod transactions;

use statehouse_db::{Db, entity::site_setting::Model as Setting};
use testkit::TestDatabase;

fn setting(name: impl Into<String>, value: impl Into<String>) -> Setting {
    Setting { name: name.into(), value: value.into(), changed_at: None, changed_by: None }
}

/// Names and values are free texts, which is all that these tests want of a table.
async fn settings(db: &Db, rows: impl IntoIterator<Item = (String, String)>) {
    let rows = rows.into_iter().map(|(name, value)| setting(name, value)).collect();
    let tx = db.write().await.unwrap();
    statehouse_db::insert_many(&tx, rows).await.unwrap();
    tx.commit().await.unwrap();
}

async fn fresh() -> (TestDatabase, Db) {
    let database = TestDatabase::fresh().await;
    let db = database.open().await;
    (database, db)
}
