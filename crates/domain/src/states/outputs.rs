//! Outputs of states: their values are sealed in the rows and opened for those who may read them.

use std::collections::HashMap;

use db::{
    entity::{state_version, state_version_output, workspace},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use serde_json::value::RawValue;

use super::OUTPUT_PURPOSE;
use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, can,
    id::{StateVersionId, StateVersionOutputId},
    row::{StateVersion, StateVersionOutput},
};

/// An output as its reader sees it.
#[derive(Clone, Debug)]
pub struct Output {
    pub row: StateVersionOutput,
    /// JSON as it stands in the state; absent where a sensitive value is not shown.
    pub value: Option<Box<RawValue>>,
}

pub async fn find_output(
    cx: &Ctx,
    id: &StateVersionOutputId,
) -> Result<Found<In<StateVersionOutput>>> {
    let output = state_version_output::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let output = output.ok_or(Error::NotFound)?;
    let version = super::find(cx, &output.state_version_id).await?.into_unchecked();
    Ok(Found::new(In { row: output, of: version.of }))
}

/// One output with its value, sensitive or not.
pub fn reveal(
    cx: &Ctx,
    output: &Granted<can::ReadStateOutputs, In<StateVersionOutput>>,
) -> Result<Output> {
    open(cx, output.row.clone())
}

/// The outputs of a workspace's current state, by name; none as long as there is no state.
///
/// # Errors
/// Conflict if the state is encrypted.
pub async fn current_outputs(
    cx: &Ctx,
    workspace: &Granted<can::ReadStateOutputs>,
) -> Result<Vec<Output>> {
    let Some(current) = super::current_of(cx, workspace).await? else { return Ok(Vec::new()) };
    super::check_readable(&current)?;
    let query = state_version_output::Entity::find()
        .filter(state_version_output::Column::StateVersionId.eq(&current.id));
    let name = state_version_output::Column::Name;
    let rows = query.order_by_asc(name).all(cx.read()).await?;
    rows.into_iter().map(|row| show(cx, row)).collect()
}

/// The outputs of one version, by name. Other than in lists of the current ones, sensitive values are shown, as on
/// HCP: whoever may read them here may read each of them by itself.
pub async fn list_outputs(
    cx: &Ctx,
    version: &Granted<can::ReadStateOutputs, In<StateVersion>>,
    paging: Paging,
) -> Result<Page<Output>> {
    super::check_readable(&version.row)?;
    let query = state_version_output::Entity::find()
        .filter(state_version_output::Column::StateVersionId.eq(&version.row.id));
    let name = state_version_output::Column::Name;
    let query = query.order_by_asc(name);
    let page = db::page(cx.read(), query, paging).await?;
    let items = page.items.into_iter().map(|row| open(cx, row)).collect::<Result<_>>()?;
    Ok(Page { items, total: page.total })
}

/// For includes: those of these that the caller may see.
pub async fn load_outputs(cx: &Ctx, ids: &[StateVersionOutputId]) -> Result<Vec<Output>> {
    let rows = state_version_output::Entity::find()
        .filter(state_version_output::Column::Id.is_in(ids))
        .all(cx.read())
        .await?;
    let versions: HashMap<_, _> = state_version::Entity::find()
        .select_only()
        .columns([state_version::Column::Id, state_version::Column::WorkspaceId])
        .filter(state_version::Column::Id.is_in(rows.iter().map(|row| &row.state_version_id)))
        .into_tuple::<(StateVersionId, crate::id::WorkspaceId)>()
        .all(cx.read())
        .await?
        .into_iter()
        .collect();
    let readable: Vec<_> = workspace::Entity::find()
        .filter(workspace::Column::Id.is_in(versions.values()))
        .all(cx.read())
        .await?
        .into_iter()
        .filter(|workspace| cx.may::<can::ReadStateOutputs>(workspace))
        .map(|workspace| workspace.id)
        .collect();
    rows.into_iter()
        .filter(|row| {
            versions.get(&row.state_version_id).is_some_and(|place| readable.contains(place))
        })
        .map(|row| show(cx, row))
        .collect()
}

/// As in lists: a sensitive value is read one by one only, as on HCP.
fn show(cx: &Ctx, row: StateVersionOutput) -> Result<Output> {
    if row.sensitive { Ok(Output { row, value: None }) } else { open(cx, row) }
}

fn open(cx: &Ctx, row: StateVersionOutput) -> Result<Output> {
    let json = cx.keyring().open(OUTPUT_PURPOSE, row.id.as_str(), &row.value)?;
    let value = serde_json::from_slice(&json).map_err(|error| Error::Internal(error.into()))?;
    Ok(Output { row, value: Some(value) })
}
