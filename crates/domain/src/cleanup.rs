//! Blobs whose rows are gone: deleted afterwards, by a task, as often as it takes.

use std::{collections::HashSet, time::Duration};

use blobs::{Kind, LogId, Name};
use db::{
    dump::{Row, Table},
    entity::{
        assessment, configuration_version, phase, plan_export, policy, policy_set_version,
        state_version, task,
    },
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect},
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

/// The names of what a row says is to be deleted.
pub(crate) fn doomed_by(table: &Table, row: &Row) -> Vec<String> {
    if table.name != "tasks" || table.text(row, "kind") != Some(TASK) {
        return Vec::new();
    }
    let payload = table.text(row, "payload").unwrap_or_default();
    let orphans: Vec<Orphan> = serde_json::from_str(payload).unwrap_or_default();
    let names = orphans.into_iter().filter_map(|orphan| match orphan {
        Orphan::Blob(name) => Some(name),
        Orphan::Log(id) => Some(LogId::new(&id).ok()?.to_string()),
    });
    names.collect()
}

/// A blob is written before its row, which comes within seconds or, after a crash, never.
pub const SETTLED: Duration = Duration::from_hours(24);
/// Ids that are looked up at once.
const LOOKED_UP: usize = 500;

/// Removes what an upload left that was never finished.
pub async fn sweep_unfinished(cx: &Ctx, idle: Duration) -> Result<u64> {
    Ok(cx.blobs().sweep_unfinished(idle).await?)
}

/// Deletes blobs of this age that never got a row, or have lost it; returns how many those were. As above, none while
/// somebody copies.
pub async fn sweep_orphans(cx: &Ctx, age: Duration) -> Result<u64> {
    let mut deleted = 0;
    if holds::any(cx.db(), cx.now()).await? {
        return Ok(deleted);
    }
    for kind in Kind::ALL {
        let old = cx.blobs().older_than(kind, age).await?;
        for ids in old.chunks(LOOKED_UP) {
            let known = known(cx, kind, ids).await?;
            for id in ids.iter().filter(|id| !known.contains(*id)) {
                tracing::warn!(id, "deleting a blob of which nobody knows");
                cx.blobs().delete(&Name::new(kind, id)?).await?;
                deleted += 1;
            }
        }
    }
    Ok(deleted)
}

/// Those of these ids of blobs that a row has.
async fn known(cx: &Ctx, kind: Kind, ids: &[String]) -> Result<HashSet<String>> {
    match kind {
        Kind::Configuration => had_by(cx, configuration_version::Column::Id, ids).await,
        Kind::State | Kind::JsonState | Kind::JsonStateOutputs => {
            had_by(cx, state_version::Column::Id, ids).await
        }
        Kind::PlanExport => had_by(cx, plan_export::Column::Id, ids).await,
        Kind::PolicyCode => had_by(cx, policy::Column::CodeId, ids).await,
        Kind::PolicySet => had_by(cx, policy_set_version::Column::Id, ids).await,
        // What phases leave, those of runs and those of assessments.
        Kind::Plan
        | Kind::PlanJson
        | Kind::PlanJsonRedacted
        | Kind::PlanChanges
        | Kind::ProviderSchemas
        | Kind::LockFile
        | Kind::ErroredState => {
            let mut known = had_by(cx, phase::Column::Id, ids).await?;
            known.extend(had_by(cx, assessment::Column::Id, ids).await?);
            Ok(known)
        }
        // One that is a day old is nobody's.
        Kind::Check => Ok(HashSet::new()),
        // Of a kind whose rows nobody has named here, all are somebody's.
        _ => Ok(ids.iter().cloned().collect()),
    }
}

async fn had_by<C>(cx: &Ctx, column: C, ids: &[String]) -> Result<HashSet<String>>
where
    C: ColumnTrait,
    C::EntityName: EntityTrait,
{
    let rows = <C::EntityName as EntityTrait>::find()
        .select_only()
        .column(column)
        .filter(column.is_in(ids));
    let known: Vec<String> = rows.into_tuple().all(cx.read()).await?;
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
