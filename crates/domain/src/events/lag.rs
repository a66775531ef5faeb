//! How far readers are behind, for whoever watches the server.

use db::{
    Timestamp,
    entity::{event, event_reader},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect},
};

use super::unread;
use crate::{App, Result, parts::READERS};

/// For each reader by name, since when the first event waits that it has not passed; `None` where there is none.
pub(crate) async fn behind(app: &App) -> Result<Vec<(&'static str, Option<Timestamp>)>> {
    let mut all = Vec::with_capacity(READERS.len());
    for reader in READERS {
        let cursor = event_reader::Entity::find_by_id(reader.name).one(app.db().read()).await?;
        let mut since = None;
        if let Some(cursor) = cursor {
            // Those, too, that a transaction holds up.
            let first = unread(app.db().read(), reader, cursor.number, i64::MAX, 1).await?;
            if let Some(number) = first.first() {
                since = event::Entity::find()
                    .select_only()
                    .column(event::Column::At)
                    .filter(event::Column::Number.eq(*number))
                    .into_tuple()
                    .one(app.db().read())
                    .await?;
            }
        }
        all.push((reader.name, since));
    }
    Ok(all)
}
