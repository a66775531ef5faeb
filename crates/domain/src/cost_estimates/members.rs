//! An estimate as the member of its stage. Whatever it comes to, the run goes on.

use async_trait::async_trait;
use db::{
    Json, Locked,
    entity::{
        cost_estimate::{self as estimate, Status},
        task_stage::Stage,
    },
    id::CostEstimateId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use super::{call::Estimating, set};
use crate::{
    Ctx, Result, Tx, organizations,
    row::{CostEstimate, TaskStage, Workspace},
    runs::held::Held,
    site_settings,
    task_stages::{Members, Place, Standing},
    tasks,
};

/// The worker asks for them; see `call.rs`.
#[derive(Debug)]
pub(crate) struct Estimates;

#[async_trait]
impl Members for Estimates {
    async fn prepare(&self, place: &mut Place<'_>) -> Result<()> {
        let is_here = place.stage == Stage::CostEstimation && place.run.cost_estimate_id.is_none();
        if !is_here || !is_wanted(place.tx.cx(), place.workspace).await? {
            return Ok(());
        }
        place.row().await?;
        let (tx, now) = (place.tx, place.tx.now());
        let row = estimate::Model {
            id: CostEstimateId::fresh(),
            run_id: place.run.id.clone(),
            status: Status::Pending,
            error_message: None,
            matched: 0,
            unmatched: 0,
            prior_monthly_cost: None,
            proposed_monthly_cost: None,
            delta_monthly_cost: None,
            status_timestamps: Json([("pending-at".to_owned(), now)].into()),
            created_at: now,
        };
        place.run.cost_estimate_id = Some(tx.insert(row).await?.id);
        Ok(())
    }

    async fn begin(&self, held: &Held, stage: &TaskStage) -> Result<()> {
        let tx = held.tx();
        for mut row in open(tx, stage, &[Status::Pending]).await? {
            if !held.target_addrs.is_empty() {
                // A part of the plan would be taken for all of it.
                set(tx, &mut row, Status::SkippedDueToTargeting);
            } else if is_wanted(tx.cx(), held.workspace()).await? {
                set(tx, &mut row, Status::Queued);
                tasks::later(tx, &Estimating { estimate: row.id.clone() }).await?;
            } else {
                row.error_message = Some("Cost estimation was switched off meanwhile.".into());
                set(tx, &mut row, Status::Errored);
            }
            tx.update(row).await?;
        }
        Ok(())
    }

    async fn standings(&self, tx: &Tx, stage: &TaskStage) -> Result<Vec<Standing>> {
        Ok(of(tx, stage).await?.iter().map(standing).collect())
    }

    /// It has no say.
    async fn overrule(&self, _tx: &Tx, _stage: &TaskStage) -> Result<()> {
        Ok(())
    }

    async fn end(&self, tx: &Tx, stage: &TaskStage, is_broken: bool) -> Result<()> {
        for mut row in open(tx, stage, &[Status::Pending, Status::Queued]).await? {
            let status = match row.status {
                Status::Pending => Status::Unreachable,
                _ if is_broken => Status::Errored,
                _ => Status::Canceled,
            };
            set(tx, &mut row, status);
            tx.update(row).await?;
        }
        Ok(())
    }
}

fn standing(row: &CostEstimate) -> Standing {
    match row.status {
        Status::Pending => Standing::Waits,
        Status::Queued => Standing::UnderWay,
        Status::Finished
        | Status::Canceled
        | Status::Errored
        | Status::Unreachable
        | Status::SkippedDueToTargeting => Standing::Agrees,
    }
}

/// Whether the site has an estimator, and the organization wants to hear of it.
async fn is_wanted(cx: &Ctx, workspace: &Workspace) -> Result<bool> {
    if site_settings::current(cx).await?.estimator().is_none() {
        return Ok(false);
    }
    let organization = organizations::by_name(cx, &workspace.organization_name).await?;
    Ok(organization.is_some_and(|row| row.cost_estimation_enabled))
}

async fn of(tx: &Tx, stage: &TaskStage) -> Result<Vec<CostEstimate>> {
    if stage.stage != Stage::CostEstimation {
        return Ok(Vec::new());
    }
    let query = estimate::Entity::find().filter(estimate::Column::RunId.eq(&stage.run_id));
    Ok(query.all(tx.db()).await?)
}

/// Those in one of these statuses, locked.
async fn open(
    tx: &Tx,
    stage: &TaskStage,
    statuses: &[Status],
) -> Result<Vec<Locked<estimate::Entity>>> {
    let mut locked = Vec::new();
    for found in of(tx, stage).await? {
        if statuses.contains(&found.status) {
            locked.extend(tx.lock::<estimate::Entity>(found.id).await?);
        }
    }
    Ok(locked)
}
