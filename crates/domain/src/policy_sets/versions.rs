//! Versions of policy sets: announced, then uploaded as an archive, and in force as soon as it could be read.

use std::pin::pin;

use ::policy::sentinel::SentinelSet;
use blobs::{Kind as BlobKind, Name};
use bytes::{Bytes, BytesMut};
use db::{
    Json,
    entity::{
        policy::{Enforcement, Kind},
        policy_set_member::{self as member, Role},
        policy_set_version::{self as version, Declared, Status},
    },
    id::{PolicySetId, PolicySetVersionId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder},
};
use futures::{Stream, TryStreamExt};
use serde_json::json;

use super::{changed, lock, subject};
use crate::{
    Ctx, Error, Found, Granted, Happened, In, Page, Paging, Result, accounts, can,
    cleanup::Orphan,
    policies::{check_enforcement, check_prose},
    row::{Organization, PolicySet, PolicySetVersion},
};

/// Bytes of an archive, compressed.
pub(super) const SIZE_LIMIT: usize = 10 << 20;

/// The version, with its organization.
pub async fn find(
    cx: &Ctx,
    id: &PolicySetVersionId,
) -> Result<Found<In<PolicySetVersion, Organization>>> {
    let row = by_id(cx, id).await?.ok_or(Error::NotFound)?;
    let of = super::find(cx, &row.policy_set_id).await?.into_unchecked().of;
    Ok(Found::new(In { row, of }))
}

async fn by_id(cx: &Ctx, id: &PolicySetVersionId) -> Result<Option<PolicySetVersion>> {
    Ok(version::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// Those of a set, newest first.
pub async fn list(
    cx: &Ctx,
    set: &Granted<can::ReadPolicies, In<PolicySet, Organization>>,
    paging: Paging,
) -> Result<Page<PolicySetVersion>> {
    let query = version::Entity::find()
        .filter(version::Column::PolicySetId.eq(&set.row.id))
        .order_by_desc(version::Column::CreatedAt)
        .order_by_desc(version::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these whose organization lets the caller see them.
pub async fn load(cx: &Ctx, ids: &[PolicySetVersionId]) -> Result<Vec<PolicySetVersion>> {
    let rows =
        version::Entity::find().filter(version::Column::Id.is_in(ids)).all(cx.read()).await?;
    let sets: Vec<PolicySetId> = rows.iter().map(|row| row.policy_set_id.clone()).collect();
    let visible = super::load(cx, &sets).await?;
    let is_visible = |row: &PolicySetVersion| visible.iter().any(|set| set.id == row.policy_set_id);
    Ok(rows.into_iter().filter(is_visible).collect())
}

/// Announces a version; its archive follows by [`receive`].
///
/// # Errors
/// Invalid for a set that has policies of the organization, or those of a repository.
pub async fn create(
    cx: &Ctx,
    set: &Granted<can::ManagePolicies, In<PolicySet, Organization>>,
) -> Result<PolicySetVersion> {
    let refused =
        |message: &str| Error::Invalid { pointer: "/data".into(), message: message.into() };
    let tx = cx.write().await?;
    let mut row = lock(&tx, &set.row.id).await?;
    if row.vcs_repo.is_some() {
        return Err(refused("The policy set takes its versions from a repository."));
    }
    let policies = member::Entity::find()
        .filter(member::Column::PolicySetId.eq(&row.id))
        .filter(member::Column::Role.eq(Role::Policy))
        .count(tx.db())
        .await?;
    if policies > 0 {
        return Err(refused("The policy set has policies of its own: remove them first."));
    }
    let new = tx
        .insert(PolicySetVersion {
            id: PolicySetVersionId::fresh(),
            policy_set_id: row.id.clone(),
            status: Status::Pending,
            error: None,
            error_message: None,
            policies: Json::default(),
            status_timestamps: Json([("pending-at".to_owned(), tx.now())].into()),
            created_by_id: cx.actor().user_id(),
            created_at: tx.now(),
            updated_at: tx.now(),
            ingress: None,
            source: None,
        })
        .await?;
    row.newest_version_id = Some(new.id.clone());
    let row = changed(&tx, row).await?;
    let detail = json!({ "version": new.id });
    tx.emit(Happened::PolicySetVersionCreated, subject(&row), detail).await?;
    tx.commit().await?;
    Ok(new)
}

/// Takes the archive of an announced version. The signed address that led here is the permission.
///
/// # Errors
/// Conflict for a second archive; Invalid for one that cannot be read: the version has then failed for good.
/// TooLarge beyond 10 MiB.
pub async fn receive<S, E>(cx: &Ctx, id: &PolicySetVersionId, archive: S) -> Result<()>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let row = by_id(cx, id).await?.ok_or(Error::NotFound)?;
    if row.status != Status::Pending {
        return Err(Error::conflict("This policy set version has its archive already."));
    }
    let set = super::by_id(cx, &row.policy_set_id).await?.ok_or(Error::NotFound)?;
    let archive = whole(archive).await?;
    // It may have taken minutes to come.
    let now = accounts::refreshed(cx).await?;
    now.check::<can::ManagePolicies, _>(find(cx, id).await?)?;
    // Whatever follows is done in the name of who announced it, and with no more rights.
    let cx = &accounts::in_name_of(cx, row.created_by_id.as_ref()).await?;
    match read(cx, &set, id, archive).await? {
        None => Ok(()),
        Some(message) => Err(Error::Invalid { pointer: "/data".into(), message }),
    }
}

/// The same for what was fetched from a repository: what is wrong with it stands on the version.
pub(super) async fn keep(
    cx: &Ctx,
    set: &PolicySet,
    id: &PolicySetVersionId,
    archive: Bytes,
) -> Result<()> {
    read(cx, set, id, archive).await.map(|_| ())
}

/// Why it cannot be read, if that is so.
async fn read(
    cx: &Ctx,
    set: &PolicySet,
    id: &PolicySetVersionId,
    archive: Bytes,
) -> Result<Option<String>> {
    let kind = set.kind;
    let copy = archive.clone();
    let read = tokio::task::spawn_blocking(move || policies_in(&copy, kind)).await;
    let read = read.map_err(|error| Error::Internal(error.into()))?;
    if read.is_ok() {
        cx.blobs().put(&blob(id)?, archive).await?;
    }
    conclude_as(cx, id, read).await
}

async fn whole<S, E>(content: S) -> Result<Bytes>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
{
    let mut content = pin!(content);
    let mut bytes = BytesMut::new();
    let broken = |_| Error::BadRequest("The upload broke off.".into());
    while let Some(piece) = content.try_next().await.map_err(broken)? {
        if bytes.len() + piece.len() > SIZE_LIMIT {
            let message = format!("The archive may have at most {SIZE_LIMIT} bytes.");
            return Err(Error::TooLarge(message));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

pub(super) async fn conclude_as(
    cx: &Ctx,
    id: &PolicySetVersionId,
    read: Result<Vec<Declared>, String>,
) -> Result<Option<String>> {
    let tx = cx.write().await?;
    let of = by_id(cx, id).await?.ok_or(Error::NotFound)?;
    let mut set = lock(&tx, &of.policy_set_id).await?;
    let mut row = tx.lock::<version::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if !matches!(row.status, Status::Pending | Status::Ingressing) {
        // Sent twice at the same time, and the other one was a little faster.
        return Ok(None);
    }
    let refusal = read.as_ref().err().cloned();
    let happened;
    (row.status, happened) = match &read {
        Ok(_) => (Status::Ready, Happened::PolicySetVersionReady),
        Err(_) => (Status::Errored, Happened::PolicySetVersionErrored),
    };
    let key = format!("{}-at", row.status);
    row.status_timestamps.insert(key, tx.now());
    row.updated_at = tx.now();
    row.error = refusal.as_ref().map(|_| "invalid archive".into());
    row.error_message.clone_from(&refusal);
    row.policies = Json(read.unwrap_or_default());
    let row = tx.update(row).await?;
    let current = match set.current_version_id.clone() {
        Some(id) => by_id(cx, &id).await?,
        None => None,
    };
    // Commits are fetched side by side, and an older one may be there last.
    let is_overtaken =
        row.ingress.is_some() && current.is_some_and(|current| current.created_at > row.created_at);
    if row.status == Status::Ready && !is_overtaken {
        set.current_version_id = Some(row.id.clone());
    }
    let set = changed(&tx, set).await?;
    let detail = json!({ "version": row.id, "error": refusal });
    tx.emit(happened, subject(&set), detail).await?;
    tx.commit().await?;
    Ok(refusal)
}

/// The policies that an archive declares; the error is for people.
fn policies_in(archive: &[u8], kind: Kind) -> Result<Vec<Declared>, String> {
    let files = ::policy::unpack(archive).map_err(|error| error.to_string())?;
    let declared = match kind {
        Kind::Opa => ::policy::declared(&files)?,
        Kind::Sentinel => SentinelSet::of_archive(&files)?.declared(),
    };
    declared.into_iter().map(|policy| check(policy, kind)).collect()
}

fn check(policy: ::policy::Declared, kind: Kind) -> Result<Declared, String> {
    let name = policy.name;
    let refused = |message: &str| format!("The policy {name}: {message}");
    let level: Enforcement = policy
        .enforcement_level
        .parse()
        .map_err(|message: String| refused(&format!("enforcement_level {message}.")))?;
    check_enforcement(kind, level)
        .map_err(|message| refused(&format!("enforcement_level {message}.")))?;
    if kind == Kind::Opa && policy.query.as_ref().is_none_or(|query| query.trim().is_empty()) {
        return Err(refused("an OPA policy needs a query."));
    }
    for text in [Some(&name), policy.query.as_ref(), policy.description.as_ref()] {
        check_prose("", text.map_or("", |text| text))
            .map_err(|_| refused("a text is too long or has characters that cannot be shown."))?;
    }
    Ok(Declared {
        description: policy.description,
        query: policy.query,
        enforcement_level: level,
        name,
    })
}

fn blob(id: &PolicySetVersionId) -> Result<Name> {
    Ok(Name::new(BlobKind::PolicySet, id.as_str())?)
}

/// The archive of a version that is ready.
pub(crate) async fn archive(cx: &Ctx, id: &PolicySetVersionId) -> Result<Bytes> {
    Ok(cx.blobs().get(&blob(id)?).await?)
}

/// What versions of these sets leave outside the database.
pub(super) async fn orphans_of(tx: &crate::Tx, sets: &[PolicySetId]) -> Result<Vec<Orphan>> {
    let rows = version::Entity::find()
        .filter(version::Column::PolicySetId.is_in(sets))
        .filter(version::Column::Status.eq(Status::Ready))
        .all(tx.db())
        .await?;
    rows.iter().map(|row| Orphan::blob(BlobKind::PolicySet, &row.id)).collect()
}
