//! Versions of policy sets that come from a repository: announced with a commit, fetched by a task, in force as soon as
//! they could be read.

use std::io::Read as _;

use bytes::Bytes;
use db::{
    Json,
    entity::{
        configuration_version::Source,
        policy_set,
        policy_set_version::{self as version, Ingress, Status},
    },
    id::{PolicySetId, PolicySetVersionId, RepositoryId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::json;

use super::{changed, subject, versions};
use crate::{
    Ctx, Error, Happened, Result,
    row::{PolicySet, PolicySetVersion},
};

/// A task: the archive of a version is to be made.
pub(crate) const FETCH_POLICIES: &str = "fetch policies";
/// A task: a set has come to a repository, and gets what its branch has.
pub(crate) const CONNECTED_SET: &str = "connected policy set";

/// Bytes of all files, unpacked: more than any archive may have packed.
const UNPACKED: u64 = 64 << 20;

/// Nobody knows which policies it has: those of its repository have not been read yet.
pub(crate) fn is_unread(set: &PolicySet) -> bool {
    set.vcs_repo.is_some() && (set.repository_id.is_none() || set.current_version_id.is_none())
}

/// Those that take their policies from a repository, by name.
pub(crate) async fn of_repository(cx: &Ctx, id: &RepositoryId) -> Result<Vec<PolicySet>> {
    Ok(policy_set::Entity::find()
        .filter(policy_set::Column::RepositoryId.eq(id))
        .filter(policy_set::Column::VcsRepo.is_not_null())
        .order_by_asc(policy_set::Column::Name)
        .all(cx.read())
        .await?)
}

/// Announces a version of a commit, unless the newest one is of it already.
pub(crate) async fn announce(
    cx: &Ctx,
    set: &PolicySetId,
    repository: &RepositoryId,
    source: Source,
    ingress: Ingress,
) -> Result<()> {
    let tx = cx.write().await?;
    let Some(mut row) = tx.lock::<policy_set::Entity>(set.clone()).await? else {
        tx.roll_back().await;
        return Ok(());
    };
    let newest = match row.newest_version_id.clone() {
        Some(id) => version::Entity::find_by_id(id).one(tx.db()).await?,
        None => None,
    };
    let is_known = newest.is_some_and(|newest| {
        newest.status != Status::Errored
            && newest.ingress.is_some_and(|known| known.commit_sha == ingress.commit_sha)
    });
    let is_known = is_known && row.newest_version_id.is_some() && row.current_version_id.is_some();
    // It may have been given another repository meanwhile.
    if is_known || row.repository_id.as_ref() != Some(repository) {
        tx.roll_back().await;
        return Ok(());
    }
    let new = tx
        .insert(PolicySetVersion {
            id: PolicySetVersionId::fresh(),
            policy_set_id: row.id.clone(),
            status: Status::Ingressing,
            error: None,
            error_message: None,
            policies: Json::default(),
            status_timestamps: Json([("ingressing-at".to_owned(), tx.now())].into()),
            created_by_id: None,
            created_at: tx.now(),
            updated_at: tx.now(),
            ingress: Some(Json(ingress)),
            source: Some(source),
        })
        .await?;
    row.newest_version_id = Some(new.id.clone());
    let row = changed(&tx, row).await?;
    let detail = json!({ "version": new.id });
    tx.emit(Happened::PolicySetVersionCreated, subject(&row), detail).await?;
    tx.later(FETCH_POLICIES, &new.id).await?;
    tx.commit().await
}

/// One that is still to be fetched, with its set.
pub(crate) async fn awaited(
    cx: &Ctx,
    id: &PolicySetVersionId,
) -> Result<Option<(PolicySet, PolicySetVersion, Ingress)>> {
    let row = version::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let Some(row) = row.filter(|row| row.status == Status::Ingressing) else { return Ok(None) };
    let Some(Json(ingress)) = row.ingress.clone() else { return Ok(None) };
    let set = super::by_id(cx, &row.policy_set_id).await?;
    Ok(set.map(|set| (set, row, ingress)))
}

/// The archive of the whole repository is here: what lies below the set's path is kept.
pub(crate) async fn take(
    cx: &Ctx,
    set: &PolicySet,
    id: &PolicySetVersionId,
    all: Bytes,
) -> Result<()> {
    let path = set.policies_path.clone().unwrap_or_default();
    let kept = tokio::task::spawn_blocking(move || below(&all, &path)).await;
    match kept.map_err(|error| Error::Internal(error.into()))? {
        Ok(archive) => versions::keep(cx, set, id, archive).await,
        Err(why) => fail(cx, id, &why).await,
    }
}

/// It cannot be had, for a reason that people are shown.
pub(crate) async fn fail(cx: &Ctx, id: &PolicySetVersionId, why: &str) -> Result<()> {
    versions::conclude_as(cx, id, Err(why.to_owned())).await.map(|_| ())
}

/// The files below a folder of an archive, with that folder as their root.
fn below(archive: &[u8], folder: &str) -> Result<Bytes, String> {
    let words = |error: std::io::Error| format!("The archive cannot be read: {error}.");
    let folder = folder.trim_matches('/');
    let mut all = tar::Archive::new(GzDecoder::new(archive).take(UNPACKED));
    let mut kept = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut count = 0;
    for entry in all.entries().map_err(words)? {
        let mut entry = entry.map_err(words)?;
        let path = entry.path().map_err(words)?.into_owned();
        let Ok(path) = path.strip_prefix(folder) else { continue };
        if !entry.header().entry_type().is_file() || path.as_os_str().is_empty() {
            continue;
        }
        let (path, mut header) = (path.to_owned(), entry.header().clone());
        kept.append_data(&mut header, path, &mut entry).map_err(words)?;
        count += 1;
    }
    if count == 0 && !folder.is_empty() {
        return Err(format!("The repository has no files in {folder}."));
    }
    let archive = kept.into_inner().and_then(GzEncoder::finish).map_err(words)?;
    if archive.len() > versions::SIZE_LIMIT {
        let limit = versions::SIZE_LIMIT;
        return Err(format!("The policies have more than {limit} bytes as an archive."));
    }
    Ok(archive.into())
}
