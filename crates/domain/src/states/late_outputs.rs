//! Outputs of states that have very many of them, or very large ones: their rows are written after the version is there,
//! some at a time, so that nobody else waits for all of them. Until they are there, `resources_processed` is false.

use blobs::Kind;
use db::{
    Locked,
    entity::{
        state_version::{self, Status},
        state_version_output,
    },
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect},
};
use serde::{Deserialize, Serialize};

use super::{
    blob,
    content::{self, AT_ONCE, AllOutputs, BYTES_AT_ONCE, Output},
    outputs::sealed,
};
use crate::{Ctx, Result, Tx, id::StateVersionId, tasks};

const TASK: &str = "late-outputs";

#[derive(Serialize, Deserialize)]
struct Due {
    version: StateVersionId,
}

/// To be called in the transaction that keeps the version.
pub(super) async fn keep_later(tx: &Tx, version: &StateVersionId) -> Result<()> {
    tx.later(TASK, Due { version: version.clone() }).await
}

/// Writes the rows that are due. What is broken off goes on where it was.
pub async fn keep_late_outputs(cx: &Ctx) -> Result<()> {
    for task in tasks::claim(cx, TASK).await? {
        let outcome = match serde_json::from_value::<Due>(task.payload.0.clone()) {
            Ok(due) => Box::pin(keep(cx, &due.version)).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        tasks::settle(cx, &task, outcome, None).await?;
    }
    Ok(())
}

async fn keep(cx: &Ctx, version: &StateVersionId) -> Result<()> {
    let found = super::by_id(cx, version).await?;
    if !found.is_some_and(|row| is_awaited(&row)) {
        return Ok(());
    }
    let all: AllOutputs = content::read_blob(cx, &blob(Kind::State, version)?).await?;
    let mut last = last_of(cx.read(), version).await?;
    let known = last.clone();
    let left = all.named().into_iter();
    // In the order of the database: byte by byte.
    let left = left.filter(move |(name, _)| known.as_ref().is_none_or(|known| known < name));
    let mut left = left.peekable();
    loop {
        let some = some_of(&mut left);
        let newest = some.last().map(|(name, _)| name.clone());
        let rows: Vec<_> = some.into_iter().map(|output| sealed(cx, version, output)).collect();
        let tx = cx.write().await?;
        let Some(row) = tx.lock::<state_version::Entity>(version.clone()).await? else {
            return Ok(());
        };
        // Another server was quicker, or the version is gone.
        if !is_awaited(&row) || last_of(tx.db(), version).await? != last {
            return Ok(());
        }
        db::insert_many::<_, state_version_output::ActiveModel>(&tx, rows).await?;
        let is_all = left.peek().is_none();
        if is_all {
            finish(&tx, row).await?;
        }
        tx.commit().await?;
        if is_all {
            return Ok(());
        }
        last = newest;
    }
}

fn is_awaited(row: &state_version::Model) -> bool {
    row.status == Status::Finalized && !row.resources_processed
}

/// As many as are written together, and one at least.
fn some_of(
    left: &mut std::iter::Peekable<impl Iterator<Item = (String, Output)>>,
) -> Vec<(String, Output)> {
    let mut size = 0;
    let mut some = Vec::new();
    while let Some(output) = left.next_if(|(_, output)| {
        size += output.value.get().len();
        some.is_empty() || (some.len() < AT_ONCE && size <= BYTES_AT_ONCE)
    }) {
        some.push(output);
    }
    some
}

async fn finish(tx: &Tx, mut row: Locked<state_version::Entity>) -> Result<()> {
    let count = state_version_output::Entity::find()
        .filter(state_version_output::Column::StateVersionId.eq(&row.id))
        .count(tx.db())
        .await?;
    row.output_count = i64::try_from(count).unwrap_or(i64::MAX);
    row.resources_processed = true;
    tx.update(row).await?;
    Ok(())
}

/// By name.
async fn last_of(
    db: &impl db::sea_orm::ConnectionTrait,
    version: &StateVersionId,
) -> Result<Option<String>> {
    Ok(state_version_output::Entity::find()
        .select_only()
        .column(state_version_output::Column::Name)
        .filter(state_version_output::Column::StateVersionId.eq(version))
        .order_by_desc(state_version_output::Column::Name)
        .limit(1)
        .into_tuple()
        .one(db)
        .await?)
}
