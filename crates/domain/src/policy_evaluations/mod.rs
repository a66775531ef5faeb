//! Policies at work in a run: evaluations in its stages, what each policy set said, and policy checks.

mod checks;
mod code;
mod drafts;
mod evaluate;
mod findings;
mod forum;
mod input;
mod judgements;
mod members;
mod mocks;
mod needs;
mod network;
mod outcomes;
mod read;
mod recent;
mod rego;
mod sentinel;
mod verdict;

pub(crate) use checks::Checks;
pub use checks::{
    find as find_check, is_overridable as is_check_overridable, list as list_checks,
    load as load_checks, override_check,
};
pub use drafts::Draft;
pub(crate) use drafts::try_on;
pub use evaluate::evaluate_waiting;
pub use findings::{Findings, open as findings_of};
pub(crate) use judgements::{Judgement, judgements};
pub(crate) use members::Evaluations;
pub use mocks::make_exports;
use needs::needs;
pub use outcomes::{OutcomeFilter, PolicyOutcome, Said as Verdict, SetOutcome};
pub use read::{
    evaluations_of, find_evaluation, find_outcome, load_evaluations, load_outcomes, outcomes_of,
    with_evaluations, with_outcomes,
};
pub use recent::{Recent, recent_of};
