//! Reading estimates; all of them may be read by whoever may read the run.

use db::{
    entity::{
        cost_estimate::{self as estimate, Status},
        cost_estimate_resource::{self as resource, Resources},
    },
    id::{CostEstimateId, RunId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use super::log;
use crate::{
    Ctx, Found, Granted, In, Result, can,
    row::{CostEstimate, Run},
    runs,
};

/// What all resources together cost a month, in decimal numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costs {
    pub prior: String,
    pub proposed: String,
    pub delta: String,
}

impl Costs {
    /// Once they are known.
    #[must_use]
    pub fn of(row: &CostEstimate) -> Option<Self> {
        Some(Self {
            prior: row.prior_monthly_cost.clone()?,
            proposed: row.proposed_monthly_cost.clone()?,
            delta: row.delta_monthly_cost.clone()?,
        })
    }
}

/// An estimate, with the workspace of its run.
pub async fn find(cx: &Ctx, id: &CostEstimateId) -> Result<Found<In<CostEstimate>>> {
    runs::find_in::<estimate::Entity>(cx, id, |row| &row.run_id).await
}

/// The one of a run, if it has one.
pub async fn of_run(
    cx: &Ctx,
    run: &Granted<can::ReadRun, In<Run>>,
) -> Result<Option<CostEstimate>> {
    let query = estimate::Entity::find().filter(estimate::Column::RunId.eq(&run.id));
    Ok(query.one(cx.read()).await?)
}

/// What policies are told.
pub(crate) async fn costs_of(cx: &Ctx, run: &RunId) -> Result<Option<Costs>> {
    let query = estimate::Entity::find()
        .filter(estimate::Column::RunId.eq(run))
        .filter(estimate::Column::Status.eq(Status::Finished));
    Ok(query.one(cx.read()).await?.as_ref().and_then(Costs::of))
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[CostEstimateId]) -> Result<Vec<In<CostEstimate>>> {
    let rows =
        estimate::Entity::find().filter(estimate::Column::Id.is_in(ids)).all(cx.read()).await?;
    runs::with_workspaces_of(cx, rows, |row| &row.run_id).await
}

/// What each resource costs; nothing until that is known.
pub async fn resources_of(
    cx: &Ctx,
    estimate: &Granted<can::ReadRun, In<CostEstimate>>,
) -> Result<Option<Resources>> {
    let row = resource::Entity::find_by_id(estimate.row.id.clone()).one(cx.read()).await?;
    Ok(row.map(|row| row.resources.0))
}

/// What people read in their terminals; nothing until it is known.
pub async fn output(
    cx: &Ctx,
    estimate: &Granted<can::ReadRun, In<CostEstimate>>,
) -> Result<Option<String>> {
    let resources = resources_of(cx, estimate).await?;
    Ok(log::written(&estimate.row, resources.as_ref()))
}
