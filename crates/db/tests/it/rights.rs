//! Every server learns that rights may have changed, from whoever has changed them.

use statehouse_db::{rights, sea_orm::ConnectionTrait};
use testkit::TestDatabase;

#[tokio::test]
async fn whoever_writes_a_table_of_rights_tells_all_servers() {
    let database = TestDatabase::fresh().await;
    let (here, there) = (database.open().await, database.open().await);
    let mut before = there.rights_epoch().await.unwrap();
    for table in rights::tables() {
        let changes = here.rights_changes();
        let tx = here.write().await.unwrap();
        tx.execute_unprepared(&format!("DELETE FROM \"{table}\" WHERE 1 = 0")).await.unwrap();
        assert_eq!(there.rights_epoch().await.unwrap(), before, "{table}");
        tx.commit().await.unwrap();
        let now = there.rights_epoch().await.unwrap();
        assert!(now > before, "{table}");
        assert_ne!(here.rights_changes(), changes, "{table}");
        before = now;
    }
}

#[tokio::test]
async fn what_is_not_kept_and_what_is_no_right_changes_nothing() {
    let database = TestDatabase::fresh().await;
    let db = database.open().await;
    let (before, changes) = (db.rights_epoch().await.unwrap(), db.rights_changes());
    let tx = db.write().await.unwrap();
    tx.execute_unprepared("DELETE FROM \"tokens\" WHERE 1 = 0").await.unwrap();
    tx.roll_back().await;
    let tx = db.write().await.unwrap();
    tx.execute_unprepared("DELETE FROM \"runs\" WHERE 1 = 0").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((db.rights_epoch().await.unwrap(), db.rights_changes()), (before, changes));
}

#[tokio::test]
async fn whoever_keeps_rights_cannot_read_what_would_change_unseen() {
    let database = TestDatabase::fresh().await;
    let db = database.open().await;
    let statement = |sql: &str| {
        let backend = db.rights().get_database_backend();
        statehouse_db::sea_orm::Statement::from_string(backend, sql)
    };
    for table in rights::tables() {
        let sql = format!("SELECT COUNT(*) FROM \"{table}\"");
        db.rights().query_one_raw(statement(&sql)).await.unwrap();
    }
    let refused = db.rights().query_one_raw(statement("SELECT COUNT(*) FROM \"runs\"")).await;
    assert!(refused.unwrap_err().to_string().contains("runs"));
}
