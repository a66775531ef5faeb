//! Numbers of events: whoever reads in their order misses none.

use std::collections::BTreeSet;

use statehouse_db::{
    Db, Json, Timestamp, Write,
    entity::event::{self, Happened},
    id::EventId,
    sea_orm::{
        ActiveValue::{NotSet, Set},
        ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
    },
};
use testkit::TestDatabase;

use crate::fresh;

async fn tell(tx: &Write) -> EventId {
    let id = EventId::fresh();
    let event = event::ActiveModel {
        id: Set(id.clone()),
        number: NotSet,
        at: Set(Timestamp(0)),
        action: Set(Happened::SignedIn),
        actor_kind: Set("system".into()),
        actor_id: Set(None),
        impersonator_id: Set(None),
        token_id: Set(None),
        address: Set(None),
        request_id: Set(None),
        organization_name: Set(None),
        workspace_id: Set(None),
        run_id: Set(None),
        resource_type: Set("users".into()),
        resource_id: Set("user-1".into()),
        detail: Set(Json::default()),
    };
    tx.tell(event).await.unwrap();
    id
}

async fn numbers(db: &Db, after: i64) -> Vec<i64> {
    let query = event::Entity::find().filter(event::Column::Number.gt(after));
    let query = query.select_only().column(event::Column::Number);
    query.order_by_asc(event::Column::Number).into_tuple().all(db.read()).await.unwrap()
}

async fn count(db: &Db, sql: &str) -> i64 {
    let connection = db.read();
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn events_are_numbered_in_the_order_in_which_they_were_written() {
    let (_database, db) = fresh().await;
    assert_eq!(db.settled_events().await.unwrap(), 0);
    let tx = db.write().await.unwrap();
    let told = [tell(&tx).await, tell(&tx).await];
    tx.commit().await.unwrap();
    let tx = db.write().await.unwrap();
    let later = tell(&tx).await;
    tx.commit().await.unwrap();
    let rows = event::Entity::find().order_by_asc(event::Column::Number).all(db.read()).await;
    let rows = rows.unwrap();
    let order: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    assert_eq!(order, [told[0].clone(), told[1].clone(), later]);
    assert_eq!(db.settled_events().await.unwrap(), rows[2].number);
}

#[tokio::test]
async fn numbers_go_on_behind_those_that_came_with_a_backup() {
    let (_database, db) = fresh().await;
    let tx = db.write().await.unwrap();
    let id = tell(&tx).await;
    tx.commit().await.unwrap();
    let tx = db.write().await.unwrap();
    let mut row = tx.lock::<event::Entity>(id).await.unwrap().unwrap();
    row.number = 50;
    tx.update(row).await.unwrap();
    tx.commit().await.unwrap();
    // What every start does.
    db.migrate().await.unwrap();
    db.migrate().await.unwrap();
    let tx = db.write().await.unwrap();
    tell(&tx).await;
    tx.commit().await.unwrap();
    assert_eq!(numbers(&db, 0).await, [50, 51]);
}

#[tokio::test]
async fn nothing_is_settled_above_an_event_whose_transaction_is_still_open() {
    let (_database, db) = fresh().await;
    let why = "there is one writer, so that transactions end in the order in which they begin";
    if TestDatabase::is_left_to_postgres(why) {
        return;
    }
    for late_is_kept in [true, false] {
        let before = db.settled_events().await.unwrap();
        let late = db.write().await.unwrap();
        tell(&late).await;
        let early = db.write().await.unwrap();
        tell(&early).await;
        early.commit().await.unwrap();
        assert_eq!(numbers(&db, before).await, [before + 2]);
        assert_eq!(db.settled_events().await.unwrap(), before);
        // One more that began when the first was still open, and ends when it is over.
        let third = db.write().await.unwrap();
        tell(&third).await;
        if late_is_kept {
            late.commit().await.unwrap();
        } else {
            late.roll_back().await;
        }
        assert_eq!(db.settled_events().await.unwrap(), before + 2);
        third.commit().await.unwrap();
        assert_eq!(db.settled_events().await.unwrap(), before + 3);
    }
}

#[tokio::test]
async fn a_transaction_with_many_events_holds_one_lock() {
    let (_database, db) = fresh().await;
    if TestDatabase::is_left_to_postgres("there is nothing to hold") {
        return;
    }
    let locks = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
                 (SELECT oid FROM pg_database WHERE datname = current_database())";
    for _ in 0..2 {
        let tx = db.write().await.unwrap();
        for _ in 0..50 {
            tell(&tx).await;
        }
        assert_eq!(count(&db, locks).await, 1);
        tx.commit().await.unwrap();
        assert_eq!(count(&db, locks).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_follows_what_is_settled_sees_every_event_once() {
    const WRITERS: usize = 2;
    const EACH: usize = 60;
    let (_database, db) = fresh().await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut told = BTreeSet::new();
                for turn in 0..EACH {
                    let tx = db.write().await.unwrap();
                    let id = tell(&tx).await;
                    tokio::task::yield_now().await;
                    if turn % 5 == 0 {
                        tx.roll_back().await;
                    } else {
                        tx.commit().await.unwrap();
                        told.insert(id);
                    }
                }
                told
            })
        })
        .collect();
    let (mut cursor, mut seen) = (0, Vec::new());
    let mut follow = async || {
        let settled = db.settled_events().await.unwrap();
        let query = event::Entity::find()
            .filter(event::Column::Number.gt(cursor))
            .filter(event::Column::Number.lte(settled));
        seen.extend(query.all(db.read()).await.unwrap().into_iter().map(|row| row.id));
        cursor = settled;
    };
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        follow().await;
    }
    follow().await;
    let mut told = BTreeSet::new();
    for writer in writers {
        told.extend(writer.await.unwrap());
    }
    assert_eq!(seen.len(), told.len());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), told);
}
