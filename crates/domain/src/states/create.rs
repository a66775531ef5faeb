//! New state versions, as clients announce or send them.

use blobs::Kind;
use bytes::Bytes;
use db::{
    entity::run,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use futures::stream;

use super::{
    blob, content,
    incoming::{Files, Incoming},
    record::{self, Arrived, Bringer, Draft, Recorded},
    succession::Relation,
};
use crate::{
    Ctx, Error, Granted, Result, can,
    context::to_its_end,
    id::RunId,
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
    pub run_id: Option<RunId>,
}

/// Creates a state version: finalized and current at once if the state came along, else pending until it is uploaded.
/// The current version once more is answered with the current version.
///
/// Announced serials are taken at their word: clients send states whose own serial differs.
///
/// # Errors
/// Conflict unless the caller holds the lock, or if the state does not follow on the current one and is not
/// forced; Invalid for a wrong digest or what is not a state. Whoever may no longer do it when all of it has come is
/// told so.
pub async fn create(
    cx: &Ctx,
    workspace: &Granted<can::CreateStateVersion>,
    new: New,
    incoming: Incoming,
) -> Result<StateVersion> {
    let files = incoming.files();
    let (cx, workspace) = (cx.clone(), Workspace::clone(workspace));
    to_its_end(async move {
        let recorded = Box::pin(recorded(&cx, &workspace, new, &files)).await;
        let is_new = |recorded: &Recorded| matches!(recorded, Recorded::New(_));
        record::drop_unless_recorded(&cx, &files.id, &recorded, is_new).await;
        match recorded? {
            Recorded::New(row) | Recorded::Current(row) => Ok(row),
        }
    })
    .await
}

async fn recorded(cx: &Ctx, workspace: &Workspace, new: New, files: &Files) -> Result<Recorded> {
    may_write(cx, workspace)?;
    let md5 = check(&new)?;
    if let Some(run) = &new.run_id {
        check_run(cx, workspace, run).await?;
    }
    let id = files.id.clone();
    let mut lineage = new.lineage.unwrap_or_default();
    let mut arrived = None;
    if let Some(state) = &files.state {
        if state.md5_hex != md5 {
            return Err(wrong_md5());
        }
        let content = content::of_blob(cx, &blob(Kind::State, &id)?).await?;
        if lineage.is_empty() {
            lineage.clone_from(&content.lineage);
        }
        arrived = Some(Arrived::new(cx, &id, content, state.size));
    }
    let draft = Draft {
        id,
        serial: new.serial,
        lineage,
        md5,
        content: arrived,
        intermediate: false,
        has_json_state: files.has_json_state,
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
    Box::pin(record::record(cx, &workspace.id, draft, &Bringer::Caller, take)).await
}

/// Takes a state as a file has it, under the serial that stands in it.
///
/// # Errors
/// As [`create`]; invalid for what is not a state, and for one that is encrypted so that no serial can be read.
pub async fn create_from_file(
    cx: &Ctx,
    workspace: &Granted<can::CreateStateVersion>,
    state: Bytes,
    force: bool,
) -> Result<StateVersion> {
    let mut incoming = Incoming::of_next(cx, workspace);
    match Box::pin(told_by_file(&mut incoming, state, force)).await {
        Ok(new) => create(cx, workspace, new, incoming).await,
        Err(error) => {
            incoming.forget().await;
            Err(error)
        }
    }
}

async fn told_by_file(incoming: &mut Incoming, state: Bytes, force: bool) -> Result<New> {
    incoming.take_state(stream::iter([Ok::<_, std::io::Error>(state)])).await?;
    let Some((written, content)) = incoming.content().await? else {
        return Err(Error::invalid("file", "can't be empty"));
    };
    let serial = content.serial.ok_or_else(|| {
        let why = "is encrypted, and tells no serial: let its own command line push it";
        Error::invalid("file", why)
    })?;
    Ok(New { serial, md5: written.md5_hex.clone(), force, ..New::default() })
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

pub(super) fn check(new: &New) -> Result<String> {
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
