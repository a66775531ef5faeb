//! What a run would cost a month, as the site's estimator says: asked in a stage of its own, which stops no run whatever
//! becomes of it. The estimator is the operator's; `docs/costs.md` says what it is asked and what it answers.

mod amount;
mod answer;
mod call;
mod log;
mod members;
mod read;

use db::{
    Locked,
    entity::cost_estimate::{self as estimate, Status},
};

pub use call::deliveries;
pub(crate) use members::Estimates;
pub(crate) use read::costs_of;
pub use read::{Costs, find, load, of_run, output, resources_of};

use crate::Tx;

/// Sets the status of an estimate and notes when.
fn set(tx: &Tx, row: &mut Locked<estimate::Entity>, status: Status) {
    row.status = status;
    let key = format!("{}-at", status.as_str().replace('_', "-"));
    row.status_timestamps.insert(key, tx.now());
}
