//! A PostgreSQL behind a cable that can be cut. SQLite has no cable, and takes part where it can.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use statehouse_db::{
    Db, Error, Limits, Settings, entity::site_setting as setting, sea_orm::EntityTrait,
};
use testkit::{Cable, TestDatabase};

/// People are told within five seconds.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

async fn behind(cable: &Cable, database: &TestDatabase, start: Duration) -> Result<Db, Error> {
    let limits = Limits { start, ..Limits::default() };
    Db::open(&Settings { limits, ..cable.leads_to(database) }).await
}

async fn kept(db: &Db, name: &str) -> Result<bool, Error> {
    Ok(setting::Entity::find_by_id(name.to_owned()).one(db.read()).await?.is_some())
}

async fn write(db: &Db, name: &str) -> Result<(), Error> {
    let tx = db.write().await?;
    tx.insert(crate::setting(name, "")).await?;
    tx.commit().await
}

fn is_away<T: std::fmt::Debug>(answer: &Result<T, Error>, since: Instant) {
    assert!(matches!(answer, Err(Error::Unavailable { .. })), "{answer:?}");
    assert!(since.elapsed() < TOLD_WITHIN, "{:?}", since.elapsed());
}

/// Whoever commits is told that it failed, or that nobody knows.
fn is_not_done(answer: &Result<(), Error>, since: Instant) {
    assert!(matches!(answer, Err(Error::Unavailable { .. } | Error::InDoubt(_))), "{answer:?}");
    assert!(since.elapsed() < TOLD_WITHIN, "{:?}", since.elapsed());
}

#[tokio::test]
async fn a_database_that_hangs_is_said_to_be_away_and_comes_back() {
    let database = TestDatabase::fresh().await;
    let Some(cable) = Cable::to(&database).await else { return works_without(&database).await };
    let db = Arc::new(behind(&cable, &database, Duration::ZERO).await.unwrap());
    write(&db, "before").await.unwrap();
    let open = db.write().await.unwrap();
    for _ in 0..2 {
        cable.hold();
        let since = Instant::now();
        // More than there are connections: those who wait for one are told as well.
        let many = (0..16).map(|number| {
            let db = db.clone();
            async move {
                if number % 2 == 0 {
                    kept(&db, "before").await.map(drop)
                } else {
                    write(&db, "meanwhile").await
                }
            }
        });
        for answer in futures::future::join_all(many).await {
            is_away(&answer, since);
        }
        cable.mend();
        assert!(kept(&db, "before").await.unwrap());
    }
    // What was open all the while went on where the cable was mended.
    open.insert(crate::setting("open", "")).await.unwrap();
    open.commit().await.unwrap();
    assert!(kept(&db, "open").await.unwrap());
    write(&db, "after").await.unwrap();
}

#[tokio::test]
async fn a_database_that_refuses_is_said_to_be_away_and_comes_back() {
    let database = TestDatabase::fresh().await;
    let Some(cable) = Cable::to(&database).await else { return works_without(&database).await };
    let db = behind(&cable, &database, Duration::ZERO).await.unwrap();
    write(&db, "before").await.unwrap();
    let open = db.write().await.unwrap();
    cable.cut();
    let since = Instant::now();
    is_away(&kept(&db, "before").await, since);
    is_away(&write(&db, "meanwhile").await, Instant::now());
    is_not_done(&open.commit().await, Instant::now());
    cable.mend();
    assert!(kept(&db, "before").await.unwrap());
    assert!(!kept(&db, "meanwhile").await.unwrap());
    write(&db, "after").await.unwrap();
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_not_said_to_be_done() {
    let database = TestDatabase::fresh().await;
    let Some(cable) = Cable::to(&database).await else { return works_without(&database).await };
    let db = behind(&cable, &database, Duration::ZERO).await.unwrap();
    let tx = db.write().await.unwrap();
    tx.insert(crate::setting("perhaps", "")).await.unwrap();
    let changes = db.rights_changes();
    cable.cut_answers();
    is_not_done(&tx.commit().await, Instant::now());
    // Whoever keeps what was read looks again.
    assert_ne!(db.rights_changes(), changes);
    cable.mend();
    kept(&db, "perhaps").await.unwrap();
    write(&db, "after").await.unwrap();
}

#[tokio::test]
async fn a_start_waits_for_the_database_but_not_for_a_wrong_password() {
    let database = TestDatabase::fresh().await;
    let Some(cable) = Cable::to(&database).await else { return works_without(&database).await };
    cable.cut();
    let refused = behind(&cable, &database, Duration::ZERO).await.unwrap_err().to_string();
    assert!(refused.contains("cannot be reached"), "{refused}");
    let (opened, ()) = tokio::join!(behind(&cable, &database, Duration::from_mins(1)), async {
        cable.was_tried().await;
        cable.mend();
    });
    write(&opened.unwrap(), "after").await.unwrap();

    let mut settings = cable.leads_to(&database);
    settings.url.push_str("_that_is_not_there");
    settings.limits.start = Duration::from_hours(1);
    let refused = Db::open(&settings).await.unwrap_err().to_string();
    assert!(refused.contains("does not exist"), "{refused}");
}

/// As many as there are connections, of both kinds, at once.
async fn use_all(db: &Arc<Db>, name: &str) {
    let many = (0..16).map(|number| {
        let (db, name) = (db.clone(), format!("{name}-{number}"));
        async move {
            if number % 2 == 0 {
                kept(&db, "before").await.map(drop)
            } else {
                write(&db, &name).await
            }
        }
    });
    for answer in futures::future::join_all(many).await {
        answer.unwrap();
    }
}

#[tokio::test]
async fn a_network_that_forgot_all_connections_holds_nobody_up_where_the_database_is_there() {
    let database = TestDatabase::fresh().await;
    let Some(cable) = Cable::to(&database).await else { return works_without(&database).await };
    let db = Arc::new(behind(&cable, &database, Duration::ZERO).await.unwrap());
    write(&db, "before").await.unwrap();
    for round in 0..2 {
        use_all(&db, &format!("whole-{round}")).await;
        let (lost, read) = (db.write().await.unwrap(), db.write().await.unwrap());
        cable.lose();
        let since = Instant::now();
        lost.roll_back().await;
        use_all(&db, &format!("lost-{round}")).await;
        assert!(since.elapsed() < TOLD_WITHIN, "{:?}", since.elapsed());
        drop(read);
        // Nothing of it is left for those who come now, and no place in a pool is taken by what is lost.
        let since = Instant::now();
        use_all(&db, &format!("after-{round}")).await;
        assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    }
}

#[tokio::test]
async fn connections_that_nobody_answers_hold_up_no_end() {
    let database = TestDatabase::fresh().await;
    let Some(cable) = Cable::to(&database).await else { return works_without(&database).await };
    let db = Arc::new(behind(&cable, &database, Duration::ZERO).await.unwrap());
    write(&db, "before").await.unwrap();
    use_all(&db, "whole").await;
    let mut hints = db.hints();
    assert_eq!(hints.next().await, None);
    // Somebody is in the middle of something.
    let open = db.write().await.unwrap();
    cable.lose();
    cable.hold();
    let since = Instant::now();
    drop(hints);
    Arc::into_inner(db).unwrap().close().await;
    assert!(since.elapsed() < TOLD_WITHIN, "{:?}", since.elapsed());
    drop(open);
}

#[tokio::test]
async fn a_commit_that_holds_is_known_to_although_its_answer_was_lost() {
    let database = TestDatabase::fresh().await;
    let Some(cable) = Cable::to(&database).await else { return works_without(&database).await };
    let db = behind(&cable, &database, Duration::ZERO).await.unwrap();
    cable.cut_commits();
    for name in ["first", "second", "third"] {
        write(&db, name).await.unwrap();
        assert!(kept(&db, name).await.unwrap());
    }
    // What the database has refused is refused.
    let tx = db.write().await.unwrap();
    tx.insert(crate::setting("first", "again")).await.unwrap_err();
    tx.commit().await.unwrap_err();
}

#[tokio::test]
async fn a_transaction_whose_connection_was_lost_is_told_so_and_holds_nothing_up() {
    let database = TestDatabase::fresh().await;
    let Some(cable) = Cable::to(&database).await else { return works_without(&database).await };
    let db = behind(&cable, &database, Duration::ZERO).await.unwrap();
    write(&db, "row").await.unwrap();
    for step in ["statement", "commit"] {
        let tx = db.write().await.unwrap();
        tx.lock::<setting::Entity>("row".to_owned()).await.unwrap().unwrap();
        cable.lose();
        let since = Instant::now();
        match step {
            "statement" => is_away(&tx.insert(crate::setting("lost", "")).await, since),
            _ => is_not_done(&tx.commit().await, since),
        }
        // Nobody waits for what it had locked.
        let tx = db.write().await.unwrap();
        tx.lock::<setting::Entity>("row".to_owned()).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        assert!(since.elapsed() < TOLD_WITHIN, "{step}: {:?}", since.elapsed());
    }
    assert!(!kept(&db, "lost").await.unwrap());
}

#[tokio::test]
async fn a_transaction_that_only_takes_its_time_is_waited_for() {
    let database = TestDatabase::fresh().await;
    let Some(cable) = Cable::to(&database).await else { return works_without(&database).await };
    let db = Arc::new(behind(&cable, &database, Duration::ZERO).await.unwrap());
    write(&db, "row").await.unwrap();
    let first = db.write().await.unwrap();
    first.lock::<setting::Entity>("row".to_owned()).await.unwrap().unwrap();
    let second = db.write().await.unwrap();
    // Longer than anybody who is lost is waited for.
    let (locked, ()) = tokio::join!(second.lock::<setting::Entity>("row".to_owned()), async {
        tokio::time::sleep(Duration::from_millis(4500)).await;
        first.commit().await.unwrap();
    });
    assert!(locked.unwrap().is_some());
    second.commit().await.unwrap();
}

async fn works_without(database: &TestDatabase) {
    let db = database.open().await;
    write(&db, "a").await.unwrap();
    assert!(kept(&db, "a").await.unwrap());
}
