//! What run tasks have found, with their texts, which are read one by one.

use std::{collections::HashMap, fmt::Write as _};

use db::{
    Json,
    entity::{
        task_result_body,
        task_result_outcome::{self as outcome, Tag},
    },
    id::{TaskResultId, TaskResultOutcomeId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use secrecy::{ExposeSecret, SecretString};

use super::{NewOutcome, find};
use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, Tx, can, free_text,
    row::{TaskResult, TaskResultOutcome},
    run_tasks::check_url,
};

/// Where texts are sealed; part of what authenticates them.
const SEALED: &str = "task_result_bodies.content";
/// Of one result.
const OUTCOMES_LIMIT: usize = 200;
const TEXTS_LIMIT: i64 = 50 << 20;
/// Characters.
const ID_LIMIT: usize = 255;
const DESCRIPTION_LIMIT: usize = 500;
const LABEL_LIMIT: usize = 255;
/// Of one outcome.
const TAGS_LIMIT: usize = 100;
/// Bytes (API documents, "Run Task Callback").
const BODY_LIMIT: usize = 5 << 20;

fn too_many() -> Error {
    let why = format!("At most {OUTCOMES_LIMIT} outcomes of a result are kept.");
    Error::invalid_relation("outcomes", why)
}

/// Refuses what is too much, or nothing: before anything is written, as everybody else waits for that.
pub(super) fn check(outcomes: &[NewOutcome]) -> Result<()> {
    if outcomes.len() > OUTCOMES_LIMIT {
        return Err(too_many());
    }
    for (number, outcome) in outcomes.iter().enumerate() {
        let place = format!("/data/relationships/outcomes/data/{number}");
        check_one(outcome).map_err(|error| error.in_item(&place))?;
    }
    Ok(())
}

fn check_one(outcome: &NewOutcome) -> Result<()> {
    for (attribute, text, limit) in [
        ("outcome-id", &outcome.outcome_id, ID_LIMIT),
        ("description", &outcome.description, DESCRIPTION_LIMIT),
    ] {
        if text.trim().is_empty() {
            return Err(Error::invalid(attribute, "can't be blank"));
        }
        free_text::is_short(attribute, text, limit)?;
    }
    free_text::line("outcome-id", &outcome.outcome_id, ID_LIMIT)?;
    if let Some(url) = outcome.url.as_deref().filter(|url| !url.is_empty()) {
        check_url("url", url)?;
    }
    if outcome.body.as_ref().is_some_and(|body| body.len() > BODY_LIMIT) {
        return Err(Error::invalid("body", format!("has at most {BODY_LIMIT} bytes")));
    }
    if outcome.tags.values().map(Vec::len).sum::<usize>() > TAGS_LIMIT {
        return Err(Error::invalid("tags", format!("has at most {TAGS_LIMIT} labels")));
    }
    for (name, tags) in &outcome.tags {
        free_text::line("tags", name, LABEL_LIMIT)?;
        for tag in tags {
            free_text::is_short("tags", &tag.label, LABEL_LIMIT)?;
        }
    }
    Ok(())
}

/// Adds them to a result that this transaction holds; those of the same name are replaced.
pub(super) async fn keep(tx: &Tx, result: &TaskResultId, new: Vec<NewOutcome>) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let mut known = outcome::Entity::find()
        .filter(outcome::Column::TaskResultId.eq(result))
        .all(tx.db())
        .await?;
    for one in new {
        if let Some(at) = known.iter().position(|row| row.outcome_id == one.outcome_id)
            && let Some(row) = tx.lock::<outcome::Entity>(known.swap_remove(at).id).await?
        {
            tx.delete(row).await?;
        }
        let body = one.body.filter(|body| !body.is_empty());
        let row = TaskResultOutcome {
            id: TaskResultOutcomeId::fresh(),
            task_result_id: result.clone(),
            outcome_id: one.outcome_id,
            description: in_a_line(&one.description),
            url: one.url.filter(|url| !url.is_empty()),
            tags: Json(one.tags.into_iter().map(plain_labels).collect()),
            body_size: body.as_ref().map_or(0, String::len).try_into().unwrap_or(i64::MAX),
            created_at: tx.now(),
        };
        let row = tx.insert(row).await?;
        if let Some(body) = body {
            let content = tx.cx().keyring().seal(SEALED, row.id.as_str(), body.as_bytes());
            tx.insert(task_result_body::Model { outcome_id: row.id.clone(), content }).await?;
        }
        known.push(row);
    }
    if known.len() > OUTCOMES_LIMIT {
        return Err(too_many());
    }
    if known.iter().map(|row| row.body_size).sum::<i64>() > TEXTS_LIMIT {
        let why = format!("At most {TEXTS_LIMIT} bytes of texts of a result are kept.");
        return Err(Error::invalid_relation("outcomes", why));
    }
    Ok(())
}

/// What services write is shown as far as it can be: refused, it would be lost, and nobody would be told.
fn in_a_line(text: &str) -> String {
    text::plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain_labels((name, tags): (String, Vec<Tag>)) -> (String, Vec<Tag>) {
    let plain = |tag: Tag| Tag { label: in_a_line(&tag.label), ..tag };
    (name, tags.into_iter().map(plain).collect())
}

/// One, with the workspace of its run.
pub async fn find_outcome(
    cx: &Ctx,
    id: &TaskResultOutcomeId,
) -> Result<Found<In<TaskResultOutcome>>> {
    let row = outcome::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let row = row.ok_or(Error::NotFound)?;
    let of = find(cx, &row.task_result_id).await?.into_unchecked().of;
    Ok(Found::new(In { row, of }))
}

/// Those of a result, in the order in which they were found.
pub async fn outcomes_of(
    cx: &Ctx,
    result: &Granted<can::ReadRun, In<TaskResult>>,
    paging: Paging,
) -> Result<Page<TaskResultOutcome>> {
    let query = outcome::Entity::find()
        .filter(outcome::Column::TaskResultId.eq(&result.row.id))
        .order_by_asc(outcome::Column::CreatedAt)
        .order_by_asc(outcome::Column::OutcomeId);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these that the caller may see.
pub async fn load_outcomes(
    cx: &Ctx,
    ids: &[TaskResultOutcomeId],
) -> Result<Vec<TaskResultOutcome>> {
    let mut rows =
        outcome::Entity::find().filter(outcome::Column::Id.is_in(ids)).all(cx.read()).await?;
    let results: Vec<_> = rows.iter().map(|row| row.task_result_id.clone()).collect();
    let visible = super::load(cx, &results).await?;
    rows.retain(|row| visible.iter().any(|of| of.id == row.task_result_id));
    Ok(rows)
}

/// All texts of a result, one below the other in the order in which they were found, each below what it is about.
///
/// # Errors
/// NotFound if it has none.
pub async fn all_bodies(
    cx: &Ctx,
    result: &Granted<can::ReadRun, In<TaskResult>>,
) -> Result<SecretString> {
    let with_texts = outcome::Entity::find()
        .filter(outcome::Column::TaskResultId.eq(&result.row.id))
        .filter(outcome::Column::BodySize.gt(0))
        .order_by_asc(outcome::Column::CreatedAt)
        .order_by_asc(outcome::Column::OutcomeId)
        .all(cx.read())
        .await?;
    if with_texts.is_empty() {
        return Err(Error::NotFound);
    }
    let ids: Vec<_> = with_texts.iter().map(|row| row.id.clone()).collect();
    let texts = task_result_body::Entity::find()
        .filter(task_result_body::Column::OutcomeId.is_in(ids))
        .all(cx.read());
    let texts: HashMap<_, _> =
        texts.await?.into_iter().map(|row| (row.outcome_id, row.content)).collect();
    let mut all = String::new();
    for row in &with_texts {
        let Some(content) = texts.get(&row.id) else { continue };
        let body = cx.keyring().open_text(SEALED, row.id.as_str(), content)?;
        let _ = writeln!(all, "# {}\n\n{}\n", row.description, body.expose_secret());
    }
    Ok(all.into())
}

/// The text of one: Markdown of whoever wrote the service.
///
/// # Errors
/// NotFound if it has none.
pub async fn body(
    cx: &Ctx,
    outcome: &Granted<can::ReadRun, In<TaskResultOutcome>>,
) -> Result<SecretString> {
    let row = task_result_body::Entity::find_by_id(outcome.row.id.clone()).one(cx.read()).await?;
    let row = row.ok_or(Error::NotFound)?;
    Ok(cx.keyring().open_text(SEALED, outcome.row.id.as_str(), &row.content)?)
}
