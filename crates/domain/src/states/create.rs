//! New state versions, as clients announce or send them.

use blobs::Kind;
use bytes::Bytes;
use db::{
    entity::run,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use md5::{Digest, Md5};

use super::{
    blob, content,
    record::{self, Arrived, Draft, Recorded},
    succession::Relation,
};
use crate::{
    Ctx, Error, Granted, Result, can,
    id::{RunId, StateVersionId},
    row::{StateVersion, Workspace},
};

/// What a client says of a new state.
#[derive(Debug, Default)]
pub struct New {
    pub serial: i64,
    /// Hex MD5 of the raw state.
    pub md5: String,
    pub lineage: Option<String>,
    /// Takes a state that does not follow on the current one.
    pub force: bool,
    /// Without it the version is pending until the state is uploaded.
    pub state: Option<Bytes>,
    /// The state in the form of `show -json`.
    pub json_state: Option<Bytes>,
    pub run_id: Option<RunId>,
}

/// Creates a state version: finalized and current at once if the state comes along, else pending. The current
/// version once more is answered with the current version.
///
/// Announced serials are taken at their word: clients send states whose own serial differs.
///
/// # Errors
/// Conflict unless the caller holds the lock, or if the state does not follow on the current one and is not
/// forced; Invalid for a wrong digest or what is not a state.
pub async fn create(
    cx: &Ctx,
    workspace: &Granted<can::CreateStateVersion>,
    new: New,
) -> Result<StateVersion> {
    may_write(cx, workspace)?;
    let md5 = check(&new)?;
    if let Some(run) = &new.run_id {
        check_run(cx, workspace, run).await?;
    }
    let id = StateVersionId::fresh();
    let mut lineage = new.lineage.unwrap_or_default();
    let mut arrived = None;
    let mut has_json_state = false;
    if let Some(state) = new.state {
        if hex::encode(Md5::digest(&state)) != md5 {
            return Err(wrong_md5());
        }
        let content = content::of_bytes(state.clone()).await?;
        if lineage.is_empty() {
            lineage.clone_from(&content.lineage);
        }
        let size = cx.blobs().put(&blob(Kind::State, &id)?, state).await?.size;
        arrived = Some(Arrived::new(cx, &id, content, size));
        // Clients send an empty text when they have no schemas.
        if let Some(json) = new.json_state.filter(|json| !json.is_empty()) {
            cx.blobs().put(&blob(Kind::JsonState, &id)?, json).await?;
            has_json_state = true;
        }
    }
    let stored = arrived.is_some();
    let draft = Draft {
        id: id.clone(),
        serial: new.serial,
        lineage,
        md5,
        content: arrived,
        intermediate: false,
        has_json_state,
        run_id: new.run_id,
        created_by_id: cx.actor().user_id(),
        rollback_of_id: None,
    };
    let take = |relation: Relation, _: Option<&StateVersion>| match relation {
        Relation::Next | Relation::Repeated => Ok(true),
        Relation::Same => Ok(false),
        _ if new.force => Ok(true),
        _ => Err(Error::conflict(relation.refusal())),
    };
    let recorded = record::record(cx, &workspace.id, draft, |place| may_write(cx, place), take);
    let recorded = Box::pin(recorded).await;
    if stored && !matches!(recorded, Ok(Recorded::New(_))) {
        record::drop_blobs(cx, &id).await;
    }
    match recorded? {
        Recorded::New(row) | Recorded::Current(row) => Ok(row),
    }
}

/// The caller holds the lock.
pub(super) fn may_write(cx: &Ctx, workspace: &Workspace) -> Result<()> {
    if cx.may::<can::WriteLockedState>(workspace) {
        Ok(())
    } else {
        Err(Error::conflict(
            "Workspaces only accept state uploads when the workspace is locked by whoever uploads.",
        ))
    }
}

pub(super) fn wrong_md5() -> Error {
    Error::invalid("md5", "is not the MD5 of the state")
}

fn check(new: &New) -> Result<String> {
    if new.serial < 0 {
        return Err(Error::invalid("serial", "must not be negative"));
    }
    if new.serial > content::LARGEST_SERIAL {
        let why = format!(
            "must be at most {}, so that engines can go on from it",
            content::LARGEST_SERIAL
        );
        return Err(Error::invalid("serial", why));
    }
    let md5 = new.md5.to_ascii_lowercase();
    if md5.len() != 32 || !md5.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::invalid("md5", "must be 32 hexadecimal digits"));
    }
    if new.lineage.as_ref().is_some_and(|lineage| lineage.len() > 255) {
        return Err(Error::invalid("lineage", "has at most 255 characters"));
    }
    Ok(md5)
}

async fn check_run(cx: &Ctx, workspace: &Workspace, run: &RunId) -> Result<()> {
    run::Entity::find_by_id(run.clone())
        .filter(run::Column::WorkspaceId.eq(&workspace.id))
        .one(cx.read())
        .await?
        .map(drop)
        .ok_or_else(|| Error::invalid_relation("run", "There is no such run in this workspace."))
}
