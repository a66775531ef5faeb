//! The end of a run: none of its stages, and none of their members, stays open, so that nobody waits for them for ever.

use db::entity::{
    run,
    task_stage::{self as stage, Status},
};

use super::{of_run, set_status};
use crate::{Result, Tx, parts::MEMBERS, row::Run};

pub(crate) async fn end(tx: &Tx, run: &Run) -> Result<()> {
    let is_broken = run.status == run::Status::Errored;
    for found in of_run(tx, &run.id).await? {
        let status = match (found.status, run.status) {
            (Status::Pending, _) => Some(Status::Unreachable),
            (Status::AwaitingOverride, run::Status::PolicySoftFailed) => Some(Status::Failed),
            (Status::Running | Status::AwaitingOverride, _) if is_broken => Some(Status::Errored),
            (Status::Running | Status::AwaitingOverride, _) => Some(Status::Canceled),
            _ => None,
        };
        for kind in MEMBERS {
            kind.end(tx, &found, is_broken).await?;
        }
        if let Some(status) = status
            && let Some(mut row) = tx.lock::<stage::Entity>(found.id).await?
        {
            set_status(tx, &mut row, status);
            tx.update(row).await?;
        }
    }
    Ok(())
}
