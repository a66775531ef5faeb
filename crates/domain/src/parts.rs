//! Who takes part in what: the one place where a room reaches those above it, and only through what they fill in here. A
//! new reader of events or kind of member is a line.

use crate::{
    audit, commit_statuses, cost_estimates, events::Reader, notifications, policy_evaluations,
    run_triggers, task_results, task_stages::Members,
};

/// Everybody for whom events are read.
pub(crate) const READERS: &[Reader] =
    &[notifications::READER, run_triggers::READER, audit::READER, commit_statuses::READER];

/// What hangs on stages, in the order in which it is asked.
pub(crate) const MEMBERS: [&dyn Members; 4] = [
    &task_results::Results,
    &policy_evaluations::Evaluations,
    &cost_estimates::Estimates,
    &policy_evaluations::Checks,
];
