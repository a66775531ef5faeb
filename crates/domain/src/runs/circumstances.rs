//! What a run was planned with: its apply gets the same, whatever was changed in between, so that what is done is what
//! somebody has said yes to.

use db::{
    entity::{project, run_circumstance as kept},
    id::StateVersionId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use serde::{Deserialize, Serialize};

use crate::{
    Ctx, Error, Result, Tx,
    id::RunId,
    row::{Run, Workspace},
    variables::{self, OfRun, RunVariable},
};

const SEALED: &str = "run_circumstances.content";

/// All of the workspace's settings that an engine gets to see; the version of the engine is kept in the run's row, the
/// agent pool in the job of its plan.
#[derive(Debug, Serialize, Deserialize)]
pub struct Circumstances {
    pub organization: String,
    pub project: String,
    /// The workspace's name.
    pub workspace: String,
    pub working_directory: String,
    pub structured_output: bool,
    /// Those in force in the workspace, and the run's own; in the clear, so this is sealed where it is kept.
    pub variables: Vec<RunVariable>,
}

impl Circumstances {
    /// As they are now.
    pub async fn now(cx: &Ctx, run: &Run, workspace: &Workspace) -> Result<Self> {
        Self::with(cx, workspace, super::variables_of(cx, run)?).await
    }

    /// For an assessment, which is no run and has no variables of its own.
    pub(crate) async fn without_run(cx: &Ctx, workspace: &Workspace) -> Result<Self> {
        Ok(Self { structured_output: true, ..Self::with(cx, workspace, Vec::new()).await? })
    }

    async fn with(cx: &Ctx, workspace: &Workspace, own: Vec<OfRun>) -> Result<Self> {
        let project = project::Entity::find_by_id(workspace.project_id.clone()).one(cx.read());
        Ok(Self {
            organization: workspace.organization_name.clone(),
            project: project.await?.ok_or(Error::NotFound)?.name,
            workspace: workspace.name.clone(),
            working_directory: workspace.working_directory.clone(),
            structured_output: workspace.structured_run_output_enabled,
            variables: variables::for_run(cx, workspace, own).await?,
        })
    }

    /// As they were when the run was planned; as they are now for one that was planned before they were kept.
    pub async fn of_plan(cx: &Ctx, run: &Run, workspace: &Workspace) -> Result<Self> {
        let Some(row) = kept::Entity::find_by_id(run.id.clone()).one(cx.read()).await? else {
            return Self::now(cx, run, workspace).await;
        };
        let opened = cx.keyring().open(SEALED, run.id.as_str(), &row.content)?;
        serde_json::from_slice(&opened).map_err(|error| Error::Internal(error.into()))
    }

    /// Keeps them in the transaction that hands out the plan; of a plan that is handed out again, the latest count.
    pub(crate) async fn keep(
        &self,
        tx: &Tx,
        run: &RunId,
        state: Option<StateVersionId>,
    ) -> Result<()> {
        forget(tx, run).await?;
        let content = serde_json::to_vec(self).map_err(|error| Error::Internal(error.into()))?;
        let content = tx.cx().keyring().seal(SEALED, run.as_str(), &content);
        let row = kept::Model { run_id: run.clone(), state_version_id: state, content };
        tx.insert(row).await?;
        Ok(())
    }
}

/// The run is over, and needs its secrets no more.
pub(super) async fn forget(tx: &Tx, run: &RunId) -> Result<()> {
    kept::Entity::delete_many().filter(kept::Column::RunId.eq(run)).exec(tx.db()).await?;
    Ok(())
}

/// Whether the workspace has another state than that on which the run was planned, as far as that is known.
pub(super) async fn is_outdated(tx: &Tx, run: &RunId, workspace: &Workspace) -> Result<bool> {
    let row = kept::Entity::find_by_id(run.clone()).one(tx.db()).await?;
    Ok(row.is_some_and(|row| row.state_version_id != workspace.current_state_version_id))
}
