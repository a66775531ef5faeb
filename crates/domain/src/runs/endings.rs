//! Who ends a run, or what does, in every status in which it can stay; and the ends that come by themselves.

use blobs::LogId;
use db::{
    entity::{
        phase::Kind,
        run::{self, Status},
    },
    id::RunId,
    sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult},
};

use super::{held::Floor, last_words, moves, stages, turns, turns::Waiting};
use crate::{Ctx, Result, configurations};

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
    /// The queue, as soon as it is its turn and somebody can execute it.
    Queue,
    /// Its configuration did not come in time, or never will.
    NoConfiguration,
    /// The agent that has the phase, whose lease ends if it is not heard of, or if the phase takes too long.
    Agent,
    /// The members of the stage that it is in: each of them is given up when it takes too long.
    Members,
    /// Whoever may confirm it.
    Confirm,
    /// Whoever may discard it.
    Discard,
    /// Whoever may cancel it.
    Cancel,
    /// Whoever may let it pass against its members.
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
        S::PrePlanRunning
        | S::CostEstimating
        | S::PolicyChecking
        | S::PreApplyRunning
        | S::PostApplyRunning => &[E::Members, E::Cancel],
        S::PostPlanRunning => &[E::Members, E::Cancel, E::Discard],
        S::PostPlanAwaitingDecision | S::PolicyOverride => &[E::Override, E::Discard],
        S::Planned | S::CostEstimated | S::PolicyChecked | S::PostPlanCompleted => {
            &[E::Confirm, E::Discard]
        }
        S::PlannedAndSaved => &[E::Confirm, E::Discard, E::NewState],
        S::Confirmed => &[E::Queue, E::Cancel, E::NewState],
        S::PrePlanCompleted | S::PreApplyCompleted => &[E::Queue, E::Cancel],
        S::Applied
        | S::PlannedAndFinished
        | S::Discarded
        | S::Errored
        | S::Canceled
        | S::ForceCanceled
        | S::PolicySoftFailed => &[E::Over],
        S::Fetching
        | S::FetchingCompleted
        | S::Queuing
        | S::QueuingApply
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
        let ended = async {
            let why = reason(cx, &found.id).await?.unwrap_or_else(|| why.to_owned());
            give_up(cx, &found.id, &why).await
        };
        let ended = Box::pin(ended).await;
        cx.troubles().settle(CHORE, found.id.as_str(), ended, cx.now());
    }
    Ok(())
}

/// Why the configuration of a run could not be had, where that is known.
async fn reason(cx: &Ctx, id: &RunId) -> Result<Option<String>> {
    let run = run::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let Some(id) = run.and_then(|run| run.configuration_version_id) else { return Ok(None) };
    let failed = configurations::failure(cx, &id).await?;
    Ok(failed.map(|why| format!("The configuration of this run could not be had: {why}")))
}

/// Ends a run that can never be planned, saying why where people look: in the log, if there can be one.
pub(super) async fn give_up(cx: &Ctx, id: &RunId, why: &str) -> Result<()> {
    let run = run::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let is_unplanned = |run: &run::Model| stages::awaited_phase(run.status) == Some(Kind::Plan);
    let Some(run) = run.filter(is_unplanned) else { return Ok(()) };
    let log = LogId::new(run.plan_id.as_str())?;
    let note = format!("\u{2}{why}\r\n\u{3}");
    last_words::or_pass_on(async {
        cx.blobs().append_log(&log, 0, note.into()).await?;
        Ok(())
    })
    .await;
    let Some(floor) = Floor::lock_if_free(cx, &run.workspace_id).await? else { return Ok(()) };
    let mut run = floor.hold(id).await?;
    if is_unplanned(&run) {
        moves::fail(&mut run, Kind::Plan, why).await?;
        run.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        super::{
            stages::WAY,
            status::{
                Event, is_cancelable, is_confirmable, is_discardable, next,
                tests::{events, purposes},
            },
        },
        *,
    };

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
        let passed: Vec<_> = WAY
            .iter()
            .flat_map(|line| {
                [false, true].map(|has_changes| Event::Passed {
                    stage: line.stage,
                    then: None,
                    has_changes,
                })
            })
            .collect();
        let begun = [Event::PlanStarted, Event::ApplyStarted];
        for status in reachable() {
            for end in ends(status) {
                let leads = match end {
                    End::Over | End::Unused => continue,
                    End::Members | End::Override => leads_on(status, &passed),
                    End::Queue => leads_on(status, &[Event::PlanQueued, Event::ApplyQueued]),
                    End::NoConfiguration => leads_on(status, &[Event::Failed]),
                    End::Agent => leads_on(status, &begun) || leads_on(status, &passed),
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
