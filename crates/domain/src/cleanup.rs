//! Blobs whose rows are gone: deleted afterwards, by a task, as often as it takes.

use blobs::{Kind, LogId, Name};
use db::entity::task;
use serde::{Deserialize, Serialize};

use crate::{Ctx, Result, Tx, tasks};

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

/// Does what is due; returns how many tasks that were.
pub async fn work(cx: &Ctx) -> Result<usize> {
    let due = tasks::due(cx, TASK).await?;
    for task in &due {
        let outcome = delete(cx, task).await;
        tasks::settle(cx, task, outcome).await?;
    }
    Ok(due.len())
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
