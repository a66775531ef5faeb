//! What policies made of a run: evaluations, outcomes and policy checks

mod checks;
mod evaluations;
mod outcomes;

pub use checks::View as CheckView;
pub use evaluations::View as EvaluationView;
pub use outcomes::View as OutcomeView;

use crate::Routes;

pub fn routes() -> Routes {
    Routes::default().merge(evaluations::routes()).merge(outcomes::routes()).merge(checks::routes())
}
