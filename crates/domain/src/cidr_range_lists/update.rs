//! Changing lists.

use db::entity::cidr_range_list::{self, EnforcementScope};

use super::{Change, Held, detail, hold_all, is_only_one, subject, unassign_all};
use crate::{
    Ctx, Error, Granted, Happened, Result, accounts, can, error::taken, row::CidrRangeList,
};

/// Changes what is given. A list that is not for selected agent pools any more forgets them.
///
/// # Errors
/// Invalid with a name that another has, for a second list of the whole organization, and where it would shut the
/// caller out.
pub async fn update(
    cx: &Ctx,
    held: &Granted<can::ManageCidrRangeLists, Held>,
    change: Change,
) -> Result<CidrRangeList> {
    let tx = cx.write().await?;
    hold_all(&tx, &held.organization_name).await?;
    let row = tx.lock::<cidr_range_list::Entity>(held.id.clone()).await?;
    let mut row = row.ok_or(Error::NotFound)?;
    change.apply(&mut row, tx.now())?;
    is_only_one(&tx, &row).await?;
    if row.enforcement_scope != EnforcementScope::SelectedAgentPools {
        unassign_all(&tx, &row.id).await?;
    }
    let row = tx.update(row).await.map_err(taken("name"))?;
    accounts::can_come_back(&tx, "enforcement-scope").await?;
    tx.emit(Happened::CidrRangeListUpdated, subject(&row), detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}
