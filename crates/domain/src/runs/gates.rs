//! What stands between a plan and its apply. Each gate opens in the transaction that learns that it may: nobody ever
//! sees a run that has passed one and waits for nothing.

use super::{
    moves::{goes_on_by_itself, happen},
    status::{Event, Gate},
};
use crate::{
    Result, Tx, policy_evaluations,
    row::{Run, Workspace},
};
use db::entity::run::Status;

/// The plan is there: on to the first gate, or past all of them.
pub(crate) async fn plan_finished(
    tx: &mut Tx,
    workspace: &mut Workspace,
    run: &mut Run,
) -> Result<()> {
    // Policies may have been attached since the run was queued.
    let needs = policy_evaluations::needs(tx.cx(), workspace).await?;
    policy_evaluations::prepare(tx, run, &needs).await?;
    let gate = if !run.task_stages.is_empty() {
        Gate::TaskStage
    } else if !run.policy_checks.is_empty() {
        Gate::PolicyCheck
    } else {
        Gate::None
    };
    let has_changes = run.has_changes;
    happen(tx, workspace, run, Event::PlanFinished { has_changes, gate }).await?;
    match gate {
        Gate::None => go_on(tx, workspace, run).await,
        Gate::TaskStage => Ok(()),
        Gate::PolicyCheck => check(tx, workspace, run, needs.check).await,
    }
}

/// All tasks and policies after the plan agree, or somebody who may has decided.
pub(crate) async fn stage_passed(
    tx: &mut Tx,
    workspace: &mut Workspace,
    run: &mut Run,
) -> Result<()> {
    if run.policy_checks.is_empty() {
        return checks_passed(tx, workspace, run).await;
    }
    let needs = policy_evaluations::needs(tx.cx(), workspace).await?;
    happen(tx, workspace, run, Event::PolicyCheckStarted).await?;
    check(tx, workspace, run, needs.check).await
}

async fn check(
    tx: &mut Tx,
    workspace: &mut Workspace,
    run: &mut Run,
    is_needed: bool,
) -> Result<()> {
    if policy_evaluations::conclude_check(tx, run, is_needed).await? {
        checks_passed(tx, workspace, run).await
    } else {
        happen(tx, workspace, run, Event::Failed).await
    }
}

/// Nothing stands in the way any more.
pub(crate) async fn checks_passed(
    tx: &mut Tx,
    workspace: &mut Workspace,
    run: &mut Run,
) -> Result<()> {
    let has_changes = run.has_changes;
    happen(tx, workspace, run, Event::ChecksPassed { has_changes }).await?;
    go_on(tx, workspace, run).await
}

/// In the same moment, so that no command line ever sees a plan that nobody will confirm.
async fn go_on(tx: &mut Tx, workspace: &mut Workspace, run: &mut Run) -> Result<()> {
    let waits =
        matches!(run.status, Status::Planned | Status::PostPlanCompleted | Status::PolicyChecked);
    if waits && goes_on_by_itself(run) {
        happen(tx, workspace, run, Event::Confirmed).await?;
    }
    Ok(())
}
