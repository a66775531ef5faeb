//! What hangs on a stage: kinds of members, in the order in which they are asked, and the one fold that says from all of
//! them how the run goes on.

use async_trait::async_trait;
use db::entity::task_stage::Status;

use super::Place;
use crate::{Result, Tx, row::TaskStage, runs::held::Held};

/// A kind of member. Those of the next kind begin once all of the kinds before have spoken and none refuses.
#[async_trait]
pub(crate) trait Members: Sync {
    /// Makes those that a run needs in a stage and does not have yet. Done when the run is made, and again when its plan
    /// is there.
    async fn prepare(&self, place: &mut Place<'_>) -> Result<()>;

    /// It is their turn: those that wait may begin. What can be said at once is said here.
    async fn begin(&self, held: &Held, stage: &TaskStage) -> Result<()>;

    /// How each of them stands.
    async fn standings(&self, tx: &Tx, stage: &TaskStage) -> Result<Vec<Standing>>;

    /// Somebody who may has decided to go on.
    async fn overrule(&self, tx: &Tx, stage: &TaskStage) -> Result<()>;

    /// The run is over: none of them stays open. `is_broken` if it failed, and was not stopped by somebody.
    async fn end(&self, tx: &Tx, stage: &TaskStage, is_broken: bool) -> Result<()>;
}

/// How a member stands, whatever it is; what is worse for the run comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It has nothing against going on, or nothing that counts.
    Agrees,
    /// It has, and somebody may decide to go on.
    Disputes,
    /// Nobody knows what it would have said.
    Broken,
    Refuses,
    UnderWay,
    /// It has not begun.
    Waits,
}

/// What a stage comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Passes,
    /// Somebody has to decide.
    Waits,
    Errs,
    Fails,
    /// Somebody has not spoken yet.
    Open,
}

impl Verdict {
    pub fn status(self) -> Status {
        match self {
            Self::Passes => Status::Passed,
            Self::Waits => Status::AwaitingOverride,
            Self::Errs => Status::Errored,
            Self::Fails => Status::Failed,
            Self::Open => Status::Running,
        }
    }
}

/// All have to speak; then the worst of them decides. Nobody at all stands in nobody's way.
pub(super) fn fold(members: impl IntoIterator<Item = Standing>) -> Verdict {
    match members.into_iter().max() {
        None | Some(Standing::Agrees) => Verdict::Passes,
        Some(Standing::Disputes) => Verdict::Waits,
        Some(Standing::Broken) => Verdict::Errs,
        Some(Standing::Refuses) => Verdict::Fails,
        Some(Standing::UnderWay | Standing::Waits) => Verdict::Open,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::{Standing as S, *};

    const ALL: [S; 6] = [S::Agrees, S::Disputes, S::Broken, S::Refuses, S::UnderWay, S::Waits];

    fn members() -> impl Strategy<Value = Vec<Standing>> {
        vec(select(&ALL[..]), 0..6)
    }

    proptest! {
        #[test]
        fn nothing_passes_that_not_all_agree_to(members in members()) {
            let agree = members.iter().all(|member| *member == S::Agrees);
            prop_assert_eq!(fold(members) == Verdict::Passes, agree);
        }

        #[test]
        fn nothing_is_decided_before_all_have_spoken(members in members()) {
            let open = members.iter().any(|member| matches!(member, S::UnderWay | S::Waits));
            prop_assert_eq!(fold(members) == Verdict::Open, open);
        }

        #[test]
        fn nobody_is_asked_where_a_member_cannot_be_overruled(members in members()) {
            let cannot = members.iter().any(|member| matches!(member, S::Broken | S::Refuses));
            prop_assert!(!(cannot && fold(members) == Verdict::Waits));
        }

        #[test]
        fn one_member_more_makes_it_no_better(members in members(), more in select(&ALL[..])) {
            let before = fold(members.clone());
            prop_assert!(fold(members.into_iter().chain([more])) >= before);
        }
    }
}
