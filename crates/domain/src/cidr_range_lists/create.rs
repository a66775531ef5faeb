//! Making lists.

use db::{
    entity::cidr_range_list::{self, EnforcementScope},
    id::CidrRangeListId,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter},
};

use super::{Change, LIMIT, detail, hold_all, is_only_one, subject};
use crate::{
    Ctx, Error, Granted, Happened, Result, accounts, can, error::taken, row::CidrRangeList,
};

/// Makes one without ranges: until it has some, it lets in nobody whom it counts for.
///
/// # Errors
/// Invalid without a name, or with one that another has; for a second list of the whole organization, beyond 100 lists,
/// and for one that would shut the caller out.
pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::ManageCidrRangeLists>,
    change: Change,
) -> Result<CidrRangeList> {
    if change.name.is_none() {
        return Err(Error::invalid("name", "can't be blank"));
    }
    let tx = cx.write().await?;
    hold_all(&tx, &organization.name).await?;
    let own = cidr_range_list::Entity::find()
        .filter(cidr_range_list::Column::OrganizationName.eq(&organization.name));
    if own.count(tx.db()).await? >= LIMIT {
        let why = format!("is one too many: an organization has at most {LIMIT} IP allow lists");
        return Err(Error::invalid("name", why));
    }
    let mut new = CidrRangeList {
        id: CidrRangeListId::fresh(),
        organization_name: organization.name.clone(),
        name: String::new(),
        description: String::new(),
        enforcement_scope: EnforcementScope::SelectedAgentPools,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    change.apply(&mut new, tx.now())?;
    is_only_one(&tx, &new).await?;
    let row = tx.insert(new).await.map_err(taken("name"))?;
    accounts::can_come_back(&tx, "enforcement-scope").await?;
    tx.emit(Happened::CidrRangeListCreated, subject(&row), detail(&row)).await?;
    tx.commit().await?;
    Ok(row)
}
