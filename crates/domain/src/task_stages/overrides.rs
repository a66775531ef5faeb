//! Going on although members of a stage disagree: somebody who may has decided so.

use db::{
    entity::task_stage::{self as stage, Stage, Status},
    id::{RunId, WorkspaceId},
};
use serde_json::json;

use super::{course, is_shown, of, set_status};
use crate::{
    Ctx, Error, Granted, Happened, In, Result, can,
    parts::MEMBERS,
    row::TaskStage,
    runs::{comments, held::Floor, moves, stages},
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
    overrule(cx, &granted.of.id, &granted.run_id, granted.stage, comment).await
}

/// The same for any stage of a run, once it is proven that the caller may.
pub(crate) async fn overrule(
    cx: &Ctx,
    workspace: &WorkspaceId,
    run: &RunId,
    which: Stage,
    comment: Option<String>,
) -> Result<TaskStage> {
    let comment = comments::with_action(comment)?;
    let mut run = Floor::lock(cx, workspace).await?.hold(run).await?;
    let tx = run.tx();
    let Some(found) = of(tx, &run.id, which).await? else {
        return Err(Error::conflict("transition not allowed: nothing waits for an override"));
    };
    let mut row = tx.lock::<stage::Entity>(found.id).await?.ok_or(Error::NotFound)?;
    if !is_overridable(&row) || stages::line(which).awaited != Some(run.status) {
        let noun = if is_shown(which) { "task stage" } else { "policy check" };
        return Err(Error::conflict(format!(
            "transition not allowed: the {noun} is {} and waits for no override",
            row.status
        )));
    }
    for kind in MEMBERS {
        kind.overrule(tx, &row).await?;
    }
    set_status(tx, &mut row, Status::Passed);
    let row = tx.update(row).await?;
    tx.emit(Happened::RunPoliciesOverridden, moves::subject(&run), json!({})).await?;
    if let Some(body) = comment {
        comments::write(tx, &run, body).await?;
    }
    Box::pin(course::pass(&mut run, which)).await?;
    Box::pin(course::settle(&mut run)).await?;
    run.commit().await?;
    Ok(row)
}
