//! What a variable set is applied to.

use std::collections::{BTreeSet, HashSet};

use db::{
    entity::{variable, variable_set, variable_set_scope as scope},
    id::{ProjectId, VariableId, VariableSetId, VariableSetScopeId, WorkspaceId},
    sea_orm::{
        ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
        sea_query::SimpleExpr,
    },
};
use serde_json::json;

use super::{Change, Owner, Set, subject};
use crate::{
    Ctx, Error, Found, Granted, Happened, In, Result, Tx,
    access::Within,
    can, projects,
    row::{Variable, VariableSet, Workspace},
    workspaces,
};

/// One workspace, or all of a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Workspace(WorkspaceId),
    Project(ProjectId),
}

impl Scope {
    fn is_it(&self) -> SimpleExpr {
        match self {
            Self::Workspace(id) => scope::Column::WorkspaceId.eq(id),
            Self::Project(id) => scope::Column::ProjectId.eq(id),
        }
    }

    fn row(self, tx: &Tx, set: &VariableSet) -> scope::Model {
        let (workspace_id, project_id) = match self {
            Self::Workspace(id) => (Some(id), None),
            Self::Project(id) => (None, Some(id)),
        };
        scope::Model {
            id: VariableSetScopeId::fresh(),
            variable_set_id: set.id.clone(),
            workspace_id,
            project_id,
            created_at: tx.now(),
        }
    }

    fn of(row: scope::Model) -> Option<Self> {
        row.workspace_id.map(Self::Workspace).or(row.project_id.map(Self::Project))
    }
}

/// A set as it is applied to a workspace, by whichever scope.
#[derive(Debug)]
pub struct Applied {
    pub workspace: Workspace,
    pub set: VariableSet,
}

impl Within<Workspace> for Applied {
    fn on(&self) -> &Workspace {
        &self.workspace
    }
}

impl Within<Workspace> for In<Variable, Applied> {
    fn on(&self) -> &Workspace {
        &self.of.workspace
    }
}

/// The set, if the workspace has it.
pub async fn find_applied(
    cx: &Ctx,
    workspace: &WorkspaceId,
    set: &VariableSetId,
) -> Result<Found<Applied>> {
    let workspace = workspaces::by_id(cx, workspace).await?.ok_or(Error::NotFound)?;
    let set = variable_set::Entity::find_by_id(set.clone())
        .filter(is_applied_to(&workspace))
        .one(cx.read())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Found::new(Applied { workspace, set }))
}

/// A variable of such a set.
pub async fn find_applied_variable(
    cx: &Ctx,
    workspace: &WorkspaceId,
    set: &VariableSetId,
    id: &VariableId,
) -> Result<Found<In<Variable, Applied>>> {
    let of = find_applied(cx, workspace, set).await?.into_unchecked();
    let row = variable::Entity::find_by_id(id.clone())
        .filter(variable::Column::VariableSetId.eq(set))
        .one(cx.read())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of }))
}

/// All sets that a workspace has.
pub(crate) async fn applied_to(cx: &Ctx, workspace: &Workspace) -> Result<Vec<VariableSet>> {
    let condition = is_applied_to(workspace);
    Ok(variable_set::Entity::find().filter(condition).all(cx.read()).await?)
}

/// Global, or scoped to the workspace or to its project. A project's own set stays behind when a workspace leaves it.
pub(super) fn is_applied_to(workspace: &Workspace) -> Condition {
    Condition::all()
        .add(variable_set::Column::OrganizationName.eq(&workspace.organization_name))
        .add(is_within_reach(workspace))
        .add(
            Condition::any()
                .add(variable_set::Column::IsGlobal.eq(true))
                .add(variable_set::Column::Id.in_subquery(sets_with(scoped_to(workspace)))),
        )
}

/// The organization's, or the workspace's project's own.
pub(super) fn is_within_reach(workspace: &Workspace) -> Condition {
    Condition::any()
        .add(variable_set::Column::ProjectId.is_null())
        .add(variable_set::Column::ProjectId.eq(&workspace.project_id))
}

pub(super) fn sets_with(
    condition: impl Into<Condition>,
) -> db::sea_orm::sea_query::SelectStatement {
    scope::Entity::find()
        .select_only()
        .column(scope::Column::VariableSetId)
        .filter(condition.into())
        .into_query()
}

/// Scopes that a workspace is in.
pub(crate) fn scoped_to(workspace: &Workspace) -> Condition {
    Condition::any()
        .add(scope::Column::WorkspaceId.eq(&workspace.id))
        .add(scope::Column::ProjectId.eq(&workspace.project_id))
}

/// Applies a set to more; what it is applied to already is passed over.
///
/// # Errors
/// Invalid for a global set, and for what the owner of the set does not have.
pub async fn add_scopes(
    cx: &Ctx,
    set: &Granted<can::ManageVariableSets, Set>,
    wanted: Vec<Scope>,
) -> Result<()> {
    check(cx, &set.of, &wanted, "/data").await?;
    let tx = cx.write().await?;
    let set = touch(&tx, set).await?;
    insert(&tx, &set, wanted).await?;
    done(tx, &set).await
}

/// What it is not applied to is passed over.
///
/// # Errors
/// Invalid for a global set, and for what the caller may not see.
pub async fn remove_scopes(
    cx: &Ctx,
    set: &Granted<can::ManageVariableSets, Set>,
    unwanted: Vec<Scope>,
) -> Result<()> {
    let organization = Owner::Organization(set.organization_name.clone());
    check(cx, &organization, &unwanted, "/data").await?;
    let tx = cx.write().await?;
    let set = touch(&tx, set).await?;
    let any = unwanted.iter().fold(Condition::any(), |any, scope| any.add(scope.is_it()));
    if !unwanted.is_empty() {
        scope::Entity::delete_many()
            .filter(scope::Column::VariableSetId.eq(&set.id))
            .filter(any)
            .exec(tx.db())
            .await?;
    }
    done(tx, &set).await
}

async fn touch(tx: &Tx, set: &Set) -> Result<VariableSet> {
    let mut row = tx.lock::<variable_set::Entity>(set.id.clone()).await?.ok_or(Error::NotFound)?;
    if row.is_global {
        return Err(Error::Invalid {
            pointer: "/data".into(),
            message: "The set is global: all workspaces of the organization have it.".into(),
        });
    }
    row.updated_at = tx.now();
    Ok(tx.update(row).await?)
}

async fn done(tx: Tx, set: &VariableSet) -> Result<()> {
    tx.emit(Happened::VariableSetScopesChanged, subject(set), json!({ "name": set.name })).await?;
    tx.commit().await
}

async fn insert(tx: &Tx, set: &VariableSet, wanted: Vec<Scope>) -> Result<()> {
    let present: BTreeSet<Scope> = scope::Entity::find()
        .filter(scope::Column::VariableSetId.eq(&set.id))
        .all(tx.db())
        .await?
        .into_iter()
        .filter_map(Scope::of)
        .collect();
    let wanted: BTreeSet<Scope> = wanted.into_iter().collect();
    let rows = wanted.difference(&present).map(|scope| scope.clone().row(tx, set)).collect();
    Ok(db::insert_many::<_, scope::ActiveModel>(tx, rows).await?)
}

/// Exactly these workspaces.
pub(super) async fn replace_workspaces(
    tx: &Tx,
    set: &VariableSet,
    ids: Vec<WorkspaceId>,
) -> Result<()> {
    let others = scope::Column::WorkspaceId.is_not_null();
    replace(tx, set, others, ids.into_iter().map(Scope::Workspace)).await
}

/// Exactly these projects.
pub(super) async fn replace_projects(
    tx: &Tx,
    set: &VariableSet,
    ids: Vec<ProjectId>,
) -> Result<()> {
    let others = scope::Column::ProjectId.is_not_null();
    replace(tx, set, others, ids.into_iter().map(Scope::Project)).await
}

async fn replace(
    tx: &Tx,
    set: &VariableSet,
    kind: SimpleExpr,
    wanted: impl Iterator<Item = Scope>,
) -> Result<()> {
    scope::Entity::delete_many()
        .filter(scope::Column::VariableSetId.eq(&set.id))
        .filter(kind)
        .exec(tx.db())
        .await?;
    insert(tx, set, wanted.collect()).await
}

/// What a set is to be applied to, as its create or update names it.
pub(super) async fn check_wanted(cx: &Ctx, owner: &Owner, change: &Change) -> Result<()> {
    let workspaces = change.workspaces.iter().flatten().cloned().map(Scope::Workspace);
    let workspaces: Vec<_> = workspaces.collect();
    check(cx, owner, &workspaces, "/data/relationships/workspaces/data").await?;
    let projects: Vec<_> = change.projects.iter().flatten().cloned().map(Scope::Project).collect();
    check(cx, owner, &projects, "/data/relationships/projects/data").await
}

/// All of them are there for the caller, and the owner's.
async fn check(cx: &Ctx, owner: &Owner, wanted: &[Scope], place: &str) -> Result<()> {
    let workspace_ids: Vec<_> = wanted
        .iter()
        .filter_map(|scope| match scope {
            Scope::Workspace(id) => Some(id.clone()),
            Scope::Project(_) => None,
        })
        .collect();
    let project_ids: Vec<_> = wanted
        .iter()
        .filter_map(|scope| match scope {
            Scope::Project(id) => Some(id.clone()),
            Scope::Workspace(_) => None,
        })
        .collect();
    let own_project = owner.project_id();
    let is_owned = |organization: &str, project: &ProjectId| {
        organization == owner.organization_name()
            && own_project.as_ref().is_none_or(|own| own == project)
    };
    let workspaces: HashSet<WorkspaceId> = workspaces::load(cx, &workspace_ids)
        .await?
        .into_iter()
        .filter(|row| is_owned(&row.organization_name, &row.project_id))
        .map(|row| row.id)
        .collect();
    let projects: HashSet<ProjectId> = projects::load(cx, &project_ids)
        .await?
        .into_iter()
        .filter(|row| is_owned(&row.organization_name, &row.id))
        .map(|row| row.id)
        .collect();
    for (index, scope) in wanted.iter().enumerate() {
        let (known, name) = match scope {
            Scope::Workspace(id) => (workspaces.contains(id), format!("workspace {id}")),
            Scope::Project(id) => (projects.contains(id), format!("project {id}")),
        };
        if !known {
            return Err(Error::Invalid {
                pointer: format!("{place}/{index}/id"),
                message: match owner {
                    Owner::Organization(_) => format!("There is no {name} in this organization."),
                    Owner::Project(_) => format!("There is no {name} in the project of this set."),
                },
            });
        }
    }
    Ok(())
}
