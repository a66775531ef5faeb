//! What happened to runs.

use std::collections::HashMap;

use db::{
    entity::{comment, event},
    id::{CommentId, EventId, RunId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use crate::{
    Ctx, Error, Found, Granted, In, Result, can,
    row::{Event, Run},
};

/// An event of a run, and the comment that it tells of, if it does.
#[derive(Clone, Debug)]
pub struct RunEvent {
    pub event: Event,
    pub comment_id: Option<CommentId>,
}

/// What happened to a run, oldest first.
pub async fn events(cx: &Ctx, run: &Granted<can::ReadRun, In<Run>>) -> Result<Vec<RunEvent>> {
    let rows = event::Entity::find()
        .filter(event::Column::RunId.eq(&run.id))
        .order_by_asc(event::Column::Number)
        .all(cx.read())
        .await?;
    with_comments(cx, rows).await
}

/// The number of the last event of a run, in the order of all events.
pub async fn last_event(cx: &Ctx, run: &Granted<can::ReadRun, In<Run>>) -> Result<i64> {
    let last: Option<i64> = event::Entity::find()
        .select_only()
        .column(event::Column::Number)
        .filter(event::Column::RunId.eq(&run.id))
        .order_by_desc(event::Column::Number)
        .limit(1)
        .into_tuple()
        .one(cx.read())
        .await?;
    Ok(last.unwrap_or_default())
}

async fn with_comments(cx: &Ctx, rows: Vec<Event>) -> Result<Vec<RunEvent>> {
    let runs: std::collections::BTreeSet<_> =
        rows.iter().filter_map(|row| row.run_id.as_ref()).collect();
    let mut comments: HashMap<EventId, CommentId> = comment::Entity::find()
        .select_only()
        .columns([comment::Column::EventId, comment::Column::Id])
        .filter(comment::Column::RunId.is_in(runs))
        .into_tuple::<(EventId, CommentId)>()
        .all(cx.read())
        .await?
        .into_iter()
        .collect();
    Ok(rows
        .into_iter()
        .map(|event| RunEvent { comment_id: comments.remove(&event.id), event })
        .collect())
}

/// The event, with the workspace of its run.
pub async fn find_event(cx: &Ctx, id: &EventId) -> Result<Found<In<RunEvent>>> {
    let row = event::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let row = row.ok_or(Error::NotFound)?;
    let run = row.run_id.clone().ok_or(Error::NotFound)?;
    let of = super::find(cx, &run).await?.into_unchecked().of;
    let row = with_comments(cx, vec![row]).await?.pop().ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of }))
}

/// For includes: those of these that are about runs which the caller may see.
pub async fn load_events(cx: &Ctx, ids: &[EventId]) -> Result<Vec<RunEvent>> {
    let rows = event::Entity::find().filter(event::Column::Id.is_in(ids)).all(cx.read()).await?;
    let runs: Vec<RunId> = rows.iter().filter_map(|row| row.run_id.clone()).collect();
    let runs = super::load(cx, &runs).await?;
    let visible = |row: &Event| runs.iter().any(|run| row.run_id.as_ref() == Some(&run.id));
    with_comments(cx, rows.into_iter().filter(visible).collect()).await
}

/// Ids of all that happened to some runs, with one query however many they are; the oldest first.
pub async fn events_of(cx: &Ctx, runs: &[RunId]) -> Result<HashMap<RunId, Vec<EventId>>> {
    let found: Vec<(EventId, RunId)> = event::Entity::find()
        .select_only()
        .columns([event::Column::Id, event::Column::RunId])
        .filter(event::Column::RunId.is_in(runs))
        .order_by_asc(event::Column::Number)
        .into_tuple()
        .all(cx.read())
        .await?;
    let mut events: HashMap<RunId, Vec<EventId>> = HashMap::new();
    for (id, run) in found {
        events.entry(run).or_default().push(id);
    }
    Ok(events)
}
