//! Lists of gad gets, and those that others include.

use db::{
    entity::gad_get,
    id::GadGetId,
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

use crate::{Ctx, Granted, Page, Paging, Result, can, organizations, row::GadGet};

/// Those of an organization, by name.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadGadGets>,
    paging: Paging,
) -> Result<Page<GadGet>> {
    let query = gad_get::Entity::find()
        .filter(gad_get::Column::OrganizationName.eq(&organization.name))
        .order_by_asc(gad_get::Column::Name)
        .order_by_asc(gad_get::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[GadGetId]) -> Result<Vec<GadGet>> {
    let mut rows =
        gad_get::Entity::find().filter(gad_get::Column::Id.is_in(ids)).all(cx.read()).await?;
    let names: Vec<String> = rows.iter().map(|row| row.organization_name.clone()).collect();
    let mut readable = organizations::load(cx, &names).await?;
    readable.retain(|organization| cx.may::<can::ReadGadGets>(organization));
    rows.retain(|row| readable.iter().any(|one| one.name == row.organization_name));
    Ok(rows)
}
