//! State versions: each state that a workspace ever had, the newest being the current one. None is ever changed.

mod compare;
mod content;
mod create;
mod format_3;
mod from_run;
mod incoming;
mod late_outputs;
mod outputs;
mod past;
mod receive;
mod record;
mod recovered;
mod resources;
mod rollback;
mod succession;

use std::collections::HashMap;

use blobs::{Kind, Name};
use db::{
    entity::{
        state_version::{self, Status},
        workspace,
    },
    id::{StateVersionId, StateVersionOutputId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

pub use compare::{Became, Compared, Comparison, compare};
pub(crate) use content::read_blob;
pub use create::{New, create, create_from_file};
pub(crate) use from_run::{finish_intermediate, read_back};
pub use from_run::{save_from_run, save_json_from_run};
pub use incoming::Incoming;
pub use late_outputs::keep_late_outputs;
pub use outputs::{
    Output, current_outputs, find_output, list_outputs, load_many_of_workspaces, load_many_outputs,
    load_outputs, reveal,
};
pub use past::take_past;
pub use receive::{receive, receive_json};
pub(crate) use recovered::{Place, keep_recovered};
pub use resources::{ManagedResource, ResourceSort, resources};
pub use rollback::rollback;

use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, Tx, can, configurations,
    row::{IngressAttributes, StateVersion, Workspace},
    workspaces,
};

/// Where values of outputs are sealed for.
const OUTPUT_PURPOSE: &str = "state_version_outputs.value";

/// A state version with what it shows beside its own row.
#[derive(Clone, Debug)]
pub struct Details {
    pub version: StateVersion,
    /// `None` for very many, which only lists tell, by pages.
    pub output_ids: Option<Vec<StateVersionOutputId>>,
    /// What its run was made of, if that came from a repository.
    pub commit: Option<IngressAttributes>,
}

pub async fn find(cx: &Ctx, id: &StateVersionId) -> Result<Found<In<StateVersion>>> {
    workspaces::find_in::<state_version::Entity>(cx, id, |row| &row.workspace_id).await
}

async fn by_id(cx: &Ctx, id: &StateVersionId) -> Result<Option<StateVersion>> {
    Ok(state_version::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// The current state version.
///
/// # Errors
/// NotFound as long as there is none.
pub async fn current(cx: &Ctx, workspace: &Granted<can::ReadState>) -> Result<StateVersion> {
    current_of(cx, workspace).await?.ok_or(Error::NotFound)
}

pub(crate) async fn current_of(cx: &Ctx, workspace: &Workspace) -> Result<Option<StateVersion>> {
    match &workspace.current_state_version_id {
        Some(id) => by_id(cx, id).await,
        None => Ok(None),
    }
}

/// Whether OpenTofu has encrypted it: it is kept and given back as it is, and nothing can be read from it.
pub fn is_encrypted(version: &StateVersion) -> bool {
    version.status == Status::Finalized && version.state_format.is_none()
}

/// # Errors
/// Conflict for a state that is encrypted: to show nothing of it would look as if there were nothing.
fn check_readable(version: &StateVersion) -> Result<()> {
    if is_encrypted(version) {
        return Err(Error::conflict(format!(
            "The state version {} is encrypted by OpenTofu: its outputs and resources cannot be read here.",
            version.id
        )));
    }
    Ok(())
}

/// A workspace's state versions, the newest first.
pub async fn list(
    cx: &Ctx,
    workspace: &Granted<can::ReadState>,
    status: Option<Status>,
    paging: Paging,
) -> Result<Page<StateVersion>> {
    let mut query = state_version::Entity::find()
        .filter(state_version::Column::WorkspaceId.eq(&workspace.id))
        .order_by_desc(state_version::Column::Number);
    if let Some(status) = status {
        query = query.filter(state_version::Column::Status.eq(status));
    }
    Ok(db::page(cx.read(), query, paging).await?)
}

/// A few queries, however many versions there are.
pub async fn details(cx: &Ctx, versions: Vec<StateVersion>) -> Result<Vec<Details>> {
    let mut outputs = workspaces::output_ids_of(cx, versions.iter().map(|row| &row.id)).await?;
    let runs: Vec<_> = versions.iter().filter_map(|row| row.run_id.clone()).collect();
    let commits = configurations::commits_of_runs(cx, &runs).await?;
    let details = versions.into_iter().map(|version| {
        let output_ids = outputs.remove(&version.id).unwrap_or_default();
        let commit = version.run_id.as_ref().and_then(|run| commits.get(run).cloned());
        Details { version, output_ids, commit }
    });
    Ok(details.collect())
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[StateVersionId]) -> Result<Vec<StateVersion>> {
    let rows = state_version::Entity::find()
        .filter(state_version::Column::Id.is_in(ids))
        .all(cx.read())
        .await?;
    let workspaces: HashMap<_, _> = workspace::Entity::find()
        .filter(workspace::Column::Id.is_in(rows.iter().map(|row| &row.workspace_id)))
        .all(cx.read())
        .await?
        .into_iter()
        .map(|workspace| (workspace.id.clone(), workspace))
        .collect();
    let readable = |row: &StateVersion| {
        workspaces.get(&row.workspace_id).is_some_and(|place| cx.may::<can::ReadState>(place))
    };
    Ok(rows.into_iter().filter(readable).collect())
}

/// What was announced to a workspace and has not come is not waited for any more.
pub(crate) async fn give_up_pending(tx: &Tx, workspace: &WorkspaceId) -> Result<()> {
    record::discard_pending(tx, workspace).await
}

fn blob(kind: Kind, id: &StateVersionId) -> Result<Name> {
    Ok(Name::new(kind, id.as_str())?)
}
