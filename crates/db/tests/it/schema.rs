//! The schema of a database and that of the program.

use statehouse_db::{Db, Error, Schema, sea_orm::ConnectionTrait};
use testkit::TestDatabase;

use crate::settings;

#[tokio::test]
async fn an_empty_database_is_brought_up_to_date() {
    let database = TestDatabase::empty().await;
    let db = database.open().await;
    settings(&db, [("a".to_owned(), "1".to_owned())]).await;
    db.close().await;
    // Once more, with nothing left to do.
    database.open().await.close().await;
}

#[tokio::test]
async fn a_schema_from_a_newer_program_is_refused() {
    let database = TestDatabase::fresh().await;
    let db = database.open().await;
    let tx = db.write().await.unwrap();
    tx.execute_unprepared(
        "UPDATE _sqlx_migrations SET version = 9999 \
         WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    match Db::open(&database.settings()).await {
        Err(Error::Settings(why)) => {
            assert!(why.contains("9999") && why.contains("newer"), "{why}");
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[tokio::test]
async fn an_address_that_is_not_understood_is_refused() {
    for url in ["mysql://localhost/x", "", "postgres"] {
        let settings = statehouse_db::Settings::at(url);
        assert!(matches!(Db::open(&settings).await, Err(Error::Settings(_))), "{url}");
    }
}

#[tokio::test]
async fn a_schema_is_told_without_being_changed() {
    let database = TestDatabase::empty().await;
    let db = Db::connect(&database.settings()).await.unwrap();
    assert_eq!(db.schema().await.unwrap(), Schema::Absent);
    db.migrate().await.unwrap();
    assert_eq!(db.schema().await.unwrap(), Schema::Current);
    db.check_integrity().await.unwrap();
    for (change, expected) in [
        ("DELETE FROM _sqlx_migrations WHERE version = 25", Ok(Schema::Older(1))),
        ("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 12", Err("9999")),
        ("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 11", Err("11")),
    ] {
        let tx = db.write().await.unwrap();
        tx.execute_unprepared(change).await.unwrap();
        tx.commit().await.unwrap();
        match (db.schema().await, expected) {
            (Ok(schema), Ok(expected)) => assert_eq!(schema, expected),
            (Err(Error::Settings(why)), Err(part)) => assert!(why.contains(part), "{why}"),
            (other, _) => panic!("{change}: {other:?}"),
        }
    }
}
