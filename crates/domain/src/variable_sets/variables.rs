//! The variables of a set.

use db::{
    entity::{variable, variable_set},
    id::{VariableId, VariableSetId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use super::{Owner, Set, check_global, subject};
use crate::{
    Ctx, Error, Found, Granted, Happened, In, Result, Tx,
    access::Within,
    can,
    error::taken,
    row::{Variable, VariableSet},
    variables::{self, Change, Shown, check_count, told},
};

/// A variable with the set that it is in.
pub type OfSet = In<Variable, Set>;

impl Within<Owner> for OfSet {
    fn on(&self) -> &Owner {
        &self.of.of
    }
}

/// The variable, if it is one of this set.
pub async fn find_variable(cx: &Ctx, set: &VariableSetId, id: &VariableId) -> Result<Found<OfSet>> {
    let of = super::find(cx, set).await?.into_unchecked();
    let row = variable::Entity::find_by_id(id.clone())
        .filter(variable::Column::VariableSetId.eq(set))
        .one(cx.read())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(Found::new(In { row, of }))
}

/// All of a set, by key.
pub async fn list_variables(
    cx: &Ctx,
    set: &Granted<can::ReadVariableSets, Set>,
) -> Result<Vec<Shown>> {
    let owned = variable::Column::VariableSetId.eq(&set.id);
    Shown::all(cx, variables::in_order(cx, owned).await?)
}

/// For includes: those of these that are in sets which the caller may see.
pub async fn load_variables(cx: &Ctx, ids: &[VariableId]) -> Result<Vec<Shown>> {
    let rows =
        variable::Entity::find().filter(variable::Column::Id.is_in(ids)).all(cx.read()).await?;
    let sets: Vec<_> = rows.iter().filter_map(|row| row.variable_set_id.clone()).collect();
    let sets = super::load(cx, &sets).await?;
    let visible =
        |row: &Variable| sets.iter().any(|set| row.variable_set_id.as_ref() == Some(&set.id));
    Shown::all(cx, rows.into_iter().filter(visible).collect())
}

/// With its value, unless that is a secret.
pub fn show_variable(cx: &Ctx, variable: Granted<can::ReadVariableSets, OfSet>) -> Result<Shown> {
    Shown::new(cx, variable.into_inner().row)
}

pub async fn create_variable(
    cx: &Ctx,
    set: &Granted<can::ManageVariableSets, Set>,
    change: Change,
) -> Result<Shown> {
    save(cx, &set.id, None, change).await
}

pub async fn update_variable(
    cx: &Ctx,
    variable: &Granted<can::ManageVariableSets, OfSet>,
    change: Change,
) -> Result<Shown> {
    save(cx, &variable.of.id, Some(&variable.id), change).await
}

async fn save(
    cx: &Ctx,
    set: &VariableSetId,
    id: Option<&VariableId>,
    change: Change,
) -> Result<Shown> {
    let tx = cx.write().await?;
    let set = touch(&tx, set).await?;
    let row = put(cx, &tx, &set, id, change).await?;
    check_global(&tx, &set, "key").await?;
    tx.commit().await?;
    Shown::new(cx, row)
}

/// Held while one of its variables changes, so that counts are true; and it has changed itself by that.
async fn touch(tx: &Tx, id: &VariableSetId) -> Result<VariableSet> {
    let mut row = tx.lock::<variable_set::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    row.updated_at = tx.now();
    Ok(tx.update(row).await?)
}

/// Adds a variable to a locked set, or changes the one with the id.
pub(super) async fn put(
    cx: &Ctx,
    tx: &Tx,
    set: &VariableSet,
    id: Option<&VariableId>,
    change: Change,
) -> Result<Variable> {
    let Some(id) = id else {
        check_count(tx, variable::Column::VariableSetId.eq(&set.id)).await?;
        let new = change.create(cx, variables::Owner::Set(set.id.clone()), tx.now())?;
        let row = tx.insert(new).await.map_err(taken("key"))?;
        tell(tx, Happened::VariableCreated, set, &row).await?;
        return Ok(row);
    };
    let row = tx.lock::<variable::Entity>(id.clone()).await?;
    let mut row =
        row.filter(|row| row.variable_set_id.as_ref() == Some(&set.id)).ok_or_else(|| {
            Error::Invalid {
                pointer: "/data/id".into(),
                message: format!("There is no variable {id} in this set."),
            }
        })?;
    change.apply(cx, &mut row)?;
    let row = tx.update(row).await.map_err(taken("key"))?;
    tell(tx, Happened::VariableUpdated, set, &row).await?;
    Ok(row)
}

async fn tell(tx: &Tx, action: Happened, set: &VariableSet, row: &Variable) -> Result<()> {
    let subject = crate::Subject { kind: "vars", id: row.id.as_str(), ..subject(set) };
    tx.emit(action, subject, told(row)).await
}

pub async fn delete_variable(
    cx: &Ctx,
    variable: &Granted<can::ManageVariableSets, OfSet>,
) -> Result<()> {
    let tx = cx.write().await?;
    let set = touch(&tx, &variable.of.id).await?;
    let row = tx.lock::<variable::Entity>(variable.id.clone()).await?.ok_or(Error::NotFound)?;
    tell(&tx, Happened::VariableDeleted, &set, &row).await?;
    tx.delete(row).await?;
    tx.commit().await
}
