//! Order, search and pages of texts.

use rand::{RngExt, SeedableRng, rngs::SmallRng};
use statehouse_db::{
    Db, Order, Page, Paging, contains,
    entity::{site_setting as setting, workspace},
    page,
    sea_orm::{
        ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
        QueryTrait, Statement,
    },
};

use crate::{fresh, settings};

/// Letters that one database or the other treats in its own way. Capitals beyond ASCII are not among them: SQLite
/// keeps their case, and no name in the house may have one.
const LETTERS: [char; 16] =
    ['a', 'B', 'b', 'Z', 'z', '_', '%', '\\', '-', ' ', '.', '0', '9', 'é', 'ß', '\''];

fn texts(seed: u64, count: usize) -> Vec<String> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut texts: Vec<String> = (0..count)
        .map(|_| {
            let length = random.random_range(1..8);
            (0..length).map(|_| LETTERS[random.random_range(0..LETTERS.len())]).collect()
        })
        .collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

#[tokio::test]
async fn texts_are_ordered_byte_by_byte() {
    let (_database, db) = fresh().await;
    let sorted = texts(1, 300);
    settings(&db, sorted.iter().rev().map(|text| (text.clone(), String::new()))).await;
    for order in [Order::Ascending, Order::Descending] {
        let query = setting::Entity::find().order_by(setting::Column::Name, order.into());
        let found = query.all(db.read()).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|row| row.name).collect();
        let mut expected = sorted.clone();
        if order == Order::Descending {
            expected.reverse();
        }
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn a_search_finds_what_contains_the_text_whatever_its_case() {
    let (_database, db) = fresh().await;
    let all = texts(2, 300);
    settings(&db, all.iter().map(|text| (text.clone(), String::new()))).await;
    let mut hits = 0;
    for part in texts(3, 60).into_iter().map(|text| text.chars().take(2).collect::<String>()) {
        for part in [part.to_lowercase(), part.to_ascii_uppercase()] {
            let query = setting::Entity::find().filter(contains(setting::Column::Name, &part));
            let query = query.order_by_asc(setting::Column::Name);
            let found = query.all(db.read()).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|row| row.name).collect();
            let wanted = part.to_lowercase();
            let expected: Vec<_> =
                all.iter().filter(|text| text.to_lowercase().contains(&wanted)).cloned().collect();
            assert_eq!(found, expected, "{part:?}");
            hits += found.len();
        }
    }
    assert!(hits > 0);
}

#[tokio::test]
async fn pages_put_together_are_the_list() {
    let (_database, db) = fresh().await;
    let all = texts(4, 50);
    settings(&db, all.iter().map(|text| (text.clone(), String::new()))).await;
    let read = async |number| -> Page<setting::Model> {
        let query = setting::Entity::find();
        let query = query.order_by_asc(setting::Column::Name);
        page(db.read(), query, Paging { number, size: 7 }).await.unwrap()
    };
    let mut found = Vec::new();
    let mut number = 1;
    loop {
        let page = read(number).await;
        assert_eq!(page.total, all.len() as u64);
        if page.items.is_empty() {
            break;
        }
        found.extend(page.items.into_iter().map(|row| row.name));
        number += 1;
    }
    assert_eq!(found, all);
    assert!(read(u64::MAX).await.items.is_empty());
}

/// Whoever reads a page of a large list must not pay for sorting all of it.
#[tokio::test]
async fn a_list_of_workspaces_by_name_comes_in_the_order_of_an_index() {
    let (_database, db) = fresh().await;
    let query =
        workspace::Entity::find().filter(workspace::Column::OrganizationName.eq("acme")).limit(20);
    let query = query.order_by_asc(workspace::Column::Name);
    let plan = plan(&db, query.build(db.read().get_database_backend())).await;
    assert!(!plan.contains("Sort") && !plan.contains("B-TREE FOR ORDER"), "{plan}");
    assert!(plan.contains("workspaces_list"), "{plan}");
}

#[tokio::test]
async fn every_text_of_postgresql_is_ordered_byte_by_byte() {
    let (_database, db) = fresh().await;
    if !db.is_postgres() {
        // SQLite has no other order unless a column asks for one.
        let asked = "SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%COLLATE%'";
        assert_eq!(number(&db, asked).await, 0);
        return;
    }
    let other = "SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema() \
                 AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' \
                 AND table_name <> '_sqlx_migrations'";
    assert_eq!(number(&db, other).await, 0);
    let all = "SELECT count(*) FROM information_schema.columns WHERE collation_name = 'C'";
    assert!(number(&db, all).await > 100);
}

async fn number(db: &Db, sql: &str) -> i64 {
    let statement = Statement::from_string(db.read().get_database_backend(), sql);
    db.read().query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// How the database would do it, in its own words.
async fn plan(db: &Db, mut statement: Statement) -> String {
    let (explain, column) =
        if db.is_postgres() { ("EXPLAIN", 0) } else { ("EXPLAIN QUERY PLAN", 3) };
    statement.sql = format!("{explain} {}", statement.sql);
    let rows = db.read().query_all_raw(statement).await.unwrap();
    let lines = rows.iter().map(|row| row.try_get_by_index::<String>(column).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}
