//! Runs.
use blobs::Kind;

use crate::{Result, cleanup::Orphan};

/// What a run's phases leave outside the database.
pub(crate) fn orphans_of(plan: &str, apply: &str) -> Result<Vec<Orphan>> {
    Ok(vec![
        Orphan::Log(plan.to_owned()),
        Orphan::Log(apply.to_owned()),
        Orphan::blob(Kind::Plan, plan)?,
        Orphan::blob(Kind::LockFile, plan)?,
        Orphan::blob(Kind::PlanJson, plan)?,
        Orphan::blob(Kind::PlanJsonRedacted, plan)?,
        Orphan::blob(Kind::ErroredState, apply)?,
    ])
}
