//! After something failed: nothing of it is kept, what is said to be kept is, and the next one is as good as new.

use statehouse_db::{
    Db, Error, Limits, Settings, Write,
    entity::site_setting as setting,
    sea_orm::{ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, Statement},
};
use std::time::Duration;
use testkit::TestDatabase;

use crate::fresh;

fn row(name: &str) -> setting::Model {
    crate::setting(name, "1")
}

async fn write(db: &Db, name: &str) -> Result<(), Error> {
    let tx = db.write().await?;
    tx.insert(row(name)).await?;
    tx.commit().await
}

async fn is_kept(db: &Db, name: &str) -> bool {
    setting::Entity::find_by_id(name.to_owned()).one(db.read()).await.unwrap().is_some()
}

/// What is written after a failure is kept, and only that.
async fn the_next_ones_are_kept(db: &Db) {
    let before = setting::Entity::find().count(db.read()).await.unwrap();
    for name in ["next-1", "next-2", "next-3"] {
        write(db, name).await.unwrap();
        assert!(is_kept(db, name).await, "{name} was said to be kept");
    }
    let after = setting::Entity::find().count(db.read()).await.unwrap();
    assert_eq!(after, before + 3);
}

/// The address of the same file or database, with limits of its own.
async fn opened(database: &TestDatabase, limits: Limits) -> Db {
    Db::open(&Settings { limits, ..database.settings() }).await.unwrap()
}

async fn number(connection: &impl ConnectionTrait, sql: &str) -> Result<i64, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await?.unwrap().try_get_by_index(0)
}

#[tokio::test]
async fn after_a_refused_row_a_transaction_neither_goes_on_nor_commits() {
    let (_database, db) = fresh().await;
    write(&db, "taken").await.unwrap();
    let tx = db.write().await.unwrap();
    tx.insert(row("before")).await.unwrap();
    assert!(matches!(tx.insert(row("taken")).await, Err(Error::Taken(_))));
    assert!(tx.insert(row("after")).await.is_err());
    assert!(setting::Entity::find().one(&*tx).await.is_err());
    assert!(tx.commit().await.is_err());
    assert!(!is_kept(&db, "before").await && !is_kept(&db, "after").await);
    the_next_ones_are_kept(&db).await;
}

#[tokio::test]
async fn a_begin_that_failed_spoils_nothing() {
    let database = TestDatabase::fresh().await;
    let db = database.open().await;
    if db.is_postgres() {
        // There a transaction begins at any time, but not without a connection.
        let limits = Limits { acquire: Duration::from_secs(2), ..Limits::default() };
        let narrow = Settings { connections: 2, limits, ..database.settings() };
        let other = Db::open(&narrow).await.unwrap();
        let held = other.write().await.unwrap();
        assert!(matches!(other.write().await, Err(Error::Unavailable { .. })));
        held.commit().await.unwrap();
        the_next_ones_are_kept(&db).await;
        return;
    }
    let other = opened(&database, Limits { lock: Duration::ZERO, ..Limits::default() }).await;
    let held = db.write().await.unwrap();
    for _ in 0..3 {
        assert!(matches!(other.write().await, Err(Error::Unavailable { .. })));
    }
    held.commit().await.unwrap();
    the_next_ones_are_kept(&other).await;
}

/// A commit that fails leaves the transaction open, on SQLite.
#[tokio::test]
async fn a_commit_that_failed_keeps_nothing_and_spoils_nothing() {
    let (_database, db) = fresh().await;
    let tx = db.write().await.unwrap();
    tx.execute_unprepared(
        "CREATE TABLE late (id INTEGER PRIMARY KEY, other INTEGER REFERENCES late (id) \
         DEFERRABLE INITIALLY DEFERRED)",
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    for round in ["first", "second"] {
        let tx = db.write().await.unwrap();
        tx.insert(row(round)).await.unwrap();
        tx.execute_unprepared("INSERT INTO late VALUES (1, 2)").await.unwrap();
        assert!(matches!(tx.commit().await, Err(Error::InUse(_))));
        assert!(!is_kept(&db, round).await);
    }
    the_next_ones_are_kept(&db).await;
    assert_eq!(number(db.read(), "SELECT COUNT(*) FROM late").await.unwrap(), 0);
}

/// SQLite ends a transaction by itself when the disk is full; whoever then goes on writes outside of any.
#[tokio::test]
async fn a_full_database_refuses_and_takes_again_when_there_is_room() {
    let (_database, db) = fresh().await;
    for round in ["first", "second", "third"] {
        let tx = db.write().await.unwrap();
        tx.insert(row(round)).await.unwrap();
        fill(&tx, db.is_postgres()).await;
        assert!(tx.insert(row("after")).await.is_err());
        assert!(tx.commit().await.is_err());
        assert!(!is_kept(&db, round).await && !is_kept(&db, "after").await);
        the_next_ones_are_kept_under(&db, round).await;
    }
}

async fn the_next_ones_are_kept_under(db: &Db, name: &str) {
    let name = format!("after-{name}");
    write(db, &name).await.unwrap();
    assert!(is_kept(db, &name).await);
}

async fn fill(tx: &Write, postgres: bool) {
    let filled = if postgres {
        // A cluster cannot be filled by one test; its answer is what counts.
        let raise = "DO $$ BEGIN RAISE 'no room' USING ERRCODE = 'disk_full'; END $$";
        tx.execute_unprepared(raise).await.map(drop)
    } else {
        let pages = number(&**tx, "PRAGMA page_count").await.unwrap();
        tx.execute_unprepared(&format!("PRAGMA max_page_count = {pages}")).await.unwrap();
        let big = crate::setting("big", "x".repeat(1 << 20));
        tx.insert(big).await.map(drop).map_err(|error| match error {
            Error::Unavailable { sentence, .. } => {
                assert!(sentence.contains("room"), "{sentence}");
                DbErr::Custom(sentence.into())
            }
            other => panic!("{other}"),
        })
    };
    assert!(filled.is_err());
}

#[tokio::test]
async fn a_rollback_that_failed_spoils_nothing() {
    let (_database, db) = fresh().await;
    for _ in 0..3 {
        let tx = db.write().await.unwrap();
        tx.insert(row("gone")).await.unwrap();
        // Somebody ends it underneath, as SQLite does when the disk is full, or an administrator.
        if db.is_postgres() {
            end_backends(&db).await;
        } else {
            tx.execute_unprepared("ROLLBACK").await.unwrap();
        }
        drop(tx);
        assert!(!is_kept(&db, "gone").await);
    }
    the_next_ones_are_kept(&db).await;
}

#[tokio::test]
async fn a_commit_of_what_has_ended_underneath_is_no_commit() {
    let (_database, db) = fresh().await;
    for _ in 0..3 {
        let tx = db.write().await.unwrap();
        tx.insert(row("gone")).await.unwrap();
        if db.is_postgres() {
            end_backends(&db).await;
        } else {
            tx.execute_unprepared("ROLLBACK").await.unwrap();
        }
        assert!(tx.commit().await.is_err());
        assert!(!is_kept(&db, "gone").await);
    }
    the_next_ones_are_kept(&db).await;
}

/// Ends all connections but the one that says so; on SQLite there are none to end.
async fn end_backends(db: &Db) {
    let others = "SELECT COUNT(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    number(db.read(), others).await.unwrap();
}

#[tokio::test]
async fn connections_that_were_ended_meanwhile_are_replaced_unseen() {
    let (_database, db) = fresh().await;
    if !db.is_postgres() {
        // A file hangs up on nobody; that nothing is lost with a connection is what the others show.
        return the_next_ones_are_kept(&db).await;
    }
    for _ in 0..3 {
        // As many as there are, all of them idle.
        futures::future::join_all((0..4).map(|_| number(db.read(), "SELECT 1"))).await;
        write(&db, "warm").await.ok();
        end_backends(&db).await;
        assert!(is_kept(&db, "warm").await);
        db.write().await.unwrap().commit().await.unwrap();
    }
    the_next_ones_are_kept(&db).await;
}

/// As an upgrade does, beneath connections that looked at the data before it, and beneath servers that go on.
#[tokio::test]
async fn what_was_prepared_before_a_column_changed_is_prepared_again() {
    let (_database, db) = fresh().await;
    write(&db, "warm").await.unwrap();
    for kind in ["TEXT COLLATE \"C\"", "VARCHAR(200)"] {
        let ask = || is_kept(&db, "warm");
        futures::future::join_all((0..4).map(|_| ask())).await;
        let in_transaction = db.write().await.unwrap();
        setting::Entity::find_by_id("warm".to_owned()).one(&*in_transaction).await.unwrap();
        in_transaction.commit().await.unwrap();
        if db.is_postgres() {
            // SQLite prepares again by itself, and changes no column.
            let change = format!("ALTER TABLE site_settings ALTER COLUMN \"value\" TYPE {kind}");
            db.read().execute_unprepared(&change).await.unwrap();
        }
        let found = futures::future::join_all((0..4).map(|_| ask())).await;
        assert_eq!(found, [true; 4]);
        // A transaction cannot be begun again unseen; whoever comes back gets through, once for each connection.
        let mut refused = 0;
        loop {
            let tx = db.write().await.unwrap();
            match setting::Entity::find_by_id("warm".to_owned())
                .one(&*tx)
                .await
                .map_err(Error::from)
            {
                Ok(found) => break assert!(found.is_some()),
                Err(error) => assert!(matches!(error, Error::Unavailable { .. }), "{error}"),
            }
            refused += 1;
            assert!(refused <= db.pools()[1].limit, "connections of no use are closed");
        }
    }
    the_next_ones_are_kept(&db).await;
}

/// A caller who goes away in the middle of a statement, as people do who close their laptop.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_off_in_the_middle_is_not_kept_and_spoils_nothing() {
    let (_database, db) = fresh().await;
    for steps in 0..40 {
        let writing = async {
            let tx = db.write().await.unwrap();
            for number in 0..5 {
                tx.insert(row(&format!("half-{steps}-{number}"))).await.unwrap();
            }
            // Never committed, so that whatever is found was kept by accident.
            std::future::pending::<()>().await;
        };
        // Dropped after so many wakings, wherever it then stands.
        let mut writing = Box::pin(writing);
        for _ in 0..steps {
            if futures::poll!(&mut writing).is_pending() {
                tokio::task::yield_now().await;
            }
        }
        drop(writing);
    }
    the_next_ones_are_kept(&db).await;
    assert_eq!(setting::Entity::find().count(db.read()).await.unwrap(), 3);
}
