//! Runs that wait for a decision which the caller may take: what is to be done, wherever it is.

use db::{
    entity::run::{self, Status},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use super::with_workspaces;
use crate::{
    Ctx, In, Result, can,
    row::{Run, Workspace},
};

/// More than this is looked at by nobody at once.
const MOST: u64 = 1_000;

/// In which a run waits for a person. Saved plans wait for the command line that made them.
const WAITING: [Status; 6] = [
    Status::Planned,
    Status::CostEstimated,
    Status::PolicyChecked,
    Status::PostPlanCompleted,
    Status::PolicyOverride,
    Status::PostPlanAwaitingDecision,
];

/// Whether the caller may take the decision that a run in this status waits for.
pub fn may_decide(cx: &Ctx, status: Status, workspace: &Workspace) -> bool {
    match status {
        Status::PolicyOverride | Status::PostPlanAwaitingDecision => {
            cx.may::<can::OverridePolicies>(workspace)
        }
        _ => WAITING.contains(&status) && cx.may::<can::ApplyRun>(workspace),
    }
}

/// Those in all organizations of the caller, the longest waiting first; 1,000 of them at most.
pub async fn waiting_for_caller(cx: &Ctx) -> Result<Vec<In<Run>>> {
    let organizations = cx.actor().organization_names();
    if organizations.is_empty() {
        return Ok(Vec::new());
    }
    let rows = run::Entity::find()
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::Status.is_in(WAITING))
        .filter(run::Column::OrganizationName.is_in(organizations))
        .order_by_asc(run::Column::UpdatedAt)
        .limit(MOST)
        .all(cx.read())
        .await?;
    let mut runs = with_workspaces(cx, rows).await?;
    runs.retain(|run| may_decide(cx, run.status, &run.of));
    Ok(runs)
}
