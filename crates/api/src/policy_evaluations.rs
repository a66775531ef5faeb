//! What policies made of a run: task stages, evaluations, outcomes and policy checks

mod checks;
mod evaluations;
mod outcomes;
mod stages;

pub use checks::View as CheckView;
pub use evaluations::View as EvaluationView;
pub use outcomes::View as OutcomeView;
pub use stages::views as stage_views;

use crate::Routes;

pub fn routes() -> Routes {
    Routes::default()
        .merge(stages::routes())
        .merge(evaluations::routes())
        .merge(outcomes::routes())
        .merge(checks::routes())
}
