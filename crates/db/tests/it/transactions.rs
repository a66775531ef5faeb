//! What is written is kept as a whole or not at all, and by nobody but who holds the row.

use statehouse_db::{
    Db, Error, Json, Timestamp,
    entity::{site_setting as setting, task},
    id::TaskId,
    sea_orm::{EntityTrait, PaginatorTrait, QueryOrder, QuerySelect},
};
use testkit::TestDatabase;

use crate::{fresh, settings};

pub async fn value(db: &Db, name: &str) -> Option<String> {
    let row = setting::Entity::find_by_id(name.to_owned()).one(db.read()).await.unwrap();
    row.map(|row| row.value)
}

#[tokio::test]
async fn what_is_not_committed_is_not_there() {
    let (_database, db) = fresh().await;
    let tx = db.write().await.unwrap();
    let row = crate::setting("a", "1");
    tx.insert(row).await.unwrap();
    assert_eq!(value(&db, "a").await, None);
    drop(tx);
    assert_eq!(value(&db, "a").await, None);
    // The connection is fit for the next one.
    settings(&db, [("b".to_owned(), "2".to_owned())]).await;
    assert_eq!(value(&db, "b").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_taken_key_is_told_from_other_errors() {
    let (_database, db) = fresh().await;
    settings(&db, [("a".to_owned(), "1".to_owned())]).await;
    let tx = db.write().await.unwrap();
    let row = crate::setting("a", "2");
    assert!(matches!(tx.insert(row).await, Err(Error::Taken(_))));
    drop(tx);
    assert_eq!(value(&db, "a").await.as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn locked_rows_lose_no_update() {
    const WRITERS: usize = 4;
    const UPDATES: usize = 25;
    let (_database, db) = fresh().await;
    settings(&db, [("count".to_owned(), "0".to_owned())]).await;
    let writers = (0..WRITERS).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            for _ in 0..UPDATES {
                let tx = db.write().await.unwrap();
                let mut row =
                    tx.lock::<setting::Entity>("count".to_owned()).await.unwrap().unwrap();
                let count: usize = row.value.parse().unwrap();
                tokio::task::yield_now().await;
                row.value = (count + 1).to_string();
                tx.update(row).await.unwrap();
                tx.commit().await.unwrap();
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    let expected = (WRITERS * UPDATES).to_string();
    assert_eq!(value(&db, "count").await, Some(expected));
}

async fn tasks(db: &Db, count: i64) {
    let tx = db.write().await.unwrap();
    let rows = (0..count).map(|number| task::Model {
        id: TaskId::fresh(),
        kind: "test".into(),
        payload: Json(serde_json::json!(number)),
        due_at: Timestamp(number),
        attempts: 0,
        last_error: None,
        created_at: Timestamp(0),
    });
    statehouse_db::insert_many(&tx, rows.collect()).await.unwrap();
    tx.commit().await.unwrap();
}

fn oldest(count: u64) -> statehouse_db::sea_orm::Select<task::Entity> {
    task::Entity::find().order_by_asc(task::Column::DueAt).limit(count)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_row_is_claimed_by_one_worker_only() {
    const TASKS: i64 = 60;
    let (_database, db) = fresh().await;
    tasks(&db, TASKS).await;
    let workers = (0..4).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            let mut done = Vec::new();
            while task::Entity::find().count(db.read()).await.unwrap() > 0 {
                let tx = db.write().await.unwrap();
                for row in tx.claim(oldest(3)).await.unwrap() {
                    done.push(row.due_at.0);
                    tokio::task::yield_now().await;
                    tx.delete(row).await.unwrap();
                }
                tx.commit().await.unwrap();
            }
            done
        })
    });
    let mut done: Vec<i64> = Vec::new();
    for worker in futures::future::join_all(workers).await {
        done.extend(worker.unwrap());
    }
    done.sort_unstable();
    assert_eq!(done, (0..TASKS).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_claim_passes_over_what_others_hold() {
    let (_database, db) = fresh().await;
    tasks(&db, 5).await;
    let first = db.write().await.unwrap();
    let held = first.claim(oldest(2)).await.unwrap();
    assert_eq!(held.iter().map(|row| row.due_at.0).collect::<Vec<_>>(), [0, 1]);
    let why =
        "there is one writer, so there is nothing to pass over: the second waits for the first";
    if TestDatabase::is_left_to_postgres(why) {
        return;
    }
    let second = db.write().await.unwrap();
    let next = second.claim(oldest(2)).await.unwrap();
    assert_eq!(next.iter().map(|row| row.due_at.0).collect::<Vec<_>>(), [2, 3]);
}
