//! How long run tasks are waited for: ten minutes from the moment that they were asked or from their last word, if the
//! site says nothing else, and an hour in all
//! (<https://developer.hashicorp.com/terraform/cloud-docs/workspaces/settings/run-tasks>). The times are rows, so that
//! no restart loses them.

use std::time::Duration;

use db::{
    Locked,
    entity::task_result::{self as result, Status},
    id::TaskResultId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select},
};

use super::{GRACE, give_up};
use crate::{Ctx, Result, Tx};

/// Seconds.
const IN_ALL: i64 = 60 * 60;
const LOOKED_AT: u64 = 100;
/// How failures of this room are reported.
const CHORE: &str = "silent run tasks";

/// It is to be asked. Nobody is silent who was not asked yet, as when a server ended before it had.
pub(super) fn begin(tx: &Tx, row: &mut Locked<result::Entity>) {
    let ends_at = tx.now().plus_seconds(IN_ALL);
    row.ends_at = Some(ends_at);
    row.token_ends_at = Some(ends_at.plus_seconds(GRACE));
    row.silent_until = row.ends_at;
}

/// It has taken the question, unless its answer was quicker than this.
pub(super) async fn asked(cx: &Ctx, id: &TaskResultId) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<result::Entity>(id.clone()).await?;
    if let Some(mut row) = row.filter(|row| row.status == Status::Running) {
        heard(&tx, &mut row);
        tx.update(row).await?;
    }
    tx.commit().await
}

/// It has said something, and has its time again.
pub(super) fn heard(tx: &Tx, row: &mut Locked<result::Entity>) {
    let patience = tx.cx().settings().run_task_silence.as_secs();
    let until = tx.now().plus_seconds(i64::try_from(patience).unwrap_or(IN_ALL));
    row.silent_until = Some(row.ends_at.map_or(until, |end| end.min(until)));
}

/// Those whose time is over.
pub(crate) fn silent(cx: &Ctx, limit: u64) -> Select<result::Entity> {
    result::Entity::find()
        .select_only()
        .columns([result::Column::Id])
        .filter(result::Column::SilentUntil.lte(cx.now()))
        .order_by_asc(result::Column::SilentUntil)
        .limit(limit)
}

/// In words.
fn said(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds >= 120 && seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}

/// Gives up run tasks whose time is over; returns how many those were.
pub async fn give_up_silent(cx: &Ctx) -> Result<usize> {
    let over: Vec<TaskResultId> = silent(cx, LOOKED_AT).into_tuple().all(cx.read()).await?;
    let mut given_up = 0;
    for id in over {
        let row = result::Entity::find_by_id(id.clone()).one(cx.read()).await?;
        let is_long = row.is_some_and(|row| row.ends_at.is_some_and(|at| at <= cx.now()));
        let why = if is_long {
            "The run task did not come to an end within 60 minutes.".to_owned()
        } else {
            format!(
                "Nothing was heard of the run task for {}.",
                said(cx.settings().run_task_silence)
            )
        };
        let done = Box::pin(give_up(cx, &id, why)).await;
        given_up +=
            usize::from(cx.troubles().settle(CHORE, id.as_str(), done, cx.now()) == Some(true));
    }
    Ok(given_up)
}
