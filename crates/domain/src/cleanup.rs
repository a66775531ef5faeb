//! Blobs whose rows are gone: deleted afterwards, by a task, as often as it takes.

use blobs::{Kind, LogId, Name};
use db::{
    entity::task,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use serde::{Deserialize, Serialize};

use crate::{Ctx, Result, Tx};

const TASK: &str = "delete_blobs";
const ORPHANS_IN_A_TASK: usize = 500;
const TASKS_AT_ONCE: u64 = 20;
/// Seconds until the next try, by the number of tries so far.
const BACK_OFF: [i64; 5] = [5, 30, 120, 600, 3600];

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

/// Does what is due; returns how many tasks that were.
pub async fn work(cx: &Ctx) -> Result<u64> {
    let due = task::Entity::find()
        .filter(task::Column::Kind.eq(TASK))
        .filter(task::Column::DueAt.lte(cx.now()))
        .order_by_asc(task::Column::DueAt)
        .limit(TASKS_AT_ONCE)
        .all(cx.read())
        .await?;
    let mut done = 0;
    for found in due {
        let outcome = delete(cx, &found).await;
        let tx = cx.write().await?;
        let Some(mut row) = tx.lock::<task::Entity>(found.id.clone()).await? else { continue };
        match outcome {
            Ok(()) => tx.delete(row).await?,
            Err(error) => {
                tracing::warn!(task = %row.id, "blobs could not be deleted: {error}");
                let tries = usize::try_from(row.attempts).unwrap_or(usize::MAX);
                let wait = BACK_OFF[tries.min(BACK_OFF.len() - 1)];
                row.attempts += 1;
                row.due_at = tx.now().plus_seconds(wait);
                row.last_error = Some(error.to_string());
                tx.update(row).await?;
            }
        }
        tx.commit().await?;
        done += 1;
    }
    Ok(done)
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
