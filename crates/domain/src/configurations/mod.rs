//! Configuration versions: announced, uploaded as an archive or fetched from a repository, then planned and applied by
//! runs.

mod from_repository;

use std::{error::Error as StdError, pin::pin};

use blobs::{Kind, Name};
use bytes::{Bytes, BytesMut};
use db::{
    Json,
    entity::{
        configuration_version::{self, Source, Status},
        run, workspace,
    },
    id::{ConfigurationVersionId, WorkspaceId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder},
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde_json::json;
use sha2::{Digest, Sha256};

pub(crate) use from_repository::{
    Commit, FETCH, FETCH_HEAD, Head, about, announce, commits_of_runs, fail, fetch_again,
    fetch_head, identify, ingress, source_of, take, waiting_for,
};
pub use from_repository::{ingress_attributes, ingress_of, load_ingress};

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, Subject, Timestamp, Tx,
    accounts, can,
    cleanup::{self, Orphan},
    retention,
    row::{ConfigurationVersion, Run, Workspace},
    runs,
    uploads::if_welcome,
    workspaces,
};

/// Bytes of an archive, compressed. A working directory with all its modules is seldom a hundredth of that.
const SIZE_LIMIT: u64 = 1 << 30;
/// How every gzip stream begins (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What is said when a configuration is announced.
#[derive(Clone, Copy, Debug)]
pub struct New {
    /// Its runs only plan.
    pub speculative: bool,
    /// Becomes the workspace's current one only when a run of it is confirmed.
    pub provisional: bool,
    /// A run is queued as soon as the archive is there.
    pub auto_queue_runs: bool,
    pub source: Source,
}

/// The configuration version, with its workspace.
pub async fn find(
    cx: &Ctx,
    id: &ConfigurationVersionId,
) -> Result<Found<In<ConfigurationVersion>>> {
    workspaces::find_in::<configuration_version::Entity>(cx, id, |row| &row.workspace_id).await
}

pub(crate) async fn by_id(
    cx: &Ctx,
    id: &ConfigurationVersionId,
) -> Result<Option<ConfigurationVersion>> {
    Ok(configuration_version::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// What it waits for, in words, if it is announced and has not come.
pub(crate) async fn awaited(cx: &Ctx, id: &ConfigurationVersionId) -> Result<Option<&'static str>> {
    Ok(by_id(cx, id).await?.and_then(|row| match row.status {
        Status::Pending => Some("Its configuration has not been uploaded."),
        Status::Fetching => Some("Its configuration has not been fetched from the repository."),
        _ => None,
    }))
}

/// Why it could not be had, if that is so.
pub(crate) async fn failure(cx: &Ctx, id: &ConfigurationVersionId) -> Result<Option<String>> {
    let row = by_id(cx, id).await?;
    Ok(row.filter(|row| row.status == Status::Errored).and_then(|row| row.error_message))
}

/// What a run works with.
///
/// # Errors
/// NotFound for a run without any, such as the destroy of what nobody has the code of.
pub async fn of_run(
    cx: &Ctx,
    run: &Granted<can::ReadConfiguration, In<Run>>,
) -> Result<ConfigurationVersion> {
    let id = run.configuration_version_id.as_ref().ok_or(Error::NotFound)?;
    by_id(cx, id).await?.ok_or(Error::NotFound)
}

/// Those of a workspace, newest first.
pub async fn list(
    cx: &Ctx,
    workspace: &Granted<can::ReadConfiguration>,
    paging: Paging,
) -> Result<Page<ConfigurationVersion>> {
    let query = configuration_version::Entity::find()
        .filter(configuration_version::Column::WorkspaceId.eq(&workspace.id))
        .order_by_desc(configuration_version::Column::CreatedAt)
        .order_by_desc(configuration_version::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[ConfigurationVersionId]) -> Result<Vec<ConfigurationVersion>> {
    let rows = configuration_version::Entity::find()
        .filter(configuration_version::Column::Id.is_in(ids))
        .all(cx.read())
        .await?;
    let workspaces: Vec<WorkspaceId> = rows.iter().map(|row| row.workspace_id.clone()).collect();
    let visible: Vec<Workspace> = workspace::Entity::find()
        .filter(workspace::Column::Id.is_in(workspaces))
        .all(cx.read())
        .await?
        .into_iter()
        .filter(|row| cx.may::<can::ReadConfiguration>(row))
        .collect();
    let is_visible = |id: &WorkspaceId| visible.iter().any(|workspace| workspace.id == *id);
    Ok(rows.into_iter().filter(|row| is_visible(&row.workspace_id)).collect())
}

/// Announces a configuration; its archive follows by [`receive`].
///
/// # Errors
/// Invalid for one that could be applied, where the workspace takes those from a repository.
pub async fn create(
    cx: &Ctx,
    workspace: &Granted<can::CreateConfiguration>,
    new: New,
) -> Result<ConfigurationVersion> {
    let tx = cx.write().await?;
    let mut place =
        tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    if place.vcs_repo.is_some() && !new.speculative {
        const WHY: &str = "must be true: the workspace takes what it applies from its repository";
        return Err(Error::invalid("speculative", WHY));
    }
    let row = tx
        .insert(ConfigurationVersion {
            speculative: new.speculative,
            provisional: new.provisional,
            auto_queue_runs: new.auto_queue_runs,
            ..new_row(&tx, &place, new.source)
        })
        .await?;
    // The first is the current one even before its archive is there; a later one when it is.
    if place.current_configuration_id.is_none() && !row.speculative && !row.provisional {
        place.current_configuration_id = Some(row.id.clone());
        tx.update(place).await?;
    }
    tx.emit(Happened::ConfigurationCreated, subject(workspace, &row.id), json!({})).await?;
    tx.commit().await?;
    Ok(row)
}

fn new_row(tx: &Tx, workspace: &Workspace, source: Source) -> ConfigurationVersion {
    ConfigurationVersion {
        id: ConfigurationVersionId::fresh(),
        workspace_id: workspace.id.clone(),
        status: Status::Pending,
        source,
        speculative: false,
        provisional: false,
        auto_queue_runs: false,
        error: None,
        error_message: None,
        size: None,
        status_timestamps: Json([("queued-at".to_owned(), tx.now())].into()),
        created_by_id: tx.actor().user_id(),
        created_at: tx.now(),
        soft_deleted_at: None,
    }
}

/// Takes the archive of an announced configuration. The signed address that led here is the permission, and whatever
/// follows is done by whoever asked for it, of whatever kind, with the rights of this moment.
///
/// # Errors
/// Conflict for another archive once a run uses the first or a newer configuration is there; the same one may always
/// come again, since clients send again what they got no answer to. Invalid for what is no gzip; a configuration
/// without an archive has then failed for good. TooLarge beyond 1 GiB. BadRequest if the upload breaks off; it can be
/// repeated. What is refused changes nothing of the archive that is there.
pub async fn receive<S, E>(cx: &Ctx, id: &ConfigurationVersionId, archive: S) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    let row = by_id(cx, id).await?.ok_or(Error::NotFound)?;
    let mut archive = pin!(archive.map_err(|error| blobs::Error::Content(error.into())));
    if !matches!(row.status, Status::Pending | Status::Uploaded) {
        return Err(Error::conflict("This configuration version takes no archive any more."));
    }
    let Some(beginning) = beginning(&mut archive).await? else {
        return reject(cx, &row).await;
    };
    let mut sent = Sha256::new();
    let whole = stream::iter([Ok(beginning)]).chain(archive);
    let whole = whole.inspect_ok(|piece| sent.update(piece));
    let mut gave_up = false;
    let welcome = async {
        let found = workspaces::find(cx, &row.workspace_id).await?;
        accounts::refreshed(cx).await?.check::<can::CreateConfiguration, _>(found)?;
        gave_up = give_up(cx, &row).await?;
        Ok(())
    };
    let stored =
        Box::pin(cx.blobs().put_stream(&blob(id)?, if_welcome(whole, welcome), SIZE_LIMIT)).await;
    let row = match stored.map_err(unreadable) {
        Ok(written) => accept(cx, &row, Some(written.size)).await?,
        Err(error) => {
            if gave_up {
                // Nothing has taken the place of the first archive, so it is as good as before.
                accept(cx, &row, None).await?;
            }
            let is_taken = matches!(error, Error::Conflict(_));
            if !is_taken || sent.finalize()[..] != digest(cx, id).await? {
                return Err(error);
            }
            row
        }
    };
    queue_run(cx, &row).await
}

/// Whether its archive stays: a run uses it, or it is not the newest any more.
async fn is_kept(tx: &Tx, workspace: &Workspace, row: &ConfigurationVersion) -> Result<bool> {
    let is_current = workspace.current_configuration_id.as_ref() == Some(&row.id);
    let runs = run::Entity::find()
        .filter(run::Column::ConfigurationVersionId.eq(&row.id))
        .count(tx.db())
        .await?;
    Ok(runs > 0 || !(is_current || row.speculative || row.provisional))
}

/// Gives up the archive that there is, if there is one, so that a run that is queued from here on waits for the new one.
async fn give_up(cx: &Ctx, row: &ConfigurationVersion) -> Result<bool> {
    let tx = cx.write().await?;
    let (workspace, mut row) = lock(&tx, row).await?;
    match row.status {
        Status::Pending => return Ok(false),
        Status::Uploaded if !is_kept(&tx, &workspace, &row).await? => {}
        _ => {
            const WHY: &str =
                "A run uses the archive of this configuration version, or a newer one is there.";
            return Err(Error::conflict(WHY));
        }
    }
    row.status = Status::Pending;
    let row = tx.update(row).await?;
    tx.emit(Happened::ConfigurationReopened, subject(&workspace, &row.id), json!({})).await?;
    tx.commit().await?;
    Ok(true)
}

/// Discards the archive of a configuration that is not the current one any more.
///
/// # Errors
/// Conflict, with the words that clients look for, while it is current, while a run needs it, or if there is none.
pub async fn archive(
    cx: &Ctx,
    configuration: &Granted<can::ArchiveConfiguration, In<ConfigurationVersion>>,
) -> Result<()> {
    let refused = |why: &str| Err(Error::conflict(format!("transition not allowed: {why}")));
    let tx = cx.write().await?;
    let (workspace, mut row) = lock(&tx, &configuration.row).await?;
    if workspace.current_configuration_id.as_ref() == Some(&row.id) {
        return refused("configuration could not be archived because it is current");
    }
    if row.status != Status::Uploaded {
        return refused("configuration could not be archived because it has no archive");
    }
    if retention::is_needed(&tx, &row).await? {
        return refused("configuration could not be archived because a run needs it");
    }
    reach(&mut row, Status::Archived, tx.now());
    let row = tx.update(row).await?;
    cleanup::later(&tx, vec![Orphan::blob(Kind::Configuration, &row.id)?]).await?;
    tx.emit(Happened::ConfigurationArchived, subject(&workspace, &row.id), json!({})).await?;
    tx.commit().await
}

/// The first bytes, if an archive begins like that.
async fn beginning(
    archive: &mut (impl Stream<Item = Result<Bytes, blobs::Error>> + Unpin),
) -> Result<Option<Bytes>> {
    let mut bytes = BytesMut::new();
    while bytes.len() < GZIP.len() {
        match archive.next().await {
            Some(piece) => bytes.extend_from_slice(&piece.map_err(unreadable)?),
            None => return Ok(None),
        }
    }
    Ok(bytes.starts_with(&GZIP).then(|| bytes.freeze()))
}

/// The archive is there: a new one of that many bytes, or still the one before.
async fn accept(
    cx: &Ctx,
    row: &ConfigurationVersion,
    size: Option<u64>,
) -> Result<ConfigurationVersion> {
    let tx = cx.write().await?;
    let (mut workspace, mut row) = lock(&tx, row).await?;
    if !matches!(row.status, Status::Pending | Status::Fetching) {
        // Sent twice at the same time, and the other one was a little faster.
        return Ok(row.into_inner());
    }
    reach(&mut row, Status::Uploaded, tx.now());
    if let Some(size) = size {
        row.size = i64::try_from(size).ok();
    }
    let row = tx.update(row).await?;
    if !row.speculative && !row.provisional && !is_overtaken(&tx, &workspace, &row).await? {
        workspace.current_configuration_id = Some(row.id.clone());
    }
    // A run that was queued before its configuration came has its turn now.
    runs::turns::settle(&tx, &mut workspace, None).await?;
    let workspace = tx.update(workspace).await?;
    let detail = json!({ "size": row.size });
    tx.emit(Happened::ConfigurationUploaded, subject(&workspace, &row.id), detail).await?;
    tx.commit().await?;
    Ok(row)
}

/// Commits are fetched side by side, and an older one may be there last.
async fn is_overtaken(tx: &Tx, workspace: &Workspace, row: &ConfigurationVersion) -> Result<bool> {
    let current = workspace.current_configuration_id.clone();
    let Some(id) =
        current.filter(|id| from_repository::is_of_repository(row.source) && *id != row.id)
    else {
        return Ok(false);
    };
    let current = configuration_version::Entity::find_by_id(id).one(tx.db()).await?;
    Ok(current.is_some_and(|current| current.created_at > row.created_at))
}

async fn reject(cx: &Ctx, row: &ConfigurationVersion) -> Result<()> {
    const WHY: &str = "The archive must be a tar file compressed with gzip.";
    let tx = cx.write().await?;
    let (mut workspace, mut row) = lock(&tx, row).await?;
    if row.status == Status::Pending {
        reach(&mut row, Status::Errored, tx.now());
        row.error = Some("invalid archive".into());
        row.error_message = Some(WHY.into());
        let row = tx.update(row).await?;
        if workspace.current_configuration_id.as_ref() == Some(&row.id) {
            workspace.current_configuration_id = None;
        }
        let workspace = tx.update(workspace).await?;
        tx.emit(Happened::ConfigurationErrored, subject(&workspace, &row.id), json!({})).await?;
        tx.commit().await?;
    }
    Err(Error::Invalid { pointer: "/data".into(), message: WHY.into() })
}

/// The run that was asked for when the configuration was announced, once, however often the archive is sent.
pub(crate) async fn queue_run(cx: &Ctx, row: &ConfigurationVersion) -> Result<()> {
    if !row.auto_queue_runs {
        return Ok(());
    }
    let runs = run::Entity::find()
        .filter(run::Column::ConfigurationVersionId.eq(&row.id))
        .count(cx.read())
        .await?;
    if runs > 0 {
        return Ok(());
    }
    match runs::queue_for_configuration(cx, row).await {
        Ok(_) => Ok(()),
        Err(error) if !error.is_refusal() => Err(error),
        // The archive is there and can be used; only the run was not possible, such as in local mode.
        Err(refusal) => {
            tracing::info!(configuration = %row.id, "no run was queued for {}: {refusal}", row.id);
            Ok(())
        }
    }
}

/// The workspace first, as everybody does: whoever queues a run holds it.
async fn lock(
    tx: &Tx,
    row: &ConfigurationVersion,
) -> Result<(db::Locked<workspace::Entity>, db::Locked<configuration_version::Entity>)> {
    let workspace = tx.lock::<workspace::Entity>(row.workspace_id.clone()).await?;
    let row = tx.lock::<configuration_version::Entity>(row.id.clone()).await?;
    workspace.zip(row).ok_or(Error::NotFound)
}

fn reach(row: &mut ConfigurationVersion, status: Status, at: Timestamp) {
    row.status = status;
    row.status_timestamps.insert(format!("{status}-at"), at);
}

/// The archive's name in the blob store.
pub fn blob(id: &ConfigurationVersionId) -> Result<Name> {
    Ok(Name::new(Kind::Configuration, id.as_str())?)
}

/// The SHA-256 of the archive that is there.
async fn digest(cx: &Ctx, id: &ConfigurationVersionId) -> Result<[u8; 32]> {
    let (_, mut content) = cx.blobs().get_stream(&blob(id)?).await?;
    let mut digest = Sha256::new();
    while let Some(piece) = content.next().await {
        digest.update(piece?);
    }
    Ok(digest.finalize().into())
}

fn unreadable(error: blobs::Error) -> Error {
    match error {
        blobs::Error::TooLarge { limit } => {
            Error::TooLarge(format!("The archive may have at most {limit} bytes."))
        }
        blobs::Error::Content(reason) if !reason.is::<Error>() => {
            Error::BadRequest("The upload broke off.".into())
        }
        other => other.into(),
    }
}

fn subject<'a>(workspace: &'a Workspace, id: &'a ConfigurationVersionId) -> Subject<'a> {
    Subject { kind: "configuration-versions", id: id.as_str(), ..workspaces::subject(workspace) }
}
