//! The way of a run: every stage that it can have, in their order, with the statuses that the run has in it. A new stage
//! is a line here and a word in `task_stage::Stage`; a new kind of member is a file and a line in `task_stages/members.rs`.

use db::entity::{phase, run::Status, task_stage::Stage};

/// What belongs together: within a part, the stages follow each other by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Ends with waiting for a slot.
    BeforePlan,
    /// Ends with waiting for somebody's yes.
    Plan,
    /// Ends with waiting for a slot.
    BeforeApply,
    /// Ends the run.
    Apply,
}

/// One stage.
#[derive(Debug)]
pub struct Line {
    pub stage: Stage,
    pub part: Part,
    /// Its members, or an agent, are at work.
    pub running: Status,
    /// Where the run waits for somebody to decide whether it goes on although members disagree; without it they have the
    /// last word.
    pub awaited: Option<Status>,
    pub done: Status,
    /// Whether members that refuse end the run.
    pub is_binding: bool,
}

const fn stage(stage: Stage, part: Part, running: Status, done: Status) -> Line {
    Line { stage, part, running, awaited: None, done, is_binding: true }
}

/// In the order of `Stage`.
pub const WAY: &[Line] = &[
    stage(Stage::PrePlan, Part::BeforePlan, Status::PrePlanRunning, Status::PrePlanCompleted),
    stage(Stage::Plan, Part::Plan, Status::Planning, Status::Planned),
    Line {
        awaited: Some(Status::PostPlanAwaitingDecision),
        ..stage(Stage::PostPlan, Part::Plan, Status::PostPlanRunning, Status::PostPlanCompleted)
    },
    Line {
        is_binding: false,
        ..stage(Stage::CostEstimation, Part::Plan, Status::CostEstimating, Status::CostEstimated)
    },
    Line {
        awaited: Some(Status::PolicyOverride),
        ..stage(Stage::PolicyCheck, Part::Plan, Status::PolicyChecking, Status::PolicyChecked)
    },
    stage(Stage::PreApply, Part::BeforeApply, Status::PreApplyRunning, Status::PreApplyCompleted),
    stage(Stage::Apply, Part::Apply, Status::Applying, Status::Applied),
    Line {
        // What was done is done.
        is_binding: false,
        ..stage(Stage::PostApply, Part::Apply, Status::PostApplyRunning, Status::PostApplyCompleted)
    },
];

pub fn line(stage: Stage) -> &'static Line {
    WAY.iter().find(|line| line.stage == stage).expect("the way has a line for every stage")
}

/// The stage that a run in this status is in, at work or waiting for a decision.
pub fn at(status: Status) -> Option<&'static Line> {
    let is_here = |line: &&Line| line.running == status || line.awaited == Some(status);
    WAY.iter().find(is_here)
}

/// The stage whose members are at work in this status, or would be.
pub fn running_at(status: Status) -> Option<&'static Line> {
    at(status).filter(|line| line.running == status && phase_of(line.stage).is_none())
}

/// Agents execute phases; the other stages have members.
pub fn phase_of(stage: Stage) -> Option<phase::Kind> {
    match stage {
        Stage::Plan => Some(phase::Kind::Plan),
        Stage::Apply => Some(phase::Kind::Apply),
        _ => None,
    }
}

pub fn of_phase(kind: phase::Kind) -> Stage {
    match kind {
        phase::Kind::Plan => Stage::Plan,
        phase::Kind::Apply => Stage::Apply,
    }
}

/// Statuses in which a run waits for the queue, those first that come first to their turn; and which phase is next.
pub const QUEUED: [(Status, phase::Kind); 4] = [
    // What somebody has said yes to goes before what nobody has looked at.
    (Status::PreApplyCompleted, phase::Kind::Apply),
    (Status::Confirmed, phase::Kind::Apply),
    (Status::PrePlanCompleted, phase::Kind::Plan),
    (Status::Pending, phase::Kind::Plan),
];

/// The phase that a run in this status waits for.
pub fn awaited_phase(status: Status) -> Option<phase::Kind> {
    QUEUED.iter().find(|(waits, _)| *waits == status).map(|(_, kind)| *kind)
}

/// The part that a run goes through before it may have this phase, once it is its turn.
pub fn part_before(kind: phase::Kind) -> Part {
    match kind {
        phase::Kind::Plan => Part::BeforePlan,
        phase::Kind::Apply => Part::BeforeApply,
    }
}

/// Where a run begins a part that the queue lets it begin.
pub fn begins_at(part: Part) -> Option<Status> {
    match part {
        Part::BeforePlan => Some(Status::Pending),
        Part::BeforeApply => Some(Status::Confirmed),
        Part::Plan | Part::Apply => None,
    }
}

/// Which of the stages that a run has ahead comes next after this one, in the same part.
pub fn next_of(stage: Stage, ahead: impl IntoIterator<Item = Stage>) -> Option<Stage> {
    let part = line(stage).part;
    ahead.into_iter().filter(|other| *other > stage && line(*other).part == part).min()
}

/// The first stage of a part that a run has ahead.
pub fn first_of(part: Part, ahead: impl IntoIterator<Item = Stage>) -> Option<Stage> {
    ahead.into_iter().filter(|stage| line(*stage).part == part).min()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_way_has_every_stage_once_and_in_order() {
        let stages: Vec<_> = WAY.iter().map(|line| line.stage).collect();
        assert_eq!(stages, Stage::ALL);
    }

    #[test]
    fn no_status_belongs_to_two_stages() {
        let mut seen = HashSet::new();
        for line in WAY {
            for status in [Some(line.running), line.awaited, Some(line.done)].into_iter().flatten()
            {
                assert!(seen.insert(status), "{status}");
            }
        }
    }

    #[test]
    fn what_comes_next_is_in_the_same_part_and_later() {
        let all = || Stage::ALL.iter().copied();
        assert_eq!(next_of(Stage::Plan, all()), Some(Stage::PostPlan));
        assert_eq!(
            next_of(Stage::Plan, [Stage::PolicyCheck, Stage::PreApply]),
            Some(Stage::PolicyCheck)
        );
        assert_eq!(next_of(Stage::PolicyCheck, all()), None);
        assert_eq!(next_of(Stage::Apply, all()), Some(Stage::PostApply));
        assert_eq!(first_of(Part::BeforeApply, all()), Some(Stage::PreApply));
        assert_eq!(first_of(Part::BeforePlan, [Stage::PostPlan]), None);
    }
}
