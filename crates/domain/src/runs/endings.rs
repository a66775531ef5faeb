//! Who ends a run, or what does, in every status in which it can stay; and the ends that come by themselves.

use blobs::LogId;
use db::{
    entity::{
        phase,
        run::{self, Status},
    },
    id::RunId,
    sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult},
};

use super::{held::Floor, moves, turns, turns::Waiting};
use crate::{Ctx, Result};

/// Seconds that a run waits for its configuration.
const CONFIGURATION_SECONDS: i64 = 60 * 60;
const CHORE: &str = "runs without a configuration";

/// How a run leaves a status in which it can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is over.
    Over,
    /// No run is ever in it, as there is nothing on this server that it could stand for.
    Unused,
    /// It leaves it in the transaction in which it came.
    AtOnce,
    /// The queue, as soon as it is its turn and somebody can execute it.
    Queue,
    /// Its configuration did not come in time, or never will.
    NoConfiguration,
    /// The agent that has the phase, whose lease ends if it is not heard of, or if the phase takes too long.
    Agent,
    /// The policies, whose evaluation is given up when it takes too long or breaks down again and again.
    Policies,
    /// Whoever may confirm it.
    Confirm,
    /// Whoever may discard it.
    Discard,
    /// Whoever may cancel it.
    Cancel,
    /// Whoever may override policies.
    Override,
    /// A new state of the workspace: what was planned on the old one is worth nothing any more.
    NewState,
}

/// The ways out of a status.
pub fn ends(status: Status) -> &'static [End] {
    use End as E;
    use Status as S;
    match status {
        S::Pending => &[E::Queue, E::NoConfiguration, E::Cancel, E::Discard],
        S::PlanQueued | S::ApplyQueued | S::Planning | S::Applying => &[E::Agent, E::Cancel],
        S::PostPlanRunning => &[E::Policies, E::Cancel, E::Discard],
        S::PostPlanAwaitingDecision | S::PolicyOverride => &[E::Override, E::Discard],
        S::PolicyChecking => &[E::AtOnce, E::Cancel],
        S::Planned | S::PolicyChecked | S::PostPlanCompleted => &[E::Confirm, E::Discard],
        S::PlannedAndSaved => &[E::Confirm, E::Discard, E::NewState],
        S::Confirmed => &[E::Queue, E::Cancel, E::NewState],
        S::Applied
        | S::PlannedAndFinished
        | S::Discarded
        | S::Errored
        | S::Canceled
        | S::ForceCanceled
        | S::PolicySoftFailed => &[E::Over],
        S::Fetching
        | S::FetchingCompleted
        | S::PrePlanRunning
        | S::PrePlanCompleted
        | S::Queuing
        | S::CostEstimating
        | S::CostEstimated
        | S::PreApplyRunning
        | S::PreApplyCompleted
        | S::QueuingApply
        | S::PostApplyRunning
        | S::PostApplyCompleted => &[E::Unused],
    }
}

/// Ends runs whose configuration did not come. Until then they hold up nobody.
pub async fn end_hopeless(cx: &Ctx) -> Result<()> {
    let query = turns::hopeless(
        cx.read().get_database_backend(),
        cx.now().plus_seconds(-CONFIGURATION_SECONDS),
    );
    for found in Waiting::find_by_statement(query).all(cx.read()).await? {
        let why = "The configuration of this run could not be had: it failed, is gone, or was not \
                   uploaded within an hour.";
        let ended = Box::pin(give_up(cx, &found.id, why)).await;
        cx.troubles().settle(CHORE, found.id.as_str(), ended, cx.now());
    }
    Ok(())
}

/// Ends a run that can never be planned, saying why where people look: in the log, which is there before the end is.
pub(super) async fn give_up(cx: &Ctx, id: &RunId, why: &str) -> Result<()> {
    let run = run::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let Some(run) = run.filter(|run| run.status == Status::Pending) else { return Ok(()) };
    let log = LogId::new(run.plan_id.as_str())?;
    let note = format!("\u{2}{why}\r\n\u{3}");
    cx.blobs().append_log(&log, 0, note.into()).await?;
    let Some(floor) = Floor::lock_if_free(cx, &run.workspace_id).await? else { return Ok(()) };
    let mut run = floor.hold(id).await?;
    if run.status == Status::Pending {
        moves::fail(&mut run, phase::Kind::Plan, why).await?;
        run.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        super::status::{
            Event, Gate, Purpose, is_cancelable, is_confirmable, is_discardable, next,
        },
        *,
    };

    const FLAGS: [bool; 2] = [false, true];

    fn events() -> Vec<Event> {
        let mut all = vec![
            Event::PlanQueued,
            Event::PlanStarted,
            Event::DecisionNeeded,
            Event::PolicyCheckStarted,
            Event::Confirmed,
            Event::ApplyQueued,
            Event::ApplyStarted,
            Event::ApplyFinished,
            Event::Failed,
            Event::Discarded,
            Event::Outdated,
            Event::Canceled,
        ];
        for has_changes in FLAGS {
            all.push(Event::ChecksPassed { has_changes });
            for gate in [Gate::None, Gate::TaskStage, Gate::PolicyCheck] {
                all.push(Event::PlanFinished { has_changes, gate });
            }
        }
        all
    }

    fn purposes() -> Vec<Purpose> {
        let mut all = Vec::new();
        for plan_only in FLAGS {
            for save_plan in FLAGS {
                for allow_empty_apply in FLAGS {
                    all.push(Purpose { plan_only, save_plan, allow_empty_apply });
                }
            }
        }
        all
    }

    /// Where a run can get to, from its beginning.
    fn reachable() -> BTreeSet<Status> {
        let mut found = BTreeSet::from([Status::Pending]);
        loop {
            let before = found.len();
            for status in found.clone() {
                for event in events() {
                    for purpose in purposes() {
                        found.extend(next(status, event, purpose));
                    }
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    fn leads_on(status: Status, by: &[Event]) -> bool {
        by.iter().any(|event| {
            purposes()
                .into_iter()
                .any(|purpose| next(status, *event, purpose).is_some_and(|then| then != status))
        })
    }

    #[test]
    fn every_status_has_somebody_or_something_that_ends_it() {
        let reachable = reachable();
        for status in Status::ALL.iter().copied() {
            let ends = ends(status);
            assert!(!ends.is_empty(), "{status}");
            if reachable.contains(&status) {
                assert!(!ends.contains(&End::Unused), "a run can be {status}");
            }
        }
        for status in reachable.into_iter().filter(|status| !ends(*status).contains(&End::Over)) {
            let by_somebody = [End::Confirm, End::Discard, End::Cancel, End::Override];
            assert!(ends(status).iter().any(|end| by_somebody.contains(end)), "{status}");
        }
    }

    #[test]
    fn the_table_says_what_the_rules_say() {
        for status in reachable() {
            let has = |end: End| ends(status).contains(&end);
            assert_eq!(has(End::Over), super::super::status::is_final(status), "{status}");
            assert_eq!(has(End::Confirm), is_confirmable(status), "{status}");
            assert_eq!(has(End::Discard), is_discardable(status), "{status}");
            assert_eq!(has(End::Cancel), is_cancelable(status), "{status}");
            let outdated = leads_on(status, &[Event::Outdated]);
            assert_eq!(has(End::NewState), outdated, "{status}");
            let queued = leads_on(status, &[Event::PlanQueued, Event::ApplyQueued]);
            assert_eq!(has(End::Queue), queued, "{status}");
        }
    }

    #[test]
    fn whatever_ends_a_status_leads_on() {
        let passed = FLAGS.map(|has_changes| Event::ChecksPassed { has_changes });
        let planned =
            FLAGS.map(|has_changes| Event::PlanFinished { has_changes, gate: Gate::None });
        let begun = [Event::PlanStarted, Event::ApplyStarted, Event::ApplyFinished];
        for status in reachable() {
            for end in ends(status) {
                let leads = match end {
                    End::Over | End::Unused => continue,
                    End::AtOnce | End::Policies | End::Override => leads_on(status, &passed),
                    End::Queue => leads_on(status, &[Event::PlanQueued, Event::ApplyQueued]),
                    End::NoConfiguration => leads_on(status, &[Event::Failed]),
                    End::Agent => leads_on(status, &begun) || leads_on(status, &planned),
                    End::Confirm => leads_on(status, &[Event::Confirmed]),
                    End::Discard => leads_on(status, &[Event::Discarded]),
                    End::Cancel => leads_on(status, &[Event::Canceled]),
                    End::NewState => leads_on(status, &[Event::Outdated]),
                };
                assert!(leads, "{status} is not ended by {end:?}");
            }
        }
    }
}
