//! Connections that read do not keep for ever what they have cached.

use std::time::Duration;

use statehouse_db::{Db, Limits, Settings, entity::site_setting as setting, sea_orm::EntityTrait};
use testkit::TestDatabase;

#[tokio::test]
async fn a_reader_of_sqlite_that_has_had_its_time_ends_and_the_next_one_reads_the_same() {
    if TestDatabase::is_left_to_sqlite("what its connections cache, they cache over there") {
        return;
    }
    let database = TestDatabase::fresh().await;
    let limits = Limits { reader: Duration::from_nanos(1), ..Limits::default() };
    let db = Db::open(&Settings { limits, ..database.settings() }).await.unwrap();
    for _ in 0..3 {
        let found = setting::Entity::find().all(db.read()).await.unwrap();
        assert_eq!(found, []);
        let ended = async {
            while db.pools()[0].open > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it stays open");
    }
    db.close().await;
}
