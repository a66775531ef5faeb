//! Outputs of states: their values are sealed in the rows and opened for those who may read them.

use std::collections::HashMap;

use db::{
    Json,
    entity::{
        state_version::{self, Status},
        state_version_output, workspace,
    },
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select},
};
use serde_json::value::RawValue;

use super::{OUTPUT_PURPOSE, content};
use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, can,
    id::{StateVersionId, StateVersionOutputId, WorkspaceId},
    row::{StateVersion, StateVersionOutput},
};

/// Outputs that are read in one go by those who ask for no page, and with other things that include them.
const WHOLE: u64 = 10_000;

/// An output of a version as its row keeps it.
pub(super) fn sealed(
    cx: &Ctx,
    version: &StateVersionId,
    (name, output): (String, content::Output),
) -> StateVersionOutput {
    let id = StateVersionOutputId::fresh();
    let value = output.value.get().as_bytes();
    StateVersionOutput {
        value: cx.keyring().seal(OUTPUT_PURPOSE, id.as_str(), value),
        id,
        state_version_id: version.clone(),
        sensitive: output.sensitive,
        kind: output.kind().to_owned(),
        detailed_type: Json(output.detailed_type()),
        name,
    }
}

/// # Errors
/// As [`super::check_readable`]; Unavailable as long as there are rows to come: a part of them would look like all.
fn check_there(version: &StateVersion) -> Result<()> {
    super::check_readable(version)?;
    if version.status == Status::Finalized && !version.resources_processed {
        let why = "The outputs of this state are being read. Ask again in a moment.";
        return Err(Error::Unavailable(why.into()));
    }
    Ok(())
}

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

/// The outputs of a workspace's current state, by name: a page of them, or all; none as long as there is no state.
///
/// # Errors
/// Conflict if the state is encrypted; Unavailable as long as they are being read; BadRequest where all are more than
/// [`WHOLE`].
pub async fn current_outputs(
    cx: &Ctx,
    workspace: &Granted<can::ReadStateOutputs>,
    paging: Option<Paging>,
) -> Result<Page<Output>> {
    let Some(current) = super::current_of(cx, workspace).await? else {
        return Ok(Page { items: Vec::new(), total: 0 });
    };
    check_there(&current)?;
    let total = u64::try_from(current.output_count).unwrap_or_default();
    if paging.is_none() && total > WHOLE {
        return Err(Error::BadRequest(format!(
            "The state has {total} outputs, and at most {WHOLE} are answered at once: ask for them by pages, with \
             page[size] and page[number]."
        )));
    }
    let paging = paging.unwrap_or(Paging { number: 1, size: WHOLE });
    let page = db::page(cx.read(), by_name(&current.id), paging).await?;
    let items = page.items.into_iter().map(|row| show(cx, row)).collect::<Result<_>>()?;
    Ok(Page { items, total: page.total })
}

fn by_name(version: &StateVersionId) -> Select<state_version_output::Entity> {
    state_version_output::Entity::find()
        .filter(state_version_output::Column::StateVersionId.eq(version))
        .order_by_asc(state_version_output::Column::Name)
}

/// The outputs of one version, by name. Other than in lists of the current ones, sensitive values are shown, as on
/// HCP: whoever may read them here may read each of them by itself.
pub async fn list_outputs(
    cx: &Ctx,
    version: &Granted<can::ReadStateOutputs, In<StateVersion>>,
    paging: Paging,
) -> Result<Page<Output>> {
    check_there(&version.row)?;
    let page = db::page(cx.read(), by_name(&version.row.id), paging).await?;
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

/// For includes of versions that have so many that they do not name them.
///
/// # Errors
/// BadRequest for more than [`WHOLE`]; Unavailable as long as they are being read.
pub async fn load_many_outputs(
    cx: &Ctx,
    versions: &[StateVersionId],
) -> Result<HashMap<StateVersionId, Vec<Output>>> {
    many_of(cx, super::load(cx, versions).await?).await
}

/// The same for workspaces, of whose current states they are.
pub async fn load_many_of_workspaces(
    cx: &Ctx,
    ids: &[WorkspaceId],
) -> Result<HashMap<WorkspaceId, Vec<Output>>> {
    let query = workspace::Entity::find().filter(workspace::Column::Id.is_in(ids));
    let places: Vec<_> = query.all(cx.read()).await?;
    let places = places.into_iter().filter(|place| cx.may::<can::ReadStateOutputs>(place));
    let of: HashMap<StateVersionId, WorkspaceId> =
        places.filter_map(|place| Some((place.current_state_version_id?, place.id))).collect();
    let query = state_version::Entity::find().filter(state_version::Column::Id.is_in(of.keys()));
    let found = many_of(cx, query.all(cx.read()).await?).await?;
    let by_workspace =
        found.into_iter().filter_map(|(id, found)| Some((of.get(&id)?.clone(), found)));
    Ok(by_workspace.collect())
}

async fn many_of(
    cx: &Ctx,
    versions: Vec<StateVersion>,
) -> Result<HashMap<StateVersionId, Vec<Output>>> {
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    let total: i64 = versions.iter().map(|version| version.output_count).sum();
    if u64::try_from(total).unwrap_or_default() > WHOLE {
        return Err(Error::BadRequest(format!(
            "These states have {total} outputs, and at most {WHOLE} are included: ask for the outputs of each by pages."
        )));
    }
    for version in versions.iter().filter(|version| version.output_count > 0) {
        check_there(version)?;
        let rows = by_name(&version.id).all(cx.read()).await?;
        let shown = rows.into_iter().map(|row| show(cx, row)).collect::<Result<Vec<_>>>()?;
        found.insert(version.id.clone(), shown);
    }
    Ok(found)
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
