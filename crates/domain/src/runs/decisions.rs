//! Runs that wait for a decision which the caller may take: what is to be done, wherever it is.

use db::{
    entity::run::{self, Status},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use super::with_workspaces;
use crate::{
    Ctx, In, Result,
    access::awaited,
    can, organizations,
    row::{Phase, Run},
};

/// More than this is looked at by nobody at once.
const MOST: u64 = 1_000;

/// Those in all organizations of the caller, the longest waiting first; 1,000 of them at most.
pub async fn waiting_for_caller(cx: &Ctx) -> Result<Vec<In<Run>>> {
    let organizations = cx.actor().organization_names();
    if organizations.is_empty() {
        return Ok(Vec::new());
    }
    let waiting = Status::ALL.iter().filter(|status| awaited(**status).is_some());
    let rows = run::Entity::find()
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::Status.is_in(waiting))
        .filter(run::Column::OrganizationName.is_in(organizations))
        .order_by_asc(run::Column::UpdatedAt)
        .limit(MOST)
        .all(cx.read())
        .await?;
    let mut runs = with_workspaces(cx, rows).await?;
    runs.retain(|run| cx.may::<can::DecideRun>(run));
    Ok(runs)
}

/// Whether whoever confirms this plan on a page is to type the workspace's name first, because it destroys more than the
/// organization lets pass without. Programs say what they mean anyway.
pub async fn asks_for_name(cx: &Ctx, run: &In<Run>, plan: &Phase) -> Result<bool> {
    let organization = organizations::by_name(cx, &run.organization_name).await?;
    let above = organization.and_then(|row| row.ask_name_above);
    Ok(above.is_some_and(|above| plan.resource_destructions.unwrap_or_default() > above))
}
