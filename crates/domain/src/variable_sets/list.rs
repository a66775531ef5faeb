//! Lists of variable sets: of an organization, a project, a workspace; and what each set shows beside its row.

use std::collections::HashMap;

use db::{
    contains,
    entity::{variable, variable_set, variable_set_scope as scope},
    id::{ProjectId, VariableId, VariableSetId, WorkspaceId},
    page,
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use super::{
    Owner, Set,
    scopes::{is_applied_to, is_within_reach, sets_with},
};
use crate::{Ctx, Granted, Page, Paging, Result, can, projects, row::VariableSet, workspaces};

#[derive(Debug, Default)]
pub struct Filter {
    /// Part of the name.
    pub search: Option<String>,
    pub is_global: Option<bool>,
    /// Only those of the organization itself.
    pub owned: bool,
}

/// How a set stands to a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Relation {
    /// All of its workspaces have it.
    Applied,
    /// All of its workspaces have it, and the organization owns it.
    Shared,
    /// The project owns it.
    Owned,
    #[default]
    All,
}

/// The sets of an organization that the caller may see, by name.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadOrganization>,
    filter: Filter,
    paging: Paging,
) -> Result<Page<VariableSet>> {
    let mut condition = visible(cx, &organization.name);
    if let Some(is_global) = filter.is_global {
        condition = condition.add(variable_set::Column::IsGlobal.eq(is_global));
    }
    if filter.owned {
        condition = condition.add(variable_set::Column::ProjectId.is_null());
    }
    named(cx, condition, filter.search.as_deref(), paging).await
}

/// The sets of a project that the caller may see, by name.
pub async fn list_of_project(
    cx: &Ctx,
    project: &Granted<can::ReadProject>,
    relation: Relation,
    search: Option<&str>,
    paging: Paging,
) -> Result<Page<VariableSet>> {
    let scoped = sets_with(Condition::all().add(scope::Column::ProjectId.eq(&project.id)));
    let applied = Condition::any()
        .add(variable_set::Column::IsGlobal.eq(true))
        .add(variable_set::Column::Id.in_subquery(scoped));
    let owned = variable_set::Column::ProjectId.eq(&project.id);
    let condition = match relation {
        Relation::Applied => applied,
        Relation::Shared => {
            Condition::all().add(applied).add(variable_set::Column::ProjectId.is_null())
        }
        Relation::Owned => Condition::all().add(owned),
        Relation::All => applied.add(owned),
    };
    let condition = visible(cx, &project.organization_name).add(condition);
    named(cx, condition, search, paging).await
}

/// The sets that a workspace has, by name: whoever may read its variables may see where they come from.
pub async fn list_of_workspace(
    cx: &Ctx,
    workspace: &Granted<can::ReadVariables>,
    search: Option<&str>,
    paging: Paging,
) -> Result<Page<VariableSet>> {
    named(cx, is_applied_to(workspace), search, paging).await
}

/// The sets that a workspace does not have but could be given, by name.
pub async fn list_applicable(
    cx: &Ctx,
    workspace: &Granted<can::ReadVariables>,
    search: Option<&str>,
    paging: Paging,
) -> Result<Page<VariableSet>> {
    let condition = visible(cx, &workspace.organization_name)
        .add(is_within_reach(workspace))
        .add(is_applied_to(workspace).not());
    named(cx, condition, search, paging).await
}

fn visible(cx: &Ctx, organization: &str) -> Condition {
    let mut any = Condition::any();
    if cx.may::<can::ReadVariableSets>(&Owner::Organization(organization.to_owned())) {
        any = any.add(variable_set::Column::ProjectId.is_null());
    }
    any = match cx.actor().variable_set_scope(organization) {
        None => any.add(variable_set::Column::ProjectId.is_not_null()),
        Some(projects) => any.add(variable_set::Column::ProjectId.is_in(projects)),
    };
    Condition::all().add(variable_set::Column::OrganizationName.eq(organization)).add(any)
}

async fn named(
    cx: &Ctx,
    mut condition: Condition,
    search: Option<&str>,
    paging: Paging,
) -> Result<Page<VariableSet>> {
    if let Some(text) = search {
        condition = condition.add(contains(variable_set::Column::Name, text));
    }
    let query = variable_set::Entity::find().filter(condition);
    let query = query.order_by_asc(variable_set::Column::Name);
    let query = query.order_by_asc(variable_set::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// A set with what belongs to it. Counts are of all; ids of those that the caller may see.
#[derive(Debug)]
pub struct Overview {
    pub set: VariableSet,
    pub owner: Owner,
    pub variable_ids: Vec<VariableId>,
    pub workspace_ids: Vec<WorkspaceId>,
    pub workspace_count: usize,
    pub project_ids: Vec<ProjectId>,
    pub project_count: usize,
}

/// One query for each kind of thing, however many sets there are.
pub async fn with_contents(cx: &Ctx, sets: Vec<Set>) -> Result<Vec<Overview>> {
    let ids: Vec<VariableSetId> = sets.iter().map(|set| set.id.clone()).collect();
    let mut variables: HashMap<VariableSetId, Vec<VariableId>> = HashMap::new();
    let rows: Vec<(VariableId, VariableSetId)> = variable::Entity::find()
        .select_only()
        .column(variable::Column::Id)
        .column(variable::Column::VariableSetId)
        .filter(variable::Column::VariableSetId.is_in(&ids))
        .order_by_asc(variable::Column::CreatedAt)
        .order_by_asc(variable::Column::Id)
        .into_tuple()
        .all(cx.read())
        .await?;
    for (variable, set) in rows {
        variables.entry(set).or_default().push(variable);
    }
    let scopes = scope::Entity::find()
        .filter(scope::Column::VariableSetId.is_in(&ids))
        .order_by_asc(scope::Column::CreatedAt)
        .order_by_asc(scope::Column::Id)
        .all(cx.read())
        .await?;
    let workspace_ids: Vec<_> = scopes.iter().filter_map(|row| row.workspace_id.clone()).collect();
    let workspaces = workspaces::load(cx, &workspace_ids).await?;
    let project_ids: Vec<_> = scopes.iter().filter_map(|row| row.project_id.clone()).collect();
    let projects = projects::load(cx, &project_ids).await?;
    Ok(sets
        .into_iter()
        .map(|set| {
            let own = || scopes.iter().filter(|row| row.variable_set_id == set.id);
            let to_workspaces = || own().filter_map(|row| row.workspace_id.as_ref());
            let to_projects = || own().filter_map(|row| row.project_id.as_ref());
            Overview {
                variable_ids: variables.remove(&set.id).unwrap_or_default(),
                workspace_count: to_workspaces().count(),
                workspace_ids: to_workspaces()
                    .filter(|id| workspaces.iter().any(|row| row.id == **id))
                    .cloned()
                    .collect(),
                project_count: to_projects().count(),
                project_ids: to_projects()
                    .filter(|id| projects.iter().any(|row| row.id == **id))
                    .cloned()
                    .collect(),
                owner: set.of,
                set: set.row,
            }
        })
        .collect())
}
