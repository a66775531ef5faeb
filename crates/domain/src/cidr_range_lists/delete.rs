//! Deleting lists.

use db::entity::cidr_range_list;

use super::{Held, detail, subject};
use crate::{Ctx, Error, Granted, Happened, Result, can};

/// Deletes one with its ranges: whom it kept out is let in again.
pub async fn delete(cx: &Ctx, held: &Granted<can::ManageCidrRangeLists, Held>) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<cidr_range_list::Entity>(held.id.clone()).await?;
    let row = row.ok_or(Error::NotFound)?;
    tx.emit(Happened::CidrRangeListDeleted, subject(&row), detail(&row)).await?;
    tx.delete(row).await?;
    tx.commit().await
}
