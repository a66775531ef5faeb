//! Going on although policies disagree: somebody who may has decided so.

use db::entity::{
    policy_evaluation as evaluation, run,
    task_stage::{self as stage, Status},
};
use serde_json::json;

use super::stages::{evaluations_of, set_evaluation, set_stage};
use crate::{
    Ctx, Error, Granted, Happened, In, Result, can,
    row::TaskStage,
    runs::{comments, gates, held::Floor, moves},
};

/// Whether a stage waits for such a decision.
pub fn is_overridable(row: &TaskStage) -> bool {
    row.status == Status::AwaitingOverride
}

/// Lets the run go on.
///
/// # Errors
/// Conflict if the stage does not wait for it.
pub async fn override_stage(
    cx: &Ctx,
    granted: &Granted<can::OverridePolicies, In<TaskStage>>,
    comment: Option<String>,
) -> Result<TaskStage> {
    let comment = comments::with_action(comment)?;
    let mut run = Floor::lock(cx, &granted.of.id).await?.hold(&granted.run_id).await?;
    let tx = run.tx();
    let row = tx.lock::<stage::Entity>(granted.row.id.clone()).await?;
    let mut row = row.ok_or(Error::NotFound)?;
    if !is_overridable(&row) || run.status != run::Status::PostPlanAwaitingDecision {
        return Err(Error::conflict(format!(
            "transition not allowed: the task stage is {} and waits for no override",
            row.status
        )));
    }
    for open in evaluations_of(tx, &row.id).await? {
        use evaluation::Status as S;
        if matches!(open.status, S::Failed | S::Errored)
            && let Some(mut evaluation) = tx.lock::<evaluation::Entity>(open.id).await?
        {
            set_evaluation(tx, &mut evaluation, S::Overridden);
            tx.update(evaluation).await?;
        }
    }
    set_stage(tx, &mut row, Status::Passed);
    let row = tx.update(row).await?;
    tx.emit(Happened::RunPoliciesOverridden, moves::subject(&run), json!({})).await?;
    if let Some(body) = comment {
        comments::write(tx, &run, body).await?;
    }
    Box::pin(gates::stage_passed(&mut run)).await?;
    run.commit().await?;
    Ok(row)
}
