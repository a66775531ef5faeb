//! What is sealed in the database is known to those who have to look at all of it.

use domain::installation::sealed::COLUMNS;
use testkit::world::Worlds;

#[tokio::test]
async fn every_sealed_value_is_in_a_known_column() {
    let world = Box::pin(Worlds::new()).await.world().await;
    let start = format!("v1.{}.", world.server.keyring.current_key_id());
    let mut known = 0;
    for column in COLUMNS {
        let values = column.values(&world.server.db, "", 10_000).await.unwrap();
        for value in &values {
            let opened = world.server.keyring.open(column.purpose, &value.id, &value.sealed);
            assert!(opened.is_ok(), "{} of {}", column.purpose, value.id);
        }
        known += values.len();
    }
    assert!(known > 0);
    assert_eq!(world.server.everything().await.matches(&start).count(), known);
}

#[tokio::test]
async fn data_from_before_a_column_came_to_be_have_no_values_in_it() {
    let server = testkit::Server::start().await;
    for column in COLUMNS {
        assert!(column.values(&server.db, "", 1).await.is_ok(), "{}", column.purpose);
    }
    server.execute("ALTER TABLE policy_checks RENAME COLUMN said TO told").await;
    server.execute("ALTER TABLE identity_keys RENAME TO keys_of_identity").await;
    for column in COLUMNS {
        assert!(column.values(&server.db, "", 1).await.is_ok(), "{}", column.purpose);
    }
}
