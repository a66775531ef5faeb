//! Deleting gad gets.

use db::entity::gad_get;
use serde_json::json;

use super::subject;
use crate::{
    Ctx, Error, Granted, Happened, In, Result, can,
    row::{GadGet, Organization},
};

/// Deletes one for good.
pub async fn delete(
    cx: &Ctx,
    held: &Granted<can::ManageGadGets, In<GadGet, Organization>>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<gad_get::Entity>(held.id.clone()).await?.ok_or(Error::NotFound)?;
    tx.emit(Happened::GadGetDeleted, subject(&row), json!({ "name": row.name })).await?;
    tx.delete(row).await?;
    tx.commit().await
}
