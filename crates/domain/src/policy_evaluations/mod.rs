//! Policies at work in a run: task stages, the evaluations in them, what each policy set said, and policy checks.

mod checks;
mod code;
mod evaluate;
mod input;
mod needs;
mod outcomes;
mod overrides;
mod read;
mod stages;
mod verdict;

pub(crate) use checks::conclude as conclude_check;
pub use checks::{
    find as find_check, is_overridable as is_check_overridable, list as list_checks,
    load as load_checks, override_check,
};
pub use evaluate::evaluate_waiting;
pub(crate) use needs::{Needs, needs};
pub use outcomes::{OutcomeFilter, PolicyOutcome, SetOutcome};
pub use overrides::{is_overridable, override_stage};
pub use read::{
    evaluations_of, find_evaluation, find_outcome, find_stage, load_evaluations, load_outcomes,
    load_stages, outcomes_of, stages_of, with_evaluations, with_outcomes,
};
pub(crate) use stages::{end, prepare};
