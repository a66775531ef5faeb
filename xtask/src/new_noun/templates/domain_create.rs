//! Making gad gets.

use db::id::GadGetId;
use serde_json::json;

use super::{Change, subject};
use crate::{Ctx, Error, Granted, Happened, Result, can, error::taken, row::GadGet};

/// Makes one in an organization.
///
/// # Errors
/// Invalid without a name, or with one that another has.
pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::ManageGadGets>,
    change: Change,
) -> Result<GadGet> {
    if change.name.is_none() {
        return Err(Error::invalid("name", "can't be blank"));
    }
    let tx = cx.write().await?;
    let mut new = GadGet {
        id: GadGetId::fresh(),
        organization_name: organization.name.clone(),
        name: String::new(),
        created_at: tx.now(),
    };
    change.apply(&mut new)?;
    let row = tx.insert(new).await.map_err(taken("name"))?;
    tx.emit(Happened::GadGetCreated, subject(&row), json!({ "name": row.name })).await?;
    tx.commit().await?;
    Ok(row)
}
