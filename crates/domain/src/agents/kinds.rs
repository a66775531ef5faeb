//! What jobs are about. Most are phases of runs; a job of another kind has its own way to begin and to end, as
//! assessments have.

use db::{
    entity::{job, phase},
    id::{RunId, WorkspaceId},
};

use crate::{Error, Result, row::Job};

/// A phase of a run, as a job.
#[derive(Clone, Debug)]
pub(super) struct OfRun {
    pub run: RunId,
    pub workspace: WorkspaceId,
    pub phase: phase::Kind,
}

impl OfRun {
    /// # Errors
    /// NotFound for a job that is about something else.
    pub fn of(job: &Job) -> Result<Self> {
        match (job.kind.phase(), &job.run_id, &job.workspace_id) {
            (Some(phase), Some(run), Some(workspace)) => {
                Ok(Self { run: run.clone(), workspace: workspace.clone(), phase })
            }
            _ => Err(Error::NotFound),
        }
    }
}

/// What may have changed something is never done a second time.
pub(super) fn is_repeatable(job: &Job) -> bool {
    job.kind != job::Kind::Apply || job.status == job::Status::Claimed
}
