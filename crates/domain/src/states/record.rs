//! Writing the row of a state version: in order of arrival, the newest finalized one being the current one.
//!
//! A workspace has at most one pending version, and that is its newest: whatever comes later discards it. So a
//! version that is finalized is always the newest, and becomes the current one.

use blobs::Kind;
use db::{
    Json, JsonText, Locked,
    entity::{
        state_version::{self, Status},
        state_version_output, workspace,
    },
    id::{RunId, StateVersionId, UserId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect},
};
use serde_json::{Value, json};

use super::{
    content::Content, create::may_write, late_outputs, outputs::sealed, succession::Relation,
};
use crate::{
    Ctx, Error, Found, Happened, Result, Subject, Tx, accounts, can,
    cleanup::{self, Orphan},
    locks,
    row::{StateVersion, StateVersionOutput, Workspace},
    runs,
};

/// Who brings a state. It may have taken minutes to come: whether he may is asked again when it is there, by whoever
/// has locked the workspace to record it.
#[derive(Clone, Debug)]
pub(super) enum Bringer {
    /// Whoever holds the lock.
    Caller,
    /// An agent, for the run that holds it.
    Run(RunId),
}

impl Bringer {
    pub async fn check(&self, cx: &Ctx, place: &Workspace) -> Result<()> {
        let cx = accounts::refreshed(cx).await?;
        match self {
            Self::Caller => {
                cx.check::<can::CreateStateVersion, _>(Found::new(place.clone()))?;
                may_write(&cx, place)
            }
            Self::Run(run) if locks::is_held_by_run(place, run) => Ok(()),
            Self::Run(_) => {
                Err(Error::conflict("The run does not hold the lock of its workspace (any more)."))
            }
        }
    }
}

/// A version that is about to be recorded; its blobs are stored already.
#[derive(Debug)]
pub(super) struct Draft {
    pub id: StateVersionId,
    pub serial: i64,
    pub lineage: String,
    pub md5: String,
    /// Without it the version is pending.
    pub content: Option<Arrived>,
    pub intermediate: bool,
    pub has_json_state: bool,
    pub run_id: Option<RunId>,
    pub created_by_id: Option<UserId>,
    pub rollback_of_id: Option<StateVersionId>,
}

/// The content of a version, its bytes and its outputs.
#[derive(Debug)]
pub(super) struct Arrived {
    content: Content,
    size: u64,
    outputs: Vec<StateVersionOutput>,
    output_count: u64,
}

impl Arrived {
    pub fn new(cx: &Ctx, id: &StateVersionId, mut content: Content, size: u64) -> Self {
        let outputs = content.outputs();
        let output_count = outputs.count;
        let outputs = outputs.few.into_iter().map(|output| sealed(cx, id, output)).collect();
        Self { content, size, outputs, output_count }
    }

    /// Keeps the outputs of a version, or leaves them for later where they are so many that everybody else would wait
    /// for it.
    pub async fn keep_outputs(self, tx: &Tx, row: &StateVersion) -> Result<()> {
        if row.resources_processed {
            db::insert_many::<_, state_version_output::ActiveModel>(tx, self.outputs).await?;
        } else {
            late_outputs::keep_later(tx, &row.id).await?;
        }
        Ok(())
    }
}

/// What became of a draft.
#[derive(Debug)]
pub(super) enum Recorded {
    New(StateVersion),
    /// The current version stands for it; the draft's blobs are nobody's.
    Current(StateVersion),
}

/// Records a version. `take` decides by the relation to the current version, and by that version itself, whether the
/// draft is recorded or the current version stands for it.
pub(super) async fn record(
    cx: &Ctx,
    workspace: &WorkspaceId,
    draft: Draft,
    bringer: &Bringer,
    take: impl FnOnce(Relation, Option<&StateVersion>) -> Result<bool>,
) -> Result<Recorded> {
    let mut tx = cx.write().await?;
    let place = tx.lock::<workspace::Entity>(workspace.clone()).await?.ok_or(Error::NotFound)?;
    bringer.check(cx, &place).await?;
    let current = match &place.current_state_version_id {
        Some(id) => state_version::Entity::find_by_id(id.clone()).one(tx.db()).await?,
        None => None,
    };
    let Draft { serial, lineage, md5, .. } = &draft;
    let relation = Relation::of(current.as_ref(), place.locked_at, *serial, lineage, md5);
    let take = take(relation, current.as_ref())?;
    if let Some(current) = current.filter(|_| !take) {
        tx.roll_back().await;
        if draft.content.is_some() && draft.md5 == current.md5 {
            Box::pin(mend(cx, &current, &draft.id)).await?;
        }
        return Ok(Recorded::Current(current));
    }
    let row = Box::pin(insert(&mut tx, place, draft)).await?;
    tx.commit().await?;
    Ok(Recorded::New(row))
}

/// Records a version in a workspace that is locked, and makes it the current one if its content is there.
pub(super) async fn insert(
    tx: &mut Tx,
    place: Locked<workspace::Entity>,
    draft: Draft,
) -> Result<StateVersion> {
    discard_pending(tx, &place.id).await?;
    let mut row = StateVersion {
        id: draft.id,
        workspace_id: place.id.clone(),
        number: next_number(tx, &place.id).await?,
        serial: draft.serial,
        lineage: draft.lineage,
        md5: draft.md5,
        size: 0,
        status: Status::Pending,
        intermediate: draft.intermediate,
        state_format: None,
        terraform_version: None,
        resources_processed: false,
        resources: JsonText::new("[]"),
        modules: Json(json!({})),
        providers: Json(json!({})),
        resource_count: 0,
        output_count: 0,
        has_json_state: draft.has_json_state,
        run_id: draft.run_id,
        created_by_id: draft.created_by_id,
        rollback_of_id: draft.rollback_of_id,
        created_at: tx.now(),
        soft_deleted_at: None,
    };
    Ok(match draft.content {
        None => tx.insert(row).await?,
        Some(mut arrived) => {
            fill(&mut row, &mut arrived);
            let row = tx.insert(row).await?;
            make_current(tx, place, &row, arrived).await?;
            row
        }
    })
}

async fn next_number(tx: &Tx, workspace: &WorkspaceId) -> Result<i64> {
    let last: Option<Option<i64>> = state_version::Entity::find()
        .select_only()
        .column_as(state_version::Column::Number.max(), "number")
        .filter(state_version::Column::WorkspaceId.eq(workspace))
        .into_tuple()
        .one(tx.db())
        .await?;
    Ok(last.flatten().unwrap_or_default() + 1)
}

/// Puts into the row what its content tells.
pub(super) fn fill(row: &mut StateVersion, arrived: &mut Arrived) {
    let content = &mut arrived.content;
    let summary = content.summary();
    row.status = Status::Finalized;
    row.size = i64::try_from(arrived.size).unwrap_or(i64::MAX);
    if row.lineage.is_empty() {
        row.lineage.clone_from(&content.lineage);
    }
    row.state_format = content.version;
    row.terraform_version.clone_from(&content.terraform_version);
    row.resources = summary.resources;
    row.modules = Json(Value::Object(summary.modules));
    row.providers = Json(Value::Object(summary.providers));
    row.resource_count = summary.managed;
    row.output_count = i64::try_from(arrived.output_count).unwrap_or(i64::MAX);
    row.resources_processed = arrived.outputs.len() as u64 == arrived.output_count;
}

/// Makes a version that has just been finalized the current one, with its outputs.
pub(super) async fn make_current(
    tx: &mut Tx,
    mut place: Locked<workspace::Entity>,
    row: &StateVersion,
    arrived: Arrived,
) -> Result<()> {
    arrived.keep_outputs(tx, row).await?;
    place.current_state_version_id = Some(row.id.clone());
    // Of an encrypted state nobody knows: what was known last stays.
    let is_readable = !super::is_encrypted(row);
    if is_readable {
        place.resource_count = row.resource_count;
    }
    place.latest_change_at = tx.now();
    let is_empty = is_readable && row.resource_count == 0;
    crate::workspaces::auto_destroy::note_activity(&mut place, is_empty, tx.now());
    runs::saved_plans::outdate(tx, &mut place).await?;
    if row.run_id.is_none() {
        runs::unsaved::await_no_more(tx, &place.id).await?;
    }
    let place = tx.update(place).await?;
    let subject = Subject {
        kind: "state-versions",
        id: row.id.as_str(),
        organization: Some(&place.organization_name),
        workspace: Some(&place.id),
        run: row.run_id.as_ref(),
    };
    let detail = json!({
        "serial": row.serial,
        "size": row.size,
        "intermediate": row.intermediate,
        "rollback_of": row.rollback_of_id,
    });
    tx.emit(Happened::StateVersionCreated, subject, detail).await
}

/// What was announced and has not come is not waited for any more.
pub(super) async fn discard_pending(tx: &Tx, workspace: &WorkspaceId) -> Result<()> {
    let pending: Vec<StateVersionId> = state_version::Entity::find()
        .select_only()
        .column(state_version::Column::Id)
        .filter(state_version::Column::WorkspaceId.eq(workspace))
        .filter(state_version::Column::Status.eq(Status::Pending))
        .into_tuple()
        .all(tx.db())
        .await?;
    for id in pending {
        if let Some(mut row) = tx.lock::<state_version::Entity>(id).await? {
            row.status = Status::Discarded;
            let row = tx.update(row).await?;
            forget_blobs(tx, &row.id).await?;
        }
    }
    Ok(())
}

/// Has the blobs of a version deleted that will never be finalized.
pub(super) async fn forget_blobs(tx: &Tx, id: &StateVersionId) -> Result<()> {
    let orphans = vec![Orphan::blob(Kind::State, id)?, Orphan::blob(Kind::JsonState, id)?];
    cleanup::later(tx, orphans).await
}

/// Deletes the blobs of a draft unless it was recorded. A commit whose answer got lost may hold all the same: then they
/// stay, and are deleted after a day if no row names them.
pub(super) async fn drop_unless_recorded<T>(
    cx: &Ctx,
    id: &StateVersionId,
    outcome: &Result<T>,
    is_recorded: impl FnOnce(&T) -> bool,
) {
    let is_nobodys = match outcome {
        Ok(outcome) => !is_recorded(outcome),
        Err(error) => !matches!(error, Error::InDoubt(_)),
    };
    if is_nobodys {
        drop_blobs(cx, id).await;
    }
}

/// Stores the content of a version anew, from that of a draft with the same, if what is stored of it cannot be read:
/// whoever brings a state once more is told that it is there.
pub(super) async fn mend(cx: &Ctx, row: &StateVersion, draft: &StateVersionId) -> Result<()> {
    if !is_whole(cx, row).await? {
        tracing::warn!(state_version = %row.id, "what was stored of {} is replaced by what came", row.id);
        let (from, to) = (super::blob(Kind::State, draft)?, super::blob(Kind::State, &row.id)?);
        cx.blobs().copy(&from, &to).await?;
    }
    Ok(())
}

/// Whether the content of a version can be read, and is what it was.
///
/// # Errors
/// Unavailable where nobody can tell.
pub(super) async fn is_whole(cx: &Ctx, row: &StateVersion) -> Result<bool> {
    let stored = async {
        let (_, content) = cx.blobs().get_stream(&super::blob(Kind::State, &row.id)?).await?;
        super::receive::digest(content).await
    };
    match stored.await {
        Ok(digest) => Ok(digest == row.md5),
        Err(error @ Error::Unavailable(_)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// Deletes at once the blobs of a draft of which nobody was told.
pub(super) async fn drop_blobs(cx: &Ctx, id: &StateVersionId) {
    for kind in [Kind::State, Kind::JsonState] {
        drop_blob(cx, kind, id).await;
    }
}

pub(super) async fn drop_blob(cx: &Ctx, kind: Kind, id: &StateVersionId) {
    let deleted = match super::blob(kind, id) {
        Ok(name) => cx.blobs().delete(&name).await.map_err(Error::from),
        Err(error) => Err(error),
    };
    if let Err(error) = deleted {
        tracing::warn!(state_version = %id, %error, "blobs of {id} are left over");
    }
}
