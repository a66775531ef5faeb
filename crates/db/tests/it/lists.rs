//! Questions about more rows than a statement may have values.

use statehouse_db::{
    entity::site_setting as setting,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};

use crate::fresh;

/// More than PostgreSQL takes, and twice what SQLite does.
const MANY: usize = 70_000;

#[tokio::test]
async fn any_number_of_rows_can_be_asked_for_at_once() {
    let (_database, db) = fresh().await;
    let tx = db.write().await.unwrap();
    for name in ["name-1", "name-69999", "name-70000", "it's \"quoted\" \\ ✓"] {
        tx.insert(crate::setting(name, "")).await.unwrap();
    }
    let mut names: Vec<_> = (0..MANY).map(|number| format!("name-{number}")).collect();
    names.push("it's \"quoted\" \\ ✓".to_owned());
    let known = setting::Entity::find()
        .filter(setting::Column::Value.eq(""))
        .filter(setting::Column::Name.is_in(&names))
        .filter(setting::Column::Name.ne("name-1"));
    assert_eq!(known.clone().count(&*tx).await.unwrap(), 2);
    let others = setting::Entity::find().filter(setting::Column::Name.is_not_in(&names));
    assert!(others.all(&*tx).await.unwrap().iter().any(|row| row.name == "name-70000"));
    let numbers = statehouse_db::entity::event::Entity::find()
        .filter(statehouse_db::entity::event::Column::Number.is_in(0..70_000_i64));
    assert_eq!(numbers.count(&*tx).await.unwrap(), 0);
    let gone = setting::Entity::delete_many().filter(setting::Column::Name.is_in(&names));
    assert_eq!(gone.exec(&*tx).await.unwrap().rows_affected, 3);
    tx.commit().await.unwrap();
    assert_eq!(known.count(db.read()).await.unwrap(), 0);
}
