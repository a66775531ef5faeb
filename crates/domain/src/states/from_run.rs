//! States that the engine of a run leaves, during its apply and at its end.

use std::error::Error as StdError;

use blobs::{Kind, Name, Written};
use bytes::Bytes;
use db::{
    entity::{
        run,
        state_version::{self, Status},
    },
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};

use super::{
    blob, content,
    incoming::Unknown,
    receive,
    record::{self, Arrived, Bringer, Draft, Recorded},
    succession::Relation,
};
use crate::{
    Ctx, Error, Result, Tx,
    context::to_its_end,
    id::{RunId, StateVersionId, WorkspaceId},
    row::{Run, StateVersion},
    workspaces,
};

/// Bytes of the largest state that is taken.
pub(super) const LIMIT: u64 = 2 << 30;

/// Saves a state of a run that is applying, and makes it the current one. The same state once more, or an older
/// one, changes nothing: the current version is answered.
///
/// # Errors
/// Invalid for what is not a state; Conflict if the run does not hold the workspace's lock, or the state does not
/// follow on the current one.
pub async fn save_from_run<S, E>(
    cx: &Ctx,
    run: &Run,
    state: S,
    intermediate: bool,
) -> Result<StateVersion>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    let (id, written) = Unknown::fresh(cx).store(state).await?;
    let (cx, run) = (cx.clone(), run.clone());
    to_its_end(async move {
        let saved = Box::pin(save(&cx, &run, &id, written, intermediate)).await;
        let is_new = |saved: &Recorded| matches!(saved, Recorded::New(_));
        record::drop_unless_recorded(&cx, &id, &saved, is_new).await;
        match saved? {
            Recorded::New(row) | Recorded::Current(row) => Ok(row),
        }
    })
    .await
}

async fn save(
    cx: &Ctx,
    run: &Run,
    id: &StateVersionId,
    written: Written,
    intermediate: bool,
) -> Result<Recorded> {
    let content = content::of_blob(cx, &blob(Kind::State, id)?).await?;
    let is_encrypted = content.version.is_none();
    let draft = Draft {
        id: id.clone(),
        serial: content.serial.ok_or_else(|| Error::invalid("state", "has no serial"))?,
        lineage: content.lineage.clone(),
        md5: written.md5_hex,
        content: Some(Arrived::new(cx, id, content, written.size)),
        intermediate,
        has_json_state: false,
        run_id: Some(run.id.clone()),
        created_by_id: run.created_by_id.clone(),
        rollback_of_id: None,
    };
    let take = |relation, _: Option<&StateVersion>| match relation {
        Relation::Next => Ok(true),
        // The engine that ends where it began reuses a serial, and so does one that only encrypts anew; in an
        // encrypted state its agent cannot change it. The run holds the lock: nobody else has written meanwhile.
        Relation::Fork if is_encrypted => Ok(true),
        Relation::Same | Relation::Repeated | Relation::Older => Ok(false),
        Relation::Fork | Relation::Foreign => Err(Error::conflict(relation.refusal())),
    };
    let bringer = Bringer::Run(run.id.clone());
    Box::pin(record::record(cx, &run.workspace_id, draft, &bringer, take)).await
}

/// The hex SHA-256 of the current state, from the row and the bytes that are stored now.
///
/// # Errors
/// NotFound if there is none; Internal if it cannot be read to its end.
pub(crate) async fn read_back(cx: &Ctx, workspace: &WorkspaceId) -> Result<String> {
    let workspace = workspaces::by_id(cx, workspace).await?.ok_or(Error::NotFound)?;
    let current = super::current_of(cx, &workspace).await?.ok_or(Error::NotFound)?;
    digest(cx, &blob(Kind::State, &current.id)?).await
}

/// The hex SHA-256 of what is stored now.
pub(super) async fn digest(cx: &Ctx, name: &Name) -> Result<String> {
    let (_, mut content) = cx.blobs().get_stream(name).await?;
    let mut digest = Sha256::new();
    while let Some(piece) = content.next().await {
        digest.update(piece?);
    }
    Ok(hex::encode(digest.finalize()))
}

/// Keeps the state in the form of `show -json` with the newest version of a run; a run without one has none.
///
/// # Errors
/// As [`super::receive_json`].
pub async fn save_json_from_run<S, E>(cx: &Ctx, run: &RunId, state: S) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    match newest(cx.read(), run).await? {
        Some(row) => receive::take_json(cx, &row.id, state, |_, _| Ok(())).await,
        None => Ok(()),
    }
}

/// The run is over: its newest version is no snapshot any more.
pub(crate) async fn finish_intermediate(tx: &Tx, run: &RunId) -> Result<()> {
    let Some(newest) = newest(tx.db(), run).await?.filter(|row| row.intermediate) else {
        return Ok(());
    };
    if let Some(mut row) = tx.lock::<state_version::Entity>(newest.id).await? {
        row.intermediate = false;
        tx.update(row).await?;
    }
    Ok(())
}

async fn newest(
    connection: &impl db::sea_orm::ConnectionTrait,
    run: &RunId,
) -> Result<Option<StateVersion>> {
    // By its workspace too, which has the index.
    let workspace = match run::Entity::find_by_id(run.clone()).one(connection).await? {
        Some(run) => run.workspace_id,
        None => return Ok(None),
    };
    Ok(state_version::Entity::find()
        .filter(state_version::Column::WorkspaceId.eq(workspace))
        .filter(state_version::Column::RunId.eq(run))
        .filter(state_version::Column::Status.eq(Status::Finalized))
        .order_by_desc(state_version::Column::Number)
        .one(connection)
        .await?)
}
