//! States that come after the end of their apply, when nobody could take them in time: the current one of their
//! workspace only where nothing has happened there since, and kept beside it otherwise.

use std::error::Error as StdError;

use blobs::{Kind, Name, Written};
use bytes::Bytes;
use db::{
    entity::{
        job,
        state_version::{self, Status},
        workspace::{self, LockKind},
    },
    id::StateVersionId,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder},
};
use futures::Stream;

use super::{
    blob,
    content::{self, Content},
    from_run::{LIMIT, digest},
    incoming::Unknown,
    record::{self, Arrived, Draft},
    succession::Relation,
};
use crate::{
    Ctx, Error, Result, Tx, accounts,
    context::to_its_end,
    row::{Run, StateVersion, Workspace},
};

/// Where such a state lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Current,
    /// An older version of the workspace has this content: it came before, and others after it.
    Version,
    /// The run's errored state.
    Errored,
}

/// Keeps the state of a run that is over; answers where, and the hex SHA-256 of what is read back from there. The same
/// state once more changes nothing.
///
/// # Errors
/// Conflict as long as it would become the current one and somebody is at work in the workspace; Invalid for what is
/// not a state, or older than what is kept already.
pub(crate) async fn keep_recovered<S, E>(cx: &Ctx, run: &Run, state: S) -> Result<(Place, String)>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    let (id, written) = Unknown::fresh(cx).store(state).await?;
    let (cx, run) = (cx.clone(), run.clone());
    to_its_end(async move { keep(&cx, &run, &id, &written).await }).await
}

async fn keep(
    cx: &Ctx,
    run: &Run,
    id: &StateVersionId,
    written: &Written,
) -> Result<(Place, String)> {
    let name = blob(Kind::State, id)?;
    let kept = async {
        let content = content::of_blob(cx, &name).await?;
        let draft = Draft {
            id: id.clone(),
            serial: content.serial.ok_or_else(|| Error::invalid("state", "has no serial"))?,
            lineage: content.lineage.clone(),
            md5: written.md5_hex.clone(),
            content: None,
            intermediate: false,
            has_json_state: false,
            run_id: Some(run.id.clone()),
            created_by_id: run.created_by_id.clone(),
            rollback_of_id: None,
        };
        Box::pin(place(cx, run, draft, content, written)).await
    }
    .await;
    record::drop_unless_recorded(cx, id, &kept, |(_, version)| *version == name).await;
    let (place, at) = kept?;
    Ok((place, digest(cx, &at).await?))
}

/// Finds the place and writes it down.
async fn place(
    cx: &Ctx,
    run: &Run,
    mut draft: Draft,
    content: Content,
    written: &Written,
) -> Result<(Place, Name)> {
    let mut tx = cx.write().await?;
    let place = tx.lock::<workspace::Entity>(run.workspace_id.clone()).await?;
    let place = place.ok_or(Error::NotFound)?;
    // It may have taken minutes to come.
    accounts::refreshed(cx).await?;
    let is_encrypted = content.version.is_none();
    let way = if let Some(known) = known(&tx, &draft, &place).await? {
        let is_current = place.current_state_version_id.as_ref() == Some(&known.id);
        Way::Known { is_current, known: Box::new(known) }
    } else if !is_next(&tx, run, &draft, is_encrypted, &place).await? {
        Way::Beside
    } else if let Some(why) = busy(&tx, run, &place).await? {
        Way::Later(why)
    } else {
        draft.content = Some(Arrived::new(cx, &draft.id, content, written.size));
        let row = record::insert(&mut tx, place, draft).await?;
        tx.commit().await?;
        return Ok((Place::Current, blob(Kind::State, &row.id)?));
    };
    tx.roll_back().await;
    match way {
        Way::Known { known, is_current } => {
            let place = if is_current { Place::Current } else { Place::Version };
            Box::pin(record::mend(cx, &known, &draft.id)).await?;
            Ok((place, blob(Kind::State, &known.id)?))
        }
        Way::Later(why) => Err(Error::conflict(why)),
        Way::Beside => {
            Ok((Place::Errored, set_beside(cx, run, &draft, &written.sha256_hex).await?))
        }
    }
}

/// What becomes of a state that is not made the current one.
enum Way {
    Known { known: Box<StateVersion>, is_current: bool },
    Later(&'static str),
    Beside,
}

/// The version that has this content: it was taken, and only the answer got lost, or somebody has pushed it.
async fn known(tx: &Tx, draft: &Draft, place: &Workspace) -> Result<Option<StateVersion>> {
    Ok(state_version::Entity::find()
        .filter(state_version::Column::WorkspaceId.eq(&place.id))
        .filter(state_version::Column::Serial.eq(draft.serial))
        .filter(state_version::Column::Md5.eq(&draft.md5))
        .filter(state_version::Column::Status.eq(Status::Finalized))
        .order_by_desc(state_version::Column::Number)
        .one(tx.db())
        .await?)
}

/// Whether it follows on the current state, and that one is what the run has found or made. Serial and lineage say too
/// little: others may have gone on from the same state.
async fn is_next(
    tx: &Tx,
    run: &Run,
    draft: &Draft,
    is_encrypted: bool,
    place: &Workspace,
) -> Result<bool> {
    let Some(id) = &place.current_state_version_id else { return Ok(true) };
    let current = state_version::Entity::find_by_id(id.clone()).one(tx.db()).await?;
    let Some(current) = current else { return Ok(true) };
    let began = run.status_timestamps.get("applying-at");
    let is_known_to_run = |current: &StateVersion| {
        current.run_id.as_ref() == Some(&run.id) || began.is_some_and(|at| current.created_at < *at)
    };
    let relation =
        Relation::of(Some(&current), place.locked_at, draft.serial, &draft.lineage, &draft.md5);
    // What is only encrypted anew keeps its serial, which nobody else can change.
    let follows = relation == Relation::Next || (is_encrypted && relation == Relation::Fork);
    Ok(follows && is_known_to_run(&current))
}

/// Who is at work in the workspace, so that its state must not change now.
async fn busy(tx: &Tx, run: &Run, place: &Workspace) -> Result<Option<&'static str>> {
    if place.lock_kind.is_some_and(|kind| kind != LockKind::Run) {
        return Ok(Some("The workspace is locked."));
    }
    let applies = job::Entity::find()
        .filter(job::Column::WorkspaceId.eq(&place.id))
        .filter(job::Column::Kind.eq(job::Kind::Apply))
        .filter(job::Column::Status.is_in([job::Status::Claimed, job::Status::Started]))
        .filter(job::Column::RunId.ne(&run.id))
        .count(tx.db())
        .await?;
    Ok((applies > 0).then_some("Another run applies in the workspace."))
}

/// Makes it the run's errored state.
async fn set_beside(cx: &Ctx, run: &Run, draft: &Draft, sha256: &str) -> Result<Name> {
    let beside = Name::new(Kind::ErroredState, run.apply_id.as_str())?;
    // What is there may be half a state, or nothing. A whole one is replaced only by what follows on it.
    if let Ok(other) = content::of_blob(cx, &beside).await {
        if digest(cx, &beside).await? == sha256 {
            return Ok(beside);
        }
        if other.lineage != draft.lineage || other.serial.is_none_or(|at| at >= draft.serial) {
            let why = "does not follow on the errored state that this run has already";
            return Err(Error::invalid("state", why));
        }
    }
    let (_, content) = cx.blobs().get_stream(&blob(Kind::State, &draft.id)?).await?;
    cx.blobs().put_stream(&beside, content, LIMIT).await?;
    Ok(beside)
}
