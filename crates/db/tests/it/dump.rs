//! Rows of one moment, and the way back.

use futures::TryStreamExt;
use statehouse_db::{Db, Error, Loading, Snapshot, dump::Row};
use testkit::TestDatabase;

use crate::{settings, transactions::value};

async fn rows(snapshot: &mut Snapshot, name: &str) -> Vec<Row> {
    let tables = snapshot.tables().await.unwrap();
    let table = tables.iter().find(|table| table.name == name).unwrap();
    snapshot.rows(table).try_collect().await.unwrap()
}

#[tokio::test]
async fn a_snapshot_does_not_see_what_is_written_later() {
    let (database, db) = crate::fresh().await;
    settings(&db, [("a".to_owned(), "1".to_owned())]).await;
    let mut snapshot = Snapshot::take(&database.settings()).await.unwrap();
    settings(&db, [("b".to_owned(), "2".to_owned())]).await;
    assert_eq!(rows(&mut snapshot, "site_settings").await.len(), 1);
    snapshot.close().await;
    let mut later = Snapshot::take(&database.settings()).await.unwrap();
    assert_eq!(rows(&mut later, "site_settings").await.len(), 2);
    later.close().await;
}

#[tokio::test]
async fn tables_come_behind_those_that_they_refer_to() {
    let (database, _db) = crate::fresh().await;
    let mut snapshot = Snapshot::take(&database.settings()).await.unwrap();
    let tables = snapshot.tables().await.unwrap();
    snapshot.close().await;
    let place = |name: &str| tables.iter().position(|table| table.name == name).unwrap();
    assert!(place("organizations") < place("workspaces"));
    assert!(place("workspaces") < place("runs") && place("runs") < place("phases"));
    assert!(place("state_versions") < place("state_version_outputs"));
    assert!(tables.iter().all(|table| table.name != "blob_holds" && !table.name.starts_with('_')));
}

#[tokio::test]
async fn what_was_dumped_is_loaded_all_at_once_or_not_at_all() {
    let (database, db) = crate::fresh().await;
    settings(&db, [("a".to_owned(), "ü \"1\"\n".to_owned())]).await;
    let mut snapshot = Snapshot::take(&database.settings()).await.unwrap();
    let migrations = snapshot.migrations().await.unwrap();
    let tables = snapshot.tables().await.unwrap();
    let table = tables.iter().find(|table| table.name == "site_settings").unwrap();
    let rows: Vec<Row> = snapshot.rows(table).try_collect().await.unwrap();
    snapshot.close().await;

    let empty = TestDatabase::empty().await;
    let mut broken_off = Loading::begin(&empty.settings(), &migrations).await.unwrap();
    broken_off.insert(table, &rows).await.unwrap();
    drop(broken_off);
    let mut loading = Loading::begin(&empty.settings(), &migrations).await.unwrap();
    loading.insert(table, &rows).await.unwrap();
    loading.commit().await.unwrap();
    let loaded = Db::open(&empty.settings()).await.unwrap();
    assert_eq!(value(&loaded, "a").await, Some("ü \"1\"\n".to_owned()));
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let (database, _db) = crate::fresh().await;
    let mut snapshot = Snapshot::take(&database.settings()).await.unwrap();
    let migrations = snapshot.migrations().await.unwrap();
    let tables = snapshot.tables().await.unwrap();
    snapshot.close().await;
    let mut table = tables.iter().find(|table| table.name == "site_settings").unwrap().clone();

    let empty = TestDatabase::empty().await;
    let unknown = Loading::begin(&empty.settings(), &[9999]).await;
    assert!(matches!(unknown, Err(Error::Settings(why)) if why.contains("9999")));
    let mut loading = Loading::begin(&empty.settings(), &migrations).await.unwrap();
    for row in [vec!["a".into()], vec!["a".into(), 1.into(), ().into(), ().into()]] {
        let refused = loading.insert(&table, &[row]).await;
        assert!(matches!(refused, Err(Error::Settings(why)) if why.contains("does not fit")));
    }
    table.columns.pop();
    assert!(loading.insert(&table, &[vec!["a".into()]]).await.is_err());
}
