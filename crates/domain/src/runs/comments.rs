//! What people say about runs, alone or together with what they do.

use std::collections::HashMap;

use db::{
    entity::comment,
    id::{CommentId, EventId, RunId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use serde_json::json;

use super::moves::subject;
use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Tx, can, free_text,
    row::{Comment, Run},
};

/// Characters.
const LIMIT: usize = 10_000;

/// The comment, with the workspace of its run.
pub async fn find_comment(cx: &Ctx, id: &CommentId) -> Result<Found<In<Comment>>> {
    super::find_in::<comment::Entity>(cx, id, |row| &row.run_id).await
}

/// The comments on a run, the oldest first.
pub async fn comments(
    cx: &Ctx,
    run: &Granted<can::ReadRun, In<Run>>,
    paging: Paging,
) -> Result<Page<Comment>> {
    let query = comment::Entity::find()
        .filter(comment::Column::RunId.eq(&run.id))
        .order_by_asc(comment::Column::CreatedAt)
        .order_by_asc(comment::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these on runs that the caller may see.
pub async fn load_comments(cx: &Ctx, ids: &[CommentId]) -> Result<Vec<Comment>> {
    let rows = comment::Entity::find()
        .filter(comment::Column::Id.is_in(ids))
        .order_by_asc(comment::Column::CreatedAt)
        .order_by_asc(comment::Column::Id)
        .all(cx.read())
        .await?;
    let runs: Vec<RunId> = rows.iter().map(|row| row.run_id.clone()).collect();
    let runs = super::load(cx, &runs).await?;
    let visible = |row: &Comment| runs.iter().any(|run| run.id == row.run_id);
    Ok(rows.into_iter().filter(visible).collect())
}

/// For includes: those on runs that the caller may see, the oldest first.
pub async fn load_comments_of(cx: &Ctx, runs: &[RunId]) -> Result<HashMap<RunId, Vec<Comment>>> {
    let visible = super::load(cx, runs).await?;
    let rows = comment::Entity::find()
        .filter(comment::Column::RunId.is_in(visible.iter().map(|run| &run.id)))
        .order_by_asc(comment::Column::CreatedAt)
        .order_by_asc(comment::Column::Id)
        .all(cx.read())
        .await?;
    let mut found: HashMap<RunId, Vec<Comment>> = HashMap::new();
    for row in rows {
        found.entry(row.run_id.clone()).or_default().push(row);
    }
    Ok(found)
}

/// Says something about a run, at whatever stage it is.
pub async fn comment(
    cx: &Ctx,
    run: &Granted<can::CommentOnRun, In<Run>>,
    body: String,
) -> Result<Comment> {
    check("body", &body)?;
    let tx = cx.write().await?;
    let comment = write(&tx, run, body).await?;
    tx.commit().await?;
    Ok(comment)
}

fn check(attribute: &str, body: &str) -> Result<()> {
    if body.trim().is_empty() {
        return Err(Error::invalid(attribute, "can't be blank"));
    }
    free_text::prose(attribute, body, LIMIT)
}

/// A comment that comes with an action; a blank one is none.
pub(crate) fn with_action(comment: Option<String>) -> Result<Option<String>> {
    let comment = comment.filter(|text| !text.trim().is_empty());
    if let Some(body) = &comment {
        check("comment", body).map_err(|error| match error {
            Error::Invalid { message, .. } => {
                Error::Invalid { pointer: "/comment".into(), message: format!("comment {message}") }
            }
            other => other,
        })?;
    }
    Ok(comment)
}

/// Within the transaction of what it is about.
pub(crate) async fn write(tx: &Tx, run: &Run, body: String) -> Result<Comment> {
    let row = tx
        .insert(Comment {
            id: CommentId::fresh(),
            run_id: run.id.clone(),
            event_id: EventId::fresh(),
            body,
            created_at: tx.now(),
        })
        .await?;
    let detail = json!({ "comment": row.body });
    tx.emit_as(row.event_id.clone(), Happened::RunCommented, subject(run), detail).await?;
    Ok(row)
}
