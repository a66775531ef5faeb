//! The state machine of a run: a pure function from a status and what happened to the next status. Every change of
//! a run's status goes through it (resource dictionary, "State machines").

use db::entity::run::Status;

/// What can happen to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is its turn: the plan waits for an agent.
    PlanQueued,
    PlanStarted,
    /// The plan is there; says whether it would change anything, and what it has to pass first.
    PlanFinished {
        has_changes: bool,
        gate: Gate,
    },
    /// Policies disagree, and somebody may decide to go on.
    DecisionNeeded,
    /// The task stage is passed, and a policy check comes next.
    PolicyCheckStarted,
    /// Nothing stands between the plan and its apply any more.
    ChecksPassed {
        has_changes: bool,
    },
    /// Somebody, or a setting, said yes.
    Confirmed,
    ApplyQueued,
    ApplyStarted,
    ApplyFinished,
    Failed,
    Discarded,
    /// A saved plan, by a state that is newer than it.
    Outdated,
    Canceled,
}

/// What a plan has to pass before anybody may apply it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    None,
    TaskStage,
    PolicyCheck,
}

/// What a run was made for, as far as its way depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purpose {
    pub plan_only: bool,
    pub save_plan: bool,
    pub allow_empty_apply: bool,
}

/// The next status, or `None` where this cannot happen.
pub fn next(status: Status, event: Event, purpose: Purpose) -> Option<Status> {
    use Event as E;
    use Status as S;
    match (status, event) {
        (S::Pending, E::PlanQueued) => Some(S::PlanQueued),
        // From planning itself when an agent was lost, and another one plans again.
        (S::PlanQueued | S::Planning, E::PlanStarted) => Some(S::Planning),
        (S::Planning, E::PlanFinished { has_changes, gate }) => Some(match gate {
            Gate::None => planned(purpose, has_changes, S::Planned),
            Gate::TaskStage => S::PostPlanRunning,
            Gate::PolicyCheck => S::PolicyChecking,
        }),
        (S::PostPlanRunning, E::DecisionNeeded) => Some(S::PostPlanAwaitingDecision),
        (S::PostPlanRunning | S::PostPlanAwaitingDecision, E::PolicyCheckStarted) => {
            Some(S::PolicyChecking)
        }
        (S::PostPlanRunning | S::PostPlanAwaitingDecision, E::ChecksPassed { has_changes }) => {
            Some(planned(purpose, has_changes, S::PostPlanCompleted))
        }
        (S::PolicyChecking | S::PolicyOverride, E::ChecksPassed { has_changes }) => {
            Some(planned(purpose, has_changes, S::PolicyChecked))
        }
        (status, E::Confirmed) if is_confirmable(status) => Some(S::Confirmed),
        (S::Confirmed, E::ApplyQueued) => Some(S::ApplyQueued),
        (S::ApplyQueued, E::ApplyStarted) => Some(S::Applying),
        (S::Applying, E::ApplyFinished) => Some(S::Applied),
        (status, E::Discarded) if is_discardable(status) => Some(S::Discarded),
        (S::PlannedAndSaved | S::Confirmed, E::Outdated) => Some(S::Discarded),
        (status, E::Failed) if !is_final(status) => Some(S::Errored),
        (status, E::Canceled) if !is_final(status) => Some(S::Canceled),
        _ => None,
    }
}

/// Where a run is once its plan has passed everything: at its end, or waiting for a yes in the status `waiting`.
fn planned(purpose: Purpose, has_changes: bool, waiting: Status) -> Status {
    match purpose {
        Purpose { plan_only: true, .. } => Status::PlannedAndFinished,
        Purpose { allow_empty_apply: false, .. } if !has_changes => Status::PlannedAndFinished,
        Purpose { save_plan: true, .. } => Status::PlannedAndSaved,
        _ => waiting,
    }
}

/// Whether it waits for somebody who may go on although policies disagree.
pub fn awaits_override(status: Status) -> bool {
    matches!(status, Status::PostPlanAwaitingDecision | Status::PolicyOverride)
}

/// Nothing can happen any more.
pub fn is_final(status: Status) -> bool {
    matches!(
        status,
        Status::Applied
            | Status::PlannedAndFinished
            | Status::Discarded
            | Status::Errored
            | Status::Canceled
            | Status::ForceCanceled
            | Status::PolicySoftFailed
    )
}

/// Waits for somebody to say yes.
pub fn is_confirmable(status: Status) -> bool {
    matches!(
        status,
        Status::Planned
            | Status::CostEstimated
            | Status::PolicyChecked
            | Status::PostPlanCompleted
            | Status::PlannedAndSaved
    )
}

pub fn is_discardable(status: Status) -> bool {
    is_confirmable(status)
        || awaits_override(status)
        || matches!(status, Status::Pending | Status::PostPlanRunning)
}

/// Something is under way, or will be without anybody's doing.
pub fn is_cancelable(status: Status) -> bool {
    !is_final(status) && !is_confirmable(status) && !awaits_override(status)
}

/// The key of `status-timestamps`, where it is not just the status with hyphens.
pub fn timestamp_key(status: Status) -> String {
    match status {
        Status::Pending => "plan-queueable-at".into(),
        Status::FetchingCompleted => "fetched-at".into(),
        other => format!("{}-at", other.as_str().replace('_', "-")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::PlanQueued),
            Just(Event::PlanStarted),
            (any::<bool>(), gate())
                .prop_map(|(has_changes, gate)| Event::PlanFinished { has_changes, gate }),
            Just(Event::DecisionNeeded),
            Just(Event::PolicyCheckStarted),
            any::<bool>().prop_map(|has_changes| Event::ChecksPassed { has_changes }),
            Just(Event::Confirmed),
            Just(Event::ApplyQueued),
            Just(Event::ApplyStarted),
            Just(Event::ApplyFinished),
            Just(Event::Failed),
            Just(Event::Discarded),
            Just(Event::Outdated),
            Just(Event::Canceled),
        ]
    }

    fn gate() -> impl Strategy<Value = Gate> {
        prop_oneof![Just(Gate::None), Just(Gate::TaskStage), Just(Gate::PolicyCheck)]
    }

    fn purpose() -> impl Strategy<Value = Purpose> {
        any::<(bool, bool, bool)>().prop_map(|(plan_only, save_plan, allow_empty_apply)| Purpose {
            plan_only,
            save_plan,
            allow_empty_apply,
        })
    }

    proptest! {
        #[test]
        fn nothing_happens_after_the_end(events in vec(event(), 0..40), purpose in purpose()) {
            let mut status = Status::Pending;
            for event in events {
                let next = next(status, event, purpose);
                prop_assert!(!(is_final(status) && next.is_some()));
                status = next.unwrap_or(status);
            }
        }

        #[test]
        fn an_apply_begins_at_most_once_and_only_after_a_yes(
            events in vec(event(), 0..60),
            purpose in purpose(),
        ) {
            let (mut status, mut confirmed, mut applies) = (Status::Pending, false, 0);
            for event in events {
                if let Some(next) = next(status, event, purpose) {
                    confirmed |= event == Event::Confirmed;
                    applies += usize::from(event == Event::ApplyStarted);
                    prop_assert!(event != Event::ApplyStarted || confirmed);
                    status = next;
                }
            }
            prop_assert!(applies <= 1);
            prop_assert!(!(purpose.plan_only && applies > 0));
        }

        #[test]
        fn a_plan_without_changes_is_never_applied_unless_that_was_wished(
            events in vec(event(), 0..60),
        ) {
            let mut status = Status::Pending;
            let mut empty = false;
            for event in events {
                if let Some(next) = next(status, event, Purpose::default()) {
                    empty |= matches!(
                        event,
                        Event::PlanFinished { has_changes: false, gate: Gate::None }
                            | Event::ChecksPassed { has_changes: false }
                    );
                    status = next;
                }
            }
            prop_assert!(!(empty && matches!(status, Status::Applying | Status::Applied)));
        }

        #[test]
        fn no_apply_begins_before_what_stands_in_its_way_has_agreed(
            events in vec(event(), 0..60),
            purpose in purpose(),
        ) {
            let (mut status, mut gated, mut agreed) = (Status::Pending, false, false);
            for event in events {
                if let Some(next) = next(status, event, purpose) {
                    gated |= matches!(event, Event::PlanFinished { gate, .. } if gate != Gate::None);
                    agreed |= matches!(event, Event::ChecksPassed { .. });
                    prop_assert!(event != Event::ApplyStarted || !gated || agreed);
                    prop_assert!(event != Event::Confirmed || !gated || agreed);
                    status = next;
                }
            }
        }

        #[test]
        fn every_unfinished_run_can_still_end(events in vec(event(), 0..40), purpose in purpose()) {
            let mut status = Status::Pending;
            for event in events {
                status = next(status, event, purpose).unwrap_or(status);
            }
            prop_assert!(is_final(status) || next(status, Event::Canceled, purpose).is_some());
            prop_assert!(is_final(status) || is_cancelable(status) || is_discardable(status));
        }
    }

    #[test]
    fn the_timestamps_have_the_documented_names() {
        assert_eq!(timestamp_key(Status::Pending), "plan-queueable-at");
        assert_eq!(timestamp_key(Status::PlannedAndFinished), "planned-and-finished-at");
        assert_eq!(timestamp_key(Status::ApplyQueued), "apply-queued-at");
    }
}
