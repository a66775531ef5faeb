//! Lists of run tasks, and those that others include.

use db::{
    entity::run_task,
    id::RunTaskId,
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

use crate::{Ctx, Granted, Page, Paging, Result, can, organizations, row::RunTask};

/// Those of an organization, by name.
pub async fn list(
    cx: &Ctx,
    organization: &Granted<can::ReadRunTasks>,
    paging: Paging,
) -> Result<Page<RunTask>> {
    let query = run_task::Entity::find()
        .filter(run_task::Column::OrganizationName.eq(&organization.name))
        .order_by_asc(run_task::Column::Name)
        .order_by_asc(run_task::Column::Id);
    Ok(page(cx.read(), query, paging).await?)
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[RunTaskId]) -> Result<Vec<RunTask>> {
    let mut rows =
        run_task::Entity::find().filter(run_task::Column::Id.is_in(ids)).all(cx.read()).await?;
    let names: Vec<String> = rows.iter().map(|row| row.organization_name.clone()).collect();
    let mut readable = organizations::load(cx, &names).await?;
    readable.retain(|organization| cx.may::<can::ReadRunTasks>(organization));
    rows.retain(|row| readable.iter().any(|one| one.name == row.organization_name));
    Ok(rows)
}
