//! Lists of lists, and those that others include.

use db::{
    contains,
    entity::cidr_range_list,
    id::CidrRangeListId,
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

use crate::{Ctx, Granted, Page, Paging, Result, can, organizations, row::CidrRangeList};

/// Those of an organization, by name; of a search, those whose name has it in it.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ManageCidrRangeLists>,
    search: Option<&str>,
    paging: Paging,
) -> Result<Page<CidrRangeList>> {
    use cidr_range_list::Column as C;
    let mut query =
        cidr_range_list::Entity::find().filter(C::OrganizationName.eq(&organization.name));
    if let Some(text) = search {
        query = query.filter(contains(C::Name, text));
    }
    let query = query.order_by_asc(C::Name).order_by_asc(C::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[CidrRangeListId]) -> Result<Vec<CidrRangeList>> {
    let query = cidr_range_list::Entity::find().filter(cidr_range_list::Column::Id.is_in(ids));
    let mut rows = query.all(cx.read()).await?;
    let names: Vec<String> = rows.iter().map(|row| row.organization_name.clone()).collect();
    let mut own = organizations::load(cx, &names).await?;
    own.retain(|organization| cx.may::<can::ManageCidrRangeLists>(organization));
    rows.retain(|row| own.iter().any(|one| one.name == row.organization_name));
    Ok(rows)
}
