//! The state machine of a run: a pure function from a status and what happened to the next status. Every change of
//! a run's status goes through it (resource dictionary, "State machines").

use db::entity::{run::Status, task_stage::Stage};

use super::stages::{self, Part, WAY};

/// What can happen to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is its turn, and this stage comes before the phase that it waits for.
    Begun(Stage),
    /// It is its turn: the plan waits for an agent.
    PlanQueued,
    PlanStarted,
    /// A stage is over, and its members or its engine have nothing against going on.
    Passed {
        stage: Stage,
        /// What comes next in the same part of its way.
        then: Option<Stage>,
        /// Whether the plan would change anything.
        has_changes: bool,
    },
    /// Members disagree, and somebody may decide to go on.
    DecisionNeeded {
        has_changes: bool,
    },
    /// Somebody, or a setting, said yes.
    Confirmed,
    /// Before the apply is queued, it is found that somebody who said yes may not do so any more, and is needed. The run
    /// waits again behind the last stage that it has passed.
    YesWithdrawn(Stage),
    ApplyQueued,
    /// A freeze has begun before anybody has begun the apply.
    ApplyPutBack,
    ApplyStarted,
    Failed,
    Discarded,
    /// A saved plan, by a state that is newer than it.
    Outdated,
    Canceled,
}

impl Event {
    /// Back to where it was before. When it first came there stays as it is.
    pub fn leads_back(self) -> bool {
        matches!(self, Self::YesWithdrawn(_) | Self::ApplyPutBack)
    }
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
        (status, E::Begun(stage)) => {
            let line = stages::line(stage);
            (stages::begins_at(line.part) == Some(status)).then_some(line.running)
        }
        (S::Pending | S::PrePlanCompleted, E::PlanQueued) => Some(S::PlanQueued),
        // From planning itself when an agent was lost, and another one plans again.
        (S::PlanQueued | S::Planning, E::PlanStarted) => Some(S::Planning),
        (status, E::Passed { stage, then, has_changes }) => {
            passed(status, stage, then, purpose, has_changes)
        }
        (status, E::DecisionNeeded { has_changes }) => {
            let line = stages::running_at(status)?;
            let awaited = line.awaited?;
            // Nobody is asked about what could not be applied anyway.
            let is_moot = planned(purpose, has_changes, awaited) == S::PlannedAndFinished;
            Some(if is_moot { S::PolicySoftFailed } else { awaited })
        }
        (status, E::Confirmed) if is_confirmable(status) => Some(S::Confirmed),
        (S::Confirmed | S::PreApplyCompleted, E::YesWithdrawn(stage)) => {
            let line = stages::line(stage);
            let waiting = if purpose.save_plan { S::PlannedAndSaved } else { line.done };
            (line.part == Part::Plan).then_some(waiting)
        }
        (S::Confirmed | S::PreApplyCompleted, E::ApplyQueued) => Some(S::ApplyQueued),
        (S::ApplyQueued, E::ApplyPutBack) => Some(S::Confirmed),
        (S::ApplyQueued, E::ApplyStarted) => Some(S::Applying),
        (status, E::Discarded) if is_discardable(status) => Some(S::Discarded),
        (S::PlannedAndSaved | S::Confirmed, E::Outdated) => Some(S::Discarded),
        // It has been applied, whatever becomes of what follows.
        (S::PostApplyRunning, E::Failed | E::Canceled) => Some(S::Applied),
        (status, E::Failed) if !is_final(status) => Some(S::Errored),
        (status, E::Canceled) if !is_final(status) => Some(S::Canceled),
        _ => None,
    }
}

fn passed(
    status: Status,
    stage: Stage,
    then: Option<Stage>,
    purpose: Purpose,
    has_changes: bool,
) -> Option<Status> {
    let line = stages::at(status).filter(|line| line.stage == stage)?;
    if let Some(then) = then {
        let follows = stages::next_of(stage, [then]) == Some(then);
        return follows.then(|| stages::line(then).running);
    }
    Some(match line.part {
        Part::BeforePlan | Part::BeforeApply => line.done,
        Part::Plan => planned(purpose, has_changes, line.done),
        Part::Apply => Status::Applied,
    })
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

/// A status that a run goes through in the moment of an event, without staying in it.
pub fn passed_through(event: Event, next: Status) -> Option<Status> {
    let Event::Passed { stage, then, .. } = event else { return None };
    let done = stages::line(stage).done;
    // A plan that is the end of its run, or is saved, says so alone.
    let is_told = then.is_some() || stages::phase_of(stage).is_none();
    (is_told && done != next && !is_final(done)).then_some(done)
}

/// Whether it waits for somebody who may go on although members disagree.
pub fn awaits_override(status: Status) -> bool {
    WAY.iter().any(|line| line.awaited == Some(status))
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
    status == Status::PlannedAndSaved
        || WAY.iter().any(|line| line.part == Part::Plan && line.done == status)
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
pub(super) mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    const FLAGS: [bool; 2] = [false, true];

    /// All that can happen, whether or not it makes sense.
    pub fn events() -> Vec<Event> {
        let mut all = vec![
            Event::PlanQueued,
            Event::PlanStarted,
            Event::Confirmed,
            Event::ApplyQueued,
            Event::ApplyPutBack,
            Event::ApplyStarted,
            Event::Failed,
            Event::Discarded,
            Event::Outdated,
            Event::Canceled,
        ];
        for stage in Stage::ALL.iter().copied() {
            all.push(Event::Begun(stage));
            all.push(Event::YesWithdrawn(stage));
            for has_changes in FLAGS {
                let thens = Stage::ALL.iter().copied().map(Some).chain([None]);
                all.extend(thens.map(|then| Event::Passed { stage, then, has_changes }));
            }
        }
        all.extend(FLAGS.map(|has_changes| Event::DecisionNeeded { has_changes }));
        all
    }

    pub fn purposes() -> Vec<Purpose> {
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

    fn purpose() -> impl Strategy<Value = Purpose> {
        proptest::sample::select(purposes())
    }

    /// A way that a run can go: each event with the status that it leads to.
    fn way(choices: &[Index], purpose: Purpose) -> Vec<(Event, Status)> {
        let (events, mut status, mut way) = (events(), Status::Pending, Vec::new());
        for choice in choices {
            let to = |event: &Event| next(status, *event, purpose).map(|to| (*event, to));
            let possible: Vec<_> = events.iter().filter_map(to).collect();
            if possible.is_empty() {
                break;
            }
            let step = possible[choice.index(possible.len())];
            status = step.1;
            way.push(step);
        }
        way
    }

    fn choices() -> impl Strategy<Value = Vec<Index>> {
        vec(any::<Index>(), 0..40)
    }

    #[test]
    fn nothing_happens_after_the_end() {
        for status in Status::ALL.iter().copied().filter(|status| is_final(*status)) {
            for event in events() {
                for purpose in purposes() {
                    assert_eq!(next(status, event, purpose), None, "{status} {event:?}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn an_apply_begins_at_most_once_and_only_after_a_yes(
            choices in choices(),
            purpose in purpose(),
        ) {
            let way = way(&choices, purpose);
            let at = |wanted: Event| way.iter().position(|(event, _)| *event == wanted);
            let applies = way.iter().filter(|(event, _)| *event == Event::ApplyStarted).count();
            prop_assert!(applies <= 1);
            prop_assert!(!(purpose.plan_only && applies > 0));
            if let Some(begins) = at(Event::ApplyStarted) {
                let before = &way[..begins];
                let yes = before.iter().rposition(|(event, _)| *event == Event::Confirmed);
                let no = before.iter().rposition(|(event, _)| matches!(event, Event::YesWithdrawn(_)));
                prop_assert!(yes.is_some() && yes > no);
            }
        }

        #[test]
        fn a_plan_without_changes_is_never_applied_unless_that_was_wished(choices in choices()) {
            let way = way(&choices, Purpose::default());
            let is_empty = way.iter().any(|(event, _)| match event {
                Event::Passed { stage, then: None, has_changes: false } => {
                    stages::line(*stage).part == Part::Plan
                }
                _ => false,
            });
            prop_assert!(!is_empty || !way.iter().any(|(event, _)| *event == Event::ApplyStarted));
        }

        #[test]
        fn nobody_says_yes_and_nothing_is_applied_before_all_stages_that_began_have_passed(
            choices in choices(),
            purpose in purpose(),
        ) {
            let mut open = BTreeSet::new();
            for (event, _) in way(&choices, purpose) {
                match event {
                    Event::Begun(stage) => {
                        open.insert(stage);
                    }
                    Event::PlanStarted => {
                        open.insert(Stage::Plan);
                    }
                    Event::Passed { stage, then, .. } => {
                        prop_assert!(open.remove(&stage), "{stage} never began");
                        open.extend(then);
                    }
                    Event::PlanQueued
                    | Event::Confirmed
                    | Event::ApplyQueued
                    | Event::ApplyStarted => prop_assert!(open.is_empty(), "{event:?}: {open:?}"),
                    _ => {}
                }
                if event == Event::ApplyStarted {
                    open.insert(Stage::Apply);
                }
            }
        }

        #[test]
        fn the_stages_come_in_their_order(choices in choices(), purpose in purpose()) {
            let mut last = None;
            for (_, status) in way(&choices, purpose) {
                let here = stages::at(status).map(|line| line.stage);
                prop_assert!(here.is_none() || here >= last, "{here:?} after {last:?}");
                last = here.or(last);
            }
        }

        #[test]
        fn what_has_been_applied_is_applied_whatever_follows(
            choices in choices(),
            purpose in purpose(),
        ) {
            let mut applied = false;
            for (event, status) in way(&choices, purpose) {
                applied |= matches!(event, Event::Passed { stage: Stage::Apply, .. });
                let is_so = matches!(status, Status::PostApplyRunning | Status::Applied);
                prop_assert_eq!(applied, is_so);
            }
        }

        #[test]
        fn every_unfinished_run_can_still_end(choices in choices(), purpose in purpose()) {
            for (_, status) in way(&choices, purpose) {
                prop_assert!(is_final(status) || next(status, Event::Canceled, purpose).is_some());
                prop_assert!(is_final(status) || is_cancelable(status) || is_discardable(status));
            }
        }
    }

    #[test]
    fn nobody_is_asked_about_what_could_not_be_applied() {
        let asked = |status, purpose, has_changes| {
            next(status, Event::DecisionNeeded { has_changes }, purpose)
        };
        let (plain, speculative) =
            (Purpose::default(), Purpose { plan_only: true, ..Purpose::default() });
        for (status, awaited) in [
            (Status::PostPlanRunning, Status::PostPlanAwaitingDecision),
            (Status::PolicyChecking, Status::PolicyOverride),
        ] {
            assert_eq!(asked(status, plain, true), Some(awaited));
            assert_eq!(asked(status, speculative, true), Some(Status::PolicySoftFailed));
            assert_eq!(asked(status, plain, false), Some(Status::PolicySoftFailed));
        }
        assert_eq!(asked(Status::PreApplyRunning, plain, true), None);
    }

    #[test]
    fn the_timestamps_have_the_documented_names() {
        assert_eq!(timestamp_key(Status::Pending), "plan-queueable-at");
        assert_eq!(timestamp_key(Status::PlannedAndFinished), "planned-and-finished-at");
        assert_eq!(timestamp_key(Status::ApplyQueued), "apply-queued-at");
    }
}
