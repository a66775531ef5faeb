//! What follows from what the policies said: a pure function from outcomes to the fate of an evaluation.

use db::entity::{
    policy::Enforcement, policy_evaluation as evaluation, policy_evaluation::ResultCount,
};

use super::outcomes::{PolicyOutcome, Said, SetOutcome};

/// What becomes of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Passes,
    /// Somebody may override.
    Waits,
    Fails,
    Errs,
}

/// Whether a policy stands in the way of the run.
fn blocks(policy: &PolicyOutcome) -> bool {
    policy.status != Said::Passed && policy.enforcement_level != Enforcement::Advisory
}

fn can_be_overridden(set: &SetOutcome, policy: &PolicyOutcome) -> bool {
    match policy.enforcement_level {
        Enforcement::SoftMandatory => true,
        Enforcement::Mandatory => set.overridable,
        Enforcement::Advisory | Enforcement::HardMandatory => false,
    }
}

/// What stands in the way, with the set that it is of.
fn blocking<'a>(
    sets: &(impl Iterator<Item = &'a SetOutcome> + Clone),
) -> impl Iterator<Item = (&'a SetOutcome, &'a PolicyOutcome)> + Clone {
    let each = |set: &'a SetOutcome| set.outcomes.iter().map(move |policy| (set, policy));
    sets.clone().flat_map(each).filter(|(_, policy)| blocks(policy))
}

/// The fate of an evaluation of these sets. Whether there is anything to decide about is for the run to say.
pub(super) fn fate<'a>(sets: &(impl Iterator<Item = &'a SetOutcome> + Clone)) -> Fate {
    if sets.clone().any(|set| set.is_out_of_reach) {
        Fate::Errs
    } else if blocking(sets).next().is_none() {
        Fate::Passes
    } else if blocking(sets).all(|(set, policy)| can_be_overridden(set, policy)) {
        Fate::Waits
    } else if has_failed(sets) {
        Fate::Fails
    } else {
        Fate::Errs
    }
}

/// Whether a policy said no, beside those that said nothing.
fn has_failed<'a>(sets: &(impl Iterator<Item = &'a SetOutcome> + Clone)) -> bool {
    blocking(sets).any(|(_, policy)| policy.status == Said::Failed)
}

/// The status of an evaluation of these sets.
pub(super) fn evaluation<'a>(
    sets: &(impl Iterator<Item = &'a SetOutcome> + Clone),
) -> evaluation::Status {
    match fate(sets) {
        Fate::Passes => evaluation::Status::Passed,
        Fate::Fails => evaluation::Status::Failed,
        Fate::Waits if has_failed(sets) => evaluation::Status::Failed,
        Fate::Waits | Fate::Errs => evaluation::Status::Errored,
    }
}

/// How many policies ended how.
pub(super) fn count<'a>(policies: impl Iterator<Item = &'a PolicyOutcome>) -> ResultCount {
    let mut count = ResultCount::default();
    for policy in policies {
        match (policy.status, policy.enforcement_level) {
            (Said::Passed, _) => count.passed += 1,
            (Said::Errored, _) => count.errored += 1,
            (Said::Failed, Enforcement::Advisory) => count.advisory_failed += 1,
            (Said::Failed, _) => count.mandatory_failed += 1,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    fn policy() -> impl Strategy<Value = PolicyOutcome> {
        (select(Said::ALL), select(Enforcement::ALL)).prop_map(|(status, enforcement_level)| {
            PolicyOutcome {
                enforcement_level,
                query: None,
                status,
                policy_name: "a".into(),
                description: String::new(),
                output: None,
            }
        })
    }

    fn set() -> impl Strategy<Value = SetOutcome> {
        (vec(policy(), 0..4), any::<bool>(), prop::bool::weighted(0.1)).prop_map(
            |(outcomes, overridable, is_out_of_reach)| SetOutcome {
                name: "s".into(),
                description: None,
                tool_version: "latest".into(),
                overridable,
                error: None,
                is_out_of_reach,
                outcomes,
            },
        )
    }

    proptest! {
        #[test]
        fn nothing_passes_a_mandatory_policy_that_did_not_agree(
            sets in vec(set(), 0..4),
        ) {
            let policies = || sets.iter().flat_map(|set| &set.outcomes);
            let disagreed = policies().any(|policy| {
                policy.status != Said::Passed && policy.enforcement_level != Enforcement::Advisory
            });
            let unreadable = sets.iter().any(|set| set.is_out_of_reach);
            let passes = fate(&sets.iter()) == Fate::Passes;
            prop_assert_eq!(passes, !disagreed && !unreadable);
        }

        #[test]
        fn what_is_hard_mandatory_is_never_put_to_a_vote(sets in vec(set(), 0..4)) {
            let hard = sets.iter().flat_map(|set| &set.outcomes).any(|policy| {
                policy.status != Said::Passed
                    && policy.enforcement_level == Enforcement::HardMandatory
            });
            prop_assert!(!(hard && fate(&sets.iter()) == Fate::Waits));
        }

        #[test]
        fn every_policy_is_counted_once(sets in vec(set(), 0..4)) {
            let policies: Vec<_> = sets.iter().flat_map(|set| &set.outcomes).collect();
            let count = count(policies.iter().copied());
            let total =
                count.passed + count.errored + count.advisory_failed + count.mandatory_failed;
            prop_assert_eq!(total, policies.len() as u64);
        }
    }
}
