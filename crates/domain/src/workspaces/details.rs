//! What a workspace shows beside its own row: inherited settings and tags, read for many workspaces at once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use db::{
    entity::{
        organization, project,
        state_version::{self, Status},
        state_version_output, variable,
    },
    id::{StateVersionId, StateVersionOutputId, VariableId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use super::Execution;
use crate::{
    Ctx, Result, can,
    retention::{self, Rule},
    row::{DataRetentionPolicy, Organization, Project, Workspace},
    tags,
};

/// A workspace as people see it.
#[derive(Clone, Debug)]
pub struct Details {
    pub workspace: Workspace,
    /// Its own, or the project's, or the organization's.
    pub execution: Execution,
    /// Keys of its own tags, in order.
    pub tag_names: Vec<String>,
    /// Outputs of the current state: their ids; `None` for very many, which only lists tell, by pages.
    pub output_ids: Option<Vec<StateVersionOutputId>>,
    /// Of its own variables; absent where it is one of many, or for those who may not read them.
    pub variable_ids: Option<Vec<VariableId>>,
    pub may_force_delete: bool,
    /// Its own policy, if it has one.
    pub retention: Option<DataRetentionPolicy>,
    /// That or what it inherits.
    pub effective_retention: Option<Rule>,
}

/// One query for each kind of thing, however many workspaces there are.
pub async fn details(cx: &Ctx, workspaces: Vec<Workspace>) -> Result<Vec<Details>> {
    let homes = homes(cx, &workspaces).await?;
    let mut tags = tags::names_of(cx, workspaces.iter().map(|row| &row.id)).await?;
    let mut outputs = output_ids_of(
        cx,
        workspaces.iter().filter_map(|row| row.current_state_version_id.as_ref()),
    )
    .await?;
    let policies = retention::around(cx, &workspaces).await?;
    Ok(workspaces
        .into_iter()
        .map(|workspace| {
            let home = homes.get(&workspace.project_id);
            let project = home.map(|(project, _)| project);
            let organization = home.and_then(|(_, organization)| organization.clone());
            let own = policies.of_workspace(&workspace);
            let effective = own.or_else(|| policies.of_organization(&workspace));
            let execution = Execution::of(&workspace, project, organization.as_deref());
            let (workspace, may_force_delete) = match organization {
                Some(organization) => {
                    let both = (workspace, organization);
                    let may = cx.may::<can::ForceDeleteWorkspace>(&both);
                    (both.0, may)
                }
                None => (workspace, false),
            };
            Details {
                execution,
                tag_names: tags.remove(&workspace.id).unwrap_or_default(),
                output_ids: match &workspace.current_state_version_id {
                    Some(id) => outputs.remove(id).unwrap_or_default(),
                    None => Some(Vec::new()),
                },
                may_force_delete,
                variable_ids: None,
                effective_retention: effective.map(Rule::of),
                retention: own.cloned(),
                workspace,
            }
        })
        .collect())
}

/// The same for one, which shows a little more.
pub async fn details_of(cx: &Ctx, workspace: Workspace) -> Result<Details> {
    let variables = variable::Entity::find()
        .select_only()
        .column(variable::Column::Id)
        .filter(variable::Column::WorkspaceId.eq(&workspace.id))
        .order_by_asc(variable::Column::Id);
    let variable_ids = if cx.may::<can::ReadVariables>(&workspace) {
        Some(variables.into_tuple().all(cx.read()).await?)
    } else {
        None
    };
    let mut all = details(cx, vec![workspace]).await?;
    Ok(Details { variable_ids, ..all.swap_remove(0) })
}

/// The projects that workspaces are in, with their organizations, each of which is there once.
async fn homes(
    cx: &Ctx,
    workspaces: &[Workspace],
) -> Result<HashMap<crate::id::ProjectId, (Project, Option<Arc<Organization>>)>> {
    let ids: BTreeSet<_> = workspaces.iter().map(|row| &row.project_id).collect();
    let rows = project::Entity::find()
        .filter(project::Column::Id.is_in(ids))
        .find_also_related(organization::Entity)
        .all(cx.read())
        .await?;
    let mut organizations: HashMap<String, Arc<Organization>> = HashMap::new();
    let homes = rows.into_iter().map(|(project, organization)| {
        let organization = organization.map(|row| {
            organizations.entry(row.name.clone()).or_insert_with(|| Arc::new(row)).clone()
        });
        (project.id.clone(), (project, organization))
    });
    Ok(homes.collect())
}

/// Of more outputs the ids are not told with their version: lists tell them, by pages.
const MOST_NAMED: i64 = 1_000;

/// The ids of many versions' outputs at once, by name; `None` for a version with very many, or whose are yet to come.
pub(crate) async fn output_ids_of<'a>(
    cx: &Ctx,
    ids: impl Iterator<Item = &'a StateVersionId>,
) -> Result<HashMap<StateVersionId, Option<Vec<StateVersionOutputId>>>> {
    let ids: Vec<_> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let versions: Vec<(StateVersionId, i64, Status, bool)> = state_version::Entity::find()
        .select_only()
        .columns([
            state_version::Column::Id,
            state_version::Column::OutputCount,
            state_version::Column::Status,
            state_version::Column::ResourcesProcessed,
        ])
        .filter(state_version::Column::Id.is_in(ids))
        .into_tuple()
        .all(cx.read())
        .await?;
    let named = |(id, count, status, is_processed): (_, i64, _, bool)| {
        let is_told = count <= MOST_NAMED && (is_processed || status != Status::Finalized);
        (id, is_told.then(Vec::new))
    };
    let mut outputs: HashMap<_, Option<Vec<_>>> = versions.into_iter().map(named).collect();
    let few = outputs.iter().filter(|(_, named)| named.is_some()).map(|(id, _)| id.clone());
    let few: Vec<_> = few.collect();
    let query = state_version_output::Entity::find()
        .select_only()
        .columns([state_version_output::Column::StateVersionId, state_version_output::Column::Id])
        .filter(state_version_output::Column::StateVersionId.is_in(few));
    let name = state_version_output::Column::Name;
    let rows = query
        .order_by_asc(name)
        .into_tuple::<(StateVersionId, StateVersionOutputId)>()
        .all(cx.read())
        .await?;
    for (version, output) in rows {
        if let Some(Some(named)) = outputs.get_mut(&version) {
            named.push(output);
        }
    }
    Ok(outputs)
}
