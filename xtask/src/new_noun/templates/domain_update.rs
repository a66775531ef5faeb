//! Changing gad gets.

use db::entity::gad_get;
use serde_json::json;

use super::{Change, subject};
use crate::{
    Ctx, Error, Granted, Happened, In, Result, can,
    error::taken,
    row::{GadGet, Organization},
};

/// Changes what is given.
///
/// # Errors
/// Invalid with a name that another has.
pub async fn update(
    cx: &Ctx,
    held: &Granted<can::ManageGadGets, In<GadGet, Organization>>,
    change: Change,
) -> Result<GadGet> {
    let tx = cx.write().await?;
    let mut row = tx.lock::<gad_get::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    change.apply(&mut row)?;
    let row = tx.update(row).await.map_err(taken("name"))?;
    tx.emit(Happened::GadGetUpdated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(row)
}
