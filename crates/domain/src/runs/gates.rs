//! What stands between a plan and its apply. Each gate opens in the transaction that learns that it may: nobody ever
//! sees a run that has passed one and waits for nothing.

use db::entity::run::Status;

use super::{
    held::Held,
    moves::goes_on_by_itself,
    status::{Event, Gate},
};
use crate::{Result, policy_evaluations};

/// The plan is there: on to the first gate, or past all of them.
pub(crate) async fn plan_finished(held: &mut Held) -> Result<()> {
    // Policies may have been attached since the run was queued.
    let needs = policy_evaluations::needs(held.tx().cx(), held.workspace()).await?;
    let (tx, _, run) = held.parts();
    policy_evaluations::prepare(tx, run, &needs).await?;
    let gate = if !held.task_stages.is_empty() {
        Gate::TaskStage
    } else if !held.policy_checks.is_empty() {
        Gate::PolicyCheck
    } else {
        Gate::None
    };
    let has_changes = held.has_changes;
    held.happen(Event::PlanFinished { has_changes, gate }).await?;
    match gate {
        Gate::None => go_on(held).await,
        Gate::TaskStage => Ok(()),
        Gate::PolicyCheck => check(held, needs.check).await,
    }
}

/// All tasks and policies after the plan agree, or somebody who may has decided.
pub(crate) async fn stage_passed(held: &mut Held) -> Result<()> {
    if held.policy_checks.is_empty() {
        return checks_passed(held).await;
    }
    let needs = policy_evaluations::needs(held.tx().cx(), held.workspace()).await?;
    held.happen(Event::PolicyCheckStarted).await?;
    check(held, needs.check).await
}

async fn check(held: &mut Held, is_needed: bool) -> Result<()> {
    if policy_evaluations::conclude_check(held.tx(), held, is_needed).await? {
        checks_passed(held).await
    } else {
        held.happen(Event::Failed).await
    }
}

/// Nothing stands in the way any more.
pub(crate) async fn checks_passed(held: &mut Held) -> Result<()> {
    let has_changes = held.has_changes;
    held.happen(Event::ChecksPassed { has_changes }).await?;
    go_on(held).await
}

/// In the same moment, so that no command line ever sees a plan that nobody will confirm.
async fn go_on(held: &mut Held) -> Result<()> {
    let waits =
        matches!(held.status, Status::Planned | Status::PostPlanCompleted | Status::PolicyChecked);
    if waits && goes_on_by_itself(held) {
        held.happen(Event::Confirmed).await?;
    }
    Ok(())
}
