//! Variable sets: variables of many workspaces at once, owned by an organization or by one of its projects.

mod list;
mod scopes;
mod variables;

use std::collections::{BTreeSet, HashMap};

use db::{
    entity::{
        organization, project,
        variable::{self, Category},
        variable_set,
    },
    id::{ProjectId, VariableId, VariableSetId, WorkspaceId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait},
};
use serde_json::json;

pub use crate::access::Owner;
pub use list::{
    Filter, Overview, Relation, list, list_applicable, list_of_project, list_of_workspace,
    with_contents,
};
pub use scopes::{Applied, Scope, add_scopes, find_applied, find_applied_variable, remove_scopes};
pub(crate) use scopes::{applied_to, scoped_to};
pub use variables::{
    OfSet, create_variable, delete_variable, find_variable, list_variables, load_variables,
    show_variable, update_variable,
};

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Result, Subject, Tx, can,
    error::taken,
    free_text, names,
    row::{Organization, VariableSet},
    variables as values,
};

/// Characters.
const NAME_LIMIT: usize = 255;
const DESCRIPTION_LIMIT: usize = 512;

impl Owner {
    fn project_id(&self) -> Option<ProjectId> {
        match self {
            Self::Organization(_) => None,
            Self::Project(project) => Some(project.id.clone()),
        }
    }
}

/// A set with its owner.
pub type Set = In<VariableSet, Owner>;

/// The owner that a new set of the organization is to have: the organization itself, or the project named.
///
/// # Errors
/// Invalid for a project of another organization, or none at all.
pub async fn find_owner(
    cx: &Ctx,
    organization: &Organization,
    project: Option<&ProjectId>,
) -> Result<Found<Owner>> {
    let Some(id) = project else {
        return Ok(Found::new(Owner::Organization(organization.name.clone())));
    };
    let project = project::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let project = project
        .filter(|project| project.organization_name == organization.name)
        .filter(|project| cx.may::<can::ReadProject>(project))
        .ok_or_else(|| Error::invalid_relation("parent", "does not exist"))?;
    Ok(Found::new(Owner::Project(project)))
}

pub async fn find(cx: &Ctx, id: &VariableSetId) -> Result<Found<Set>> {
    let row = variable_set::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let set = with_owners(cx, row.into_iter().collect()).await?.pop();
    set.map(Found::new).ok_or(Error::NotFound)
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[VariableSetId]) -> Result<Vec<Set>> {
    let rows = variable_set::Entity::find()
        .filter(variable_set::Column::Id.is_in(ids))
        .all(cx.read())
        .await?;
    let sets = with_owners(cx, rows).await?;
    Ok(sets.into_iter().filter(|set| cx.may::<can::ReadVariableSets>(&set.of)).collect())
}

/// Puts sets and their owners together with one query.
pub async fn with_owners(cx: &Ctx, rows: Vec<VariableSet>) -> Result<Vec<Set>> {
    let ids: BTreeSet<_> = rows.iter().filter_map(|row| row.project_id.as_ref()).collect();
    let projects: HashMap<_, _> = project::Entity::find()
        .filter(project::Column::Id.is_in(ids))
        .all(cx.read())
        .await?
        .into_iter()
        .map(|project| (project.id.clone(), project))
        .collect();
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let of = match &row.project_id {
                None => Owner::Organization(row.organization_name.clone()),
                Some(id) => Owner::Project(projects.get(id)?.clone()),
            };
            Some(In { row, of })
        })
        .collect())
}

/// What can be given on create and changed later; absent fields stay as they are.
#[derive(Default)]
pub struct Change {
    pub name: Option<String>,
    pub description: Option<String>,
    pub is_global: Option<bool>,
    pub is_priority: Option<bool>,
    /// All that it is applied to.
    pub workspaces: Option<Vec<WorkspaceId>>,
    pub projects: Option<Vec<ProjectId>>,
    /// To be added or, where they have an id, changed.
    pub variables: Vec<(Option<VariableId>, values::Change)>,
}

impl Change {
    fn describe(&self, to: &mut VariableSet) -> Result<()> {
        if let Some(name) = &self.name {
            names::check_change("name", name, &to.name, NAME_LIMIT)?;
            to.name.clone_from(name);
        }
        if let Some(description) = &self.description {
            free_text::prose("description", description, DESCRIPTION_LIMIT)?;
            to.description.clone_from(description);
        }
        to.is_global = self.is_global.unwrap_or(to.is_global);
        to.is_priority = self.is_priority.unwrap_or(to.is_priority);
        if to.is_global && to.project_id.is_some() {
            let why = "can only be true for a set that the organization owns";
            return Err(Error::invalid("global", why));
        }
        Ok(())
    }
}

pub async fn create(
    cx: &Ctx,
    owner: &Granted<can::ManageVariableSets>,
    change: Change,
) -> Result<Set> {
    if change.name.is_none() {
        return Err(Error::invalid("name", "can't be blank"));
    }
    scopes::check_wanted(cx, owner, &change).await?;
    let tx = cx.write().await?;
    let mut row = VariableSet {
        id: VariableSetId::fresh(),
        organization_name: owner.organization_name().to_owned(),
        project_id: owner.project_id(),
        name: String::new(),
        description: String::new(),
        is_global: false,
        is_priority: false,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    change.describe(&mut row)?;
    let row = tx.insert(row).await.map_err(taken("name"))?;
    fill(cx, &tx, &row, change).await?;
    tx.emit(Happened::VariableSetCreated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(In { row, of: (**owner).clone() })
}

pub async fn update(
    cx: &Ctx,
    set: &Granted<can::ManageVariableSets, Set>,
    change: Change,
) -> Result<Set> {
    scopes::check_wanted(cx, &set.of, &change).await?;
    let tx = cx.write().await?;
    let mut row = tx.lock::<variable_set::Entity>(set.id.clone()).await?.ok_or(Error::NotFound)?;
    change.describe(&mut row)?;
    row.updated_at = tx.now();
    let row = tx.update(row).await.map_err(taken("name"))?;
    fill(cx, &tx, &row, change).await?;
    tx.emit(Happened::VariableSetUpdated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(In { row, of: set.of.clone() })
}

/// What belongs to a set beside its row. A global set needs no scopes, so it keeps none.
async fn fill(cx: &Ctx, tx: &Tx, set: &VariableSet, change: Change) -> Result<()> {
    let workspaces = if set.is_global { Some(Vec::new()) } else { change.workspaces };
    let projects = if set.is_global { Some(Vec::new()) } else { change.projects };
    if let Some(ids) = workspaces {
        scopes::replace_workspaces(tx, set, ids).await?;
    }
    if let Some(ids) = projects {
        scopes::replace_projects(tx, set, ids).await?;
    }
    for (index, (id, change)) in change.variables.into_iter().enumerate() {
        let place = format!("/data/relationships/vars/data/{index}");
        variables::put(cx, tx, set, id.as_ref(), change).await.map_err(|e| e.in_item(&place))?;
    }
    check_global(tx, set, "global").await
}

/// Two global sets have no variable in common: nothing would say which of them counts.
async fn check_global(tx: &Tx, set: &VariableSet, attribute: &str) -> Result<()> {
    if !set.is_global {
        return Ok(());
    }
    // Held, so that no other global set changes until this one is in.
    tx.lock::<organization::Entity>(set.organization_name.clone()).await?;
    let global = variable_set::Entity::find()
        .select_only()
        .column(variable_set::Column::Id)
        .filter(variable_set::Column::OrganizationName.eq(&set.organization_name))
        .filter(variable_set::Column::IsGlobal.eq(true));
    let rows = variable::Entity::find()
        .filter(variable::Column::VariableSetId.in_subquery(global.into_query()))
        .all(tx.db())
        .await?;
    let is_own = |row: &&variable::Model| row.variable_set_id.as_ref() == Some(&set.id);
    let own: BTreeSet<(Category, &str)> =
        rows.iter().filter(is_own).map(|row| (row.category, row.name.as_str())).collect();
    let mut others = rows.iter().filter(|row| !is_own(row));
    match others.find(|row| own.contains(&(row.category, row.name.as_str()))) {
        None => Ok(()),
        Some(row) => {
            let kind = row.category;
            let why =
                format!("is in conflict: another global set has the {kind} variable {}", row.name);
            Err(Error::invalid(attribute, why))
        }
    }
}

pub async fn delete(cx: &Ctx, set: &Granted<can::ManageVariableSets, Set>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<variable_set::Entity>(set.id.clone()).await?.ok_or(Error::NotFound)?;
    tx.emit(Happened::VariableSetDeleted, subject(&row), json!({ "name": row.name })).await?;
    tx.delete(row).await?;
    tx.commit().await
}

fn subject(set: &VariableSet) -> Subject<'_> {
    Subject {
        kind: "varsets",
        id: set.id.as_str(),
        organization: Some(&set.organization_name),
        ..Subject::default()
    }
}
