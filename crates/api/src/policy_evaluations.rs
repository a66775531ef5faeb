//! What policies made of a run: evaluations, outcomes and policy checks

mod checks;
mod evaluations;
mod outcomes;

pub use checks::View as CheckView;
pub use evaluations::View as EvaluationView;
pub use outcomes::View as OutcomeView;

use serde::Serialize;

use crate::Routes;

/// What can be done now to what disputes a run: a stage of it, or a policy check.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Actions {
    pub is_overridable: bool,
}

pub fn routes() -> Routes {
    Routes::default().merge(evaluations::routes()).merge(outcomes::routes()).merge(checks::routes())
}
