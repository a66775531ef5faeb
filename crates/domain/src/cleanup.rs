//! Blobs whose rows are gone: deleted afterwards, by a task, as often as it takes.

use std::{collections::HashSet, time::Duration};

use blobs::{Kind, LogId, Name};
use db::{
    entity::{configuration_version, state_version, task},
    sea_orm::{ColumnTrait, EntityTrait, Iterable, PrimaryKeyToColumn, QueryFilter, QuerySelect},
};
use serde::{Deserialize, Serialize};

use crate::{Ctx, Result, Tx, installation::holds, tasks};

const TASK: &str = "delete_blobs";
const ORPHANS_IN_A_TASK: usize = 500;

/// Something outside the database that has lost its row.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Orphan {
    /// By its name.
    Blob(String),
    /// By its id.
    Log(String),
}

impl Orphan {
    pub fn blob(kind: Kind, id: impl AsRef<str>) -> Result<Self> {
        Ok(Self::Blob(Name::new(kind, id.as_ref())?.as_str().to_owned()))
    }
}

/// Has them deleted once this transaction is committed.
pub(crate) async fn later(tx: &Tx, orphans: Vec<Orphan>) -> Result<()> {
    for some in orphans.chunks(ORPHANS_IN_A_TASK) {
        tx.later(TASK, some).await?;
    }
    Ok(())
}

/// Does what is due; returns how many tasks that were. Nothing is due while somebody copies what rows named before.
pub async fn work(cx: &Ctx) -> Result<usize> {
    if holds::any(cx.db(), cx.now()).await? {
        return Ok(0);
    }
    let due = tasks::claim(cx, TASK).await?;
    for task in &due {
        let outcome = delete(cx, task).await;
        tasks::settle(cx, task, outcome, None).await?;
    }
    Ok(due.len())
}

/// A blob is written before its row, which comes within seconds or, after a crash, never.
pub const SETTLED: Duration = Duration::from_hours(24);
/// Ids that are looked up at once.
const LOOKED_UP: usize = 500;

/// Removes what an upload left that was never finished.
pub async fn sweep_unfinished(cx: &Ctx, idle: Duration) -> Result<u64> {
    Ok(cx.blobs().sweep_unfinished(idle).await?)
}

/// Deletes blobs of this age that never got a row; returns how many those were.
pub async fn sweep_orphans(cx: &Ctx, age: Duration) -> Result<u64> {
    let mut deleted = 0;
    for kind in [Kind::Configuration, Kind::State, Kind::JsonState] {
        let old = cx.blobs().older_than(kind, age).await?;
        for ids in old.chunks(LOOKED_UP) {
            let known = match kind {
                Kind::Configuration => known::<configuration_version::Entity>(cx, ids).await?,
                _ => known::<state_version::Entity>(cx, ids).await?,
            };
            for id in ids.iter().filter(|id| !known.contains(*id)) {
                tracing::warn!(id, "deleting a blob of which nobody knows");
                cx.blobs().delete(&Name::new(kind, id)?).await?;
                deleted += 1;
            }
        }
    }
    Ok(deleted)
}

/// Those of these ids that have a row.
async fn known<E>(cx: &Ctx, ids: &[String]) -> Result<HashSet<String>>
where
    E: EntityTrait,
    E::PrimaryKey: PrimaryKeyToColumn<Column = E::Column>,
{
    let key = E::PrimaryKey::iter().next().expect("every table has a key").into_column();
    let known: Vec<String> = E::find()
        .select_only()
        .column(key)
        .filter(key.is_in(ids))
        .into_tuple()
        .all(cx.read())
        .await?;
    Ok(known.into_iter().collect())
}

async fn delete(cx: &Ctx, task: &task::Model) -> anyhow::Result<()> {
    let orphans: Vec<Orphan> = serde_json::from_value(task.payload.0.clone())?;
    for orphan in orphans {
        match orphan {
            Orphan::Blob(name) => cx.blobs().delete(&name.parse()?).await?,
            Orphan::Log(id) => cx.blobs().delete_log(&LogId::new(&id)?).await?,
        }
    }
    Ok(())
}
