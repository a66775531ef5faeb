//! What happened long ago is forgotten, once everybody has read it. What happened to a run stays for as long as the run.

use std::cmp::min;

use db::{
    entity::{event, event_reader, run, task},
    sea_orm::{
        ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
        sea_query::{Expr, ExprTrait, Query},
    },
};

use super::{aside, unread};
use crate::{Ctx, Result, Timestamp, parts::READERS, site_settings};

const DAY: i64 = 24 * 60 * 60;
/// Numbers that are looked at in one go.
const AT_ONCE: i64 = 1000;

/// Deletes events that are older than administrators want them; returns how many those were.
pub async fn prune(cx: &Ctx) -> Result<u64> {
    let days = site_settings::current(cx).await?.events_kept_days;
    let before = cx.now().plus_seconds(-DAY * i64::from(days));
    let passed = passed_by_all(cx).await?;
    let (mut after, mut count) = (0, 0);
    while let Some((first, at)) = first_between(cx, after, passed).await? {
        // The order of numbers is, but for moments, that of time.
        if at >= before {
            break;
        }
        let last = min(passed, first + AT_ONCE - 1);
        let old = forgettable(cx, first, last, before).await?;
        count += old.len() as u64;
        if !old.is_empty() {
            let tx = cx.write().await?;
            let delete = event::Entity::delete_many().filter(event::Column::Number.is_in(old));
            delete.exec(tx.db()).await?;
            tx.commit().await?;
        }
        after = last;
    }
    Ok(count)
}

/// The highest number below which nobody has anything left to read. Not the last one of all: numbers go on from there.
async fn passed_by_all(cx: &Ctx) -> Result<i64> {
    let settled = cx.db().settled_events().await?;
    let mut passed = settled - 1;
    for reader in READERS {
        let cursor = event_reader::Entity::find_by_id(reader.name).one(cx.read()).await?;
        // Whoever has no cursor begins with what comes.
        let Some(cursor) = cursor else { continue };
        if let Some(first) = unread(cx.read(), reader, cursor.number, settled, 1).await?.first() {
            passed = min(passed, first - 1);
        }
    }
    let aside: Vec<task::Model> =
        task::Entity::find().filter(task::Column::Kind.eq(aside::TASK)).all(cx.read()).await?;
    Ok(aside.iter().filter_map(aside::number_of).fold(passed, |passed, it| min(passed, it - 1)))
}

async fn first_between(cx: &Ctx, after: i64, last: i64) -> Result<Option<(i64, Timestamp)>> {
    Ok(event::Entity::find()
        .select_only()
        .columns([event::Column::Number, event::Column::At])
        .filter(event::Column::Number.gt(after))
        .filter(event::Column::Number.lte(last))
        .order_by_asc(event::Column::Number)
        .limit(1)
        .into_tuple()
        .one(cx.read())
        .await?)
}

async fn forgettable(cx: &Ctx, first: i64, last: i64, before: Timestamp) -> Result<Vec<i64>> {
    let runs = Query::select()
        .expr(Expr::val(1))
        .from(run::Entity)
        .and_where(
            Expr::col((run::Entity, run::Column::Id)).equals((event::Entity, event::Column::RunId)),
        )
        .to_owned();
    Ok(event::Entity::find()
        .select_only()
        .column(event::Column::Number)
        .filter(event::Column::Number.between(first, last))
        .filter(event::Column::At.lt(before))
        .filter(Expr::exists(runs).not())
        .into_tuple()
        .all(cx.read())
        .await?)
}
