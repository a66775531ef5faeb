//! The variables of a workspace: for the engine itself, and for its environment.

mod change;
pub(crate) mod expression;
pub mod paste;
mod precedence;

use db::{
    entity::{variable, workspace},
    id::{VariableId, WorkspaceId},
    sea_orm::{
        ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
        sea_query::{ExprTrait, SimpleExpr},
    },
};
pub use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

pub use change::Change;
pub(crate) use change::Owner;
pub use precedence::{
    OfRun, RunVariable, Standing, Weighed, list_effective, list_in_context, list_standing,
    show_in_context,
};
pub(crate) use precedence::{check_environment, for_run};

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Result, Subject, Tx, can,
    error::taken,
    row::{Variable, Workspace},
    workspaces,
};

/// In one workspace, or in one set.
const COUNT_LIMIT: u64 = 1_000;

/// A variable with its value in the clear, unless it is a secret: those are never told.
pub struct Shown {
    pub row: Variable,
    value: Option<SecretString>,
}

impl Shown {
    pub(crate) fn new(cx: &Ctx, row: Variable) -> Result<Self> {
        let value = if row.sensitive { None } else { Some(change::clear(cx, &row)?) };
        Ok(Self { row, value })
    }

    pub(crate) fn all(cx: &Ctx, rows: Vec<Variable>) -> Result<Vec<Self>> {
        rows.into_iter().map(|row| Self::new(cx, row)).collect()
    }

    /// Absent for a secret.
    pub fn value(&self) -> Option<&str> {
        self.value.as_ref().map(ExposeSecret::expose_secret)
    }
}

/// The variable, with its workspace.
pub async fn find(cx: &Ctx, id: &VariableId) -> Result<Found<In<Variable>>> {
    let row =
        variable::Entity::find_by_id(id.clone()).one(cx.read()).await?.ok_or(Error::NotFound)?;
    let workspace = row.workspace_id.as_ref().ok_or(Error::NotFound)?;
    let of = workspaces::by_id(cx, workspace).await?.ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of }))
}

/// The variable, if it is one of this workspace.
pub async fn find_in(
    cx: &Ctx,
    workspace: &WorkspaceId,
    id: &VariableId,
) -> Result<Found<In<Variable>>> {
    let found = find(cx, id).await?.into_unchecked();
    if found.of.id == *workspace { Ok(Found::new(found)) } else { Err(Error::NotFound) }
}

/// All of a workspace, by key: clients never ask for a second page (CLI protocol, gotcha 20).
pub async fn list(cx: &Ctx, workspace: &Granted<can::ReadVariables>) -> Result<Vec<Shown>> {
    Shown::all(cx, in_order(cx, variable::Column::WorkspaceId.eq(&workspace.id)).await?)
}

/// For includes: those of these workspaces, as far as the caller may see them.
pub async fn load_of(cx: &Ctx, workspaces: &[WorkspaceId]) -> Result<Vec<Shown>> {
    let visible: Vec<WorkspaceId> = workspace::Entity::find()
        .filter(workspace::Column::Id.is_in(workspaces))
        .all(cx.read())
        .await?
        .into_iter()
        .filter(|row| cx.may::<can::ReadVariables>(row))
        .map(|row| row.id)
        .collect();
    Shown::all(cx, in_order(cx, variable::Column::WorkspaceId.is_in(visible)).await?)
}

/// For includes: those of these that are workspaces' own and that the caller may see.
pub async fn load(cx: &Ctx, ids: &[VariableId]) -> Result<Vec<Shown>> {
    let own = variable::Column::Id.is_in(ids).and(variable::Column::WorkspaceId.is_not_null());
    let rows = in_order(cx, own).await?;
    let places = workspace::Entity::find()
        .filter(
            workspace::Column::Id.is_in(rows.iter().filter_map(|row| row.workspace_id.as_ref())),
        )
        .all(cx.read())
        .await?;
    let visible = |row: &Variable| {
        places.iter().any(|place| {
            row.workspace_id.as_ref() == Some(&place.id) && cx.may::<can::ReadVariables>(place)
        })
    };
    Shown::all(cx, rows.into_iter().filter(visible).collect())
}

/// With its value, unless that is a secret.
pub fn show(cx: &Ctx, variable: Granted<can::ReadVariables, In<Variable>>) -> Result<Shown> {
    Shown::new(cx, variable.into_inner().row)
}

pub async fn create(
    cx: &Ctx,
    workspace: &Granted<can::UpdateVariables>,
    change: Change,
) -> Result<Shown> {
    let tx = cx.write().await?;
    // Held, so that the count is still true when the row is in.
    tx.lock::<workspace::Entity>(workspace.id.clone()).await?.ok_or(Error::NotFound)?;
    check_count(&tx, variable::Column::WorkspaceId.eq(&workspace.id)).await?;
    let new = change.create(cx, Owner::Workspace(workspace.id.clone()), tx.now())?;
    let row = tx.insert(new).await.map_err(taken("key"))?;
    tx.emit(Happened::VariableCreated, subject(workspace, &row), told(&row)).await?;
    tx.commit().await?;
    Shown::new(cx, row)
}

/// There is still room for one more.
pub(crate) async fn check_count(tx: &Tx, owned: SimpleExpr) -> Result<()> {
    let count = variable::Entity::find().filter(owned).count(tx.db()).await?;
    if count >= COUNT_LIMIT {
        return Err(Error::invalid("key", format!("is one too many: {COUNT_LIMIT} are allowed")));
    }
    Ok(())
}

pub async fn update(
    cx: &Ctx,
    variable: &Granted<can::UpdateVariables, In<Variable>>,
    change: Change,
) -> Result<Shown> {
    let tx = cx.write().await?;
    let row = change_one(cx, &tx, &variable.of, &variable.id, change).await?;
    tx.commit().await?;
    Shown::new(cx, row)
}

/// Changes several variables of a workspace, or none of them if one cannot be changed.
///
/// # Errors
/// Bad request for more than a workspace can have.
pub async fn update_several(
    cx: &Ctx,
    workspace: &Granted<can::UpdateVariables>,
    changes: Vec<(VariableId, Change)>,
) -> Result<()> {
    if u64::try_from(changes.len()).is_ok_and(|count| count > COUNT_LIMIT) {
        return Err(Error::BadRequest(format!("At most {COUNT_LIMIT} variables at once.")));
    }
    let tx = cx.write().await?;
    for (index, (id, change)) in changes.into_iter().enumerate() {
        let place = format!("/data/{index}");
        change_one(cx, &tx, workspace, &id, change).await.map_err(|error| match error {
            Error::NotFound => Error::Invalid {
                pointer: format!("{place}/id"),
                message: format!("There is no variable {id} in this workspace."),
            },
            other => other.in_item(&place),
        })?;
    }
    tx.commit().await
}

async fn change_one(
    cx: &Ctx,
    tx: &Tx,
    workspace: &Workspace,
    id: &VariableId,
    change: Change,
) -> Result<Variable> {
    let row = tx.lock::<variable::Entity>(id.clone()).await?;
    let mut row = row
        .filter(|row| row.workspace_id.as_ref() == Some(&workspace.id))
        .ok_or(Error::NotFound)?;
    change.apply(cx, &mut row)?;
    let row = tx.update(row).await.map_err(taken("key"))?;
    tx.emit(Happened::VariableUpdated, subject(workspace, &row), told(&row)).await?;
    Ok(row)
}

pub async fn delete(
    cx: &Ctx,
    variable: &Granted<can::UpdateVariables, In<Variable>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<variable::Entity>(variable.id.clone()).await?.ok_or(Error::NotFound)?;
    tx.emit(Happened::VariableDeleted, subject(&variable.of, &row), told(&row)).await?;
    tx.delete(row).await?;
    tx.commit().await
}

pub(crate) async fn in_order(cx: &Ctx, condition: SimpleExpr) -> Result<Vec<Variable>> {
    let query = variable::Entity::find().filter(condition);
    let query = query.order_by_asc(variable::Column::Name);
    let query = query.order_by_desc(variable::Column::Category);
    Ok(query.all(cx.read()).await?)
}

/// What an event may say: never the value.
pub(crate) fn told(row: &Variable) -> serde_json::Value {
    json!({ "key": row.name, "category": row.category, "sensitive": row.sensitive })
}

fn subject<'a>(workspace: &'a Workspace, row: &'a Variable) -> Subject<'a> {
    Subject { kind: "vars", id: row.id.as_str(), ..workspaces::subject(workspace) }
}
