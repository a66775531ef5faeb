//! The ranges of a list, and those that others include.

use db::{
    entity::cidr_range,
    id::CidrRangeId,
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

use super::HeldList;
use crate::{Ctx, Granted, Page, Paging, Result, can, cidr_range_lists, row::CidrRange};

/// Those of a list, the oldest first.
pub async fn list(
    cx: &Ctx,
    of: &Granted<can::ManageCidrRangeLists, HeldList>,
    paging: Paging,
) -> Result<Page<CidrRange>> {
    use cidr_range::Column as C;
    let query = cidr_range::Entity::find()
        .filter(C::CidrRangeListId.eq(&of.id))
        .order_by_asc(C::CreatedAt)
        .order_by_asc(C::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these that the caller may see, each with the name of its organization.
pub async fn load(cx: &Ctx, ids: &[CidrRangeId]) -> Result<Vec<(CidrRange, String)>> {
    let query = cidr_range::Entity::find().filter(cidr_range::Column::Id.is_in(ids));
    let rows = query.all(cx.read()).await?;
    let lists: Vec<_> = rows.iter().map(|row| row.cidr_range_list_id.clone()).collect();
    let lists = cidr_range_lists::load(cx, &lists).await?;
    let named = |row: CidrRange| {
        let list = lists.iter().find(|list| list.id == row.cidr_range_list_id)?;
        Some((row, list.organization_name.clone()))
    };
    Ok(rows.into_iter().filter_map(named).collect())
}
