//! Holds on blobs that have lost their row: while there is one, nobody deletes them, so that a backup finds every blob
//! that the rows of its moment name.

use db::{
    Db, Timestamp,
    entity::blob_hold,
    sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter},
};

use crate::Result;

/// Seconds for which a hold is good unless it is renewed: a backup that was killed holds up nobody for longer.
const GOOD_FOR: i64 = 600;

/// A hold of one backup.
#[derive(Debug)]
pub struct Hold {
    db: Db,
    id: String,
}

impl Hold {
    /// Holds nothing until it is placed.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone(), id: super::fresh_id() }
    }

    /// Places it where it is not placed yet.
    pub async fn renew(&self, now: Timestamp) -> Result<()> {
        let tx = self.db.write().await?;
        let until_at = now.plus_seconds(GOOD_FOR);
        match tx.lock::<blob_hold::Entity>(self.id.clone()).await? {
            Some(mut row) => {
                row.until_at = until_at;
                tx.update(row).await?
            }
            None => tx.insert(blob_hold::Model { id: self.id.clone(), until_at }).await?,
        };
        Ok(tx.commit().await?)
    }

    /// Lets go of it, and forgets those that others left behind.
    pub async fn release(self, now: Timestamp) -> Result<()> {
        let tx = self.db.write().await?;
        blob_hold::Entity::delete_many()
            .filter(
                Condition::any()
                    .add(blob_hold::Column::Id.eq(&self.id))
                    .add(blob_hold::Column::UntilAt.lte(now)),
            )
            .exec(&*tx)
            .await?;
        Ok(tx.commit().await?)
    }
}

/// Whether anybody holds.
pub(crate) async fn any(db: &Db, now: Timestamp) -> Result<bool> {
    let held = blob_hold::Entity::find().filter(blob_hold::Column::UntilAt.gt(now));
    Ok(held.count(db.read()).await? > 0)
}
