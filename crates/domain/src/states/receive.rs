//! States that are uploaded to the address of a pending version, in constant memory. What is stored under the name
//! of a version always has the digest that was announced, whoever uploads what at the same time.

use blobs::Kind;
use bytes::Bytes;
use db::{
    entity::{
        state_version::{self, Status},
        workspace,
    },
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use md5::{Digest, Md5};

use super::{
    blob, by_id, content,
    create::wrong_md5,
    record::{self, Arrived, Bringer},
};
use crate::{
    Ctx, Error, Found, Result, accounts, can,
    id::StateVersionId,
    row::{StateVersion, Workspace},
    uploads::{Broken, if_welcome},
    workspaces,
};

/// Bytes of the largest state that is taken.
pub(super) const LIMIT: u64 = 2 << 30;

/// Takes the raw state of a pending version and makes it the current one before it returns. The same bytes once
/// more are fine.
///
/// # Errors
/// Invalid for other bytes than announced or what is not a state; Conflict if the version was discarded, or whoever
/// asked for the address holds the lock no more; TooLarge beyond 2 GiB. What is refused is not stored.
pub async fn receive<S, E>(cx: &Ctx, id: &StateVersionId, content: S) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Broken>,
{
    let row = by_id(cx, id).await?.ok_or(Error::NotFound)?;
    let name = blob(Kind::State, id)?;
    match row.status {
        Status::Pending => {}
        Status::Finalized => {
            if !Box::pin(record::is_whole(cx, &row)).await? {
                cx.blobs().put_stream(&name, checked(content, row.md5), LIMIT).await?;
                return Ok(());
            }
            let same = digest(content).await? == row.md5;
            return if same { Ok(()) } else { Err(other_content()) };
        }
        _ => return Err(gone(cx, &row).await?),
    }
    let content = if_welcome(checked(content, row.md5), may_still(cx, id));
    let written = Box::pin(cx.blobs().put_stream(&name, content, LIMIT)).await?;
    let content = match content::of_blob(cx, &name).await {
        Ok(content) => content,
        Err(error) => {
            // Nor is anything else that has its digest.
            if matches!(error, Error::Invalid { .. }) {
                record::drop_blob(cx, Kind::State, id).await;
            }
            return Err(error);
        }
    };
    let mut arrived = Arrived::new(cx, id, content, written.size);

    let creator = accounts::in_name_of(cx, row.created_by_id.as_ref()).await?;
    let mut tx = creator.write().await?;
    let place = tx.lock::<workspace::Entity>(row.workspace_id).await?;
    let found = tx.lock::<state_version::Entity>(id.clone()).await?;
    let Some((place, mut row)) = place.zip(found) else {
        record::drop_blobs(cx, id).await;
        return Err(Error::NotFound);
    };
    match row.status {
        // By another upload of the same bytes.
        Status::Finalized => return Ok(()),
        Status::Pending => {}
        _ => {
            record::forget_blobs(&tx, id).await?;
            tx.commit().await?;
            return Err(gone(cx, &row).await?);
        }
    }
    Bringer::Caller.check(cx, &place).await?;
    record::fill(&mut row, &mut arrived);
    let row = tx.update(row).await?;
    record::make_current(&mut tx, place, &row, arrived).await?;
    tx.commit().await
}

/// It may have taken minutes to come: whether it is still waited for, and from this caller.
async fn may_still(cx: &Ctx, id: &StateVersionId) -> Result<()> {
    let row = by_id(cx, id).await?.ok_or(Error::NotFound)?;
    match row.status {
        Status::Pending => {
            let place = workspaces::by_id(cx, &row.workspace_id).await?.ok_or(Error::NotFound)?;
            Bringer::Caller.check(cx, &place).await
        }
        Status::Finalized => Ok(()),
        _ => Err(gone(cx, &row).await?),
    }
}

/// Takes the state in the form of `show -json`, before or after the raw one. An empty one says nothing.
///
/// # Errors
/// As [`receive`]; Conflict if there is another one already.
pub async fn receive_json<S, E>(cx: &Ctx, id: &StateVersionId, content: S) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Broken>,
{
    let may = |cx: &Ctx, place| cx.check::<can::CreateStateVersion, _>(place).map(drop);
    take_json(cx, id, content, may).await
}

/// The same from those who `may`, which they are asked when it is there.
pub(super) async fn take_json<S, E>(
    cx: &Ctx,
    id: &StateVersionId,
    content: S,
    may: impl FnOnce(&Ctx, Found<Workspace>) -> Result<()> + Send,
) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Broken>,
{
    let row = by_id(cx, id).await?.ok_or(Error::NotFound)?;
    let name = blob(Kind::JsonState, id)?;
    if row.status == Status::Discarded {
        return Err(gone(cx, &row).await?);
    }
    if row.has_json_state {
        let (_, stored) = cx.blobs().get_stream(&name).await?;
        let same = digest(content).await? == digest(stored).await?;
        return if same { Ok(()) } else { Err(other_content()) };
    }
    let mut content = Box::pin(content.map_err(Into::into).try_filter(|piece| {
        let any = !piece.is_empty();
        async move { any }
    }));
    let Some(first) = content.next().await else { return Ok(()) };
    let content = if_welcome(stream::iter([first]).chain(content), async {
        let workspace = workspaces::by_id(cx, &row.workspace_id).await?.ok_or(Error::NotFound)?;
        may(&accounts::refreshed(cx).await?, Found::new(workspace))
    });
    cx.blobs().put_stream(&name, content, LIMIT).await?;
    let read = content::check_json(cx, &name).await;

    let tx = cx.write().await?;
    let Some(mut row) = tx.lock::<state_version::Entity>(id.clone()).await? else {
        record::drop_blobs(cx, id).await;
        return Err(Error::NotFound);
    };
    if let Err(error) = read {
        // Unless another upload was quicker: nobody else changes that while the row is locked.
        if matches!(error, Error::Invalid { .. }) && !row.has_json_state {
            record::drop_blob(cx, Kind::JsonState, id).await;
        }
        tx.roll_back().await;
        return Err(error);
    }
    if row.status == Status::Discarded {
        record::forget_blobs(&tx, id).await?;
        tx.commit().await?;
        return Err(gone(cx, &row).await?);
    }
    if !cx.blobs().exists(&name).await? {
        return Err(Error::conflict(
            "Another upload of this came at the same time, and was refused. Send it again.",
        ));
    }
    row.has_json_state = true;
    tx.update(row).await?;
    tx.commit().await
}

/// Why nothing is taken for a version that had its time.
async fn gone(cx: &Ctx, row: &StateVersion) -> Result<Error> {
    if row.status != Status::Discarded {
        return Ok(Error::conflict("The content of this state version has been deleted."));
    }
    let newer = state_version::Entity::find()
        .filter(state_version::Column::WorkspaceId.eq(&row.workspace_id))
        .filter(state_version::Column::Number.gt(row.number));
    Ok(Error::conflict(match newer.count(cx.read()).await? {
        0 => {
            "This state version has been discarded: the lock of its workspace was taken away before \
             the state had come. Lock the workspace, and create another one."
        }
        _ => "This state version has been discarded: it was superseded by a newer one.",
    }))
}

fn other_content() -> Error {
    Error::conflict("This state version has its content already, and it is another.")
}

/// The content, breaking off at its end if it does not have this digest.
fn checked<S, E>(content: S, md5: String) -> impl Stream<Item = Result<Bytes, Broken>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Broken>,
{
    let start = (Box::pin(content), Md5::new(), md5);
    stream::try_unfold(start, |(mut content, mut digest, md5)| async move {
        match content.next().await {
            Some(piece) => {
                let piece = piece.map_err(Into::into)?;
                digest.update(&piece);
                Ok(Some((piece, (content, digest, md5))))
            }
            None if hex::encode(digest.finalize()) == md5 => Ok(None),
            None => Err(wrong_md5().into()),
        }
    })
}

/// The digest of what is not kept.
pub(super) async fn digest<S, E>(content: S) -> Result<String>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Broken>,
{
    let mut content = Box::pin(content);
    let mut digest = Md5::new();
    let mut size = 0;
    while let Some(piece) = content.next().await {
        let piece = piece.map_err(|error| blobs::Error::Content(error.into()))?;
        size += piece.len() as u64;
        if size > LIMIT {
            return Err(blobs::Error::TooLarge { limit: LIMIT }.into());
        }
        digest.update(&piece);
    }
    Ok(hex::encode(digest.finalize()))
}
