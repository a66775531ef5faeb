//! What is to be told, written down in the transaction in which it happens: nothing is forgotten, and nobody waits.

use db::{
    entity::{
        notification_configuration::{self as configuration, Trigger},
        run,
    },
    id::{NotificationConfigurationId, RunId, UserId, WorkspaceId},
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter},
};
use serde::{Deserialize, Serialize};

use crate::{
    Result, Timestamp, Tx,
    row::{Run, Workspace},
    runs,
    workspaces::auto_destroy,
};

pub(super) const TASK: &str = "notify";

/// Something to tell somebody.
#[derive(Serialize, Deserialize)]
pub(super) struct Due {
    pub configuration: NotificationConfigurationId,
    pub trigger: Trigger,
    pub about: About,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum About {
    Run { id: RunId, status: run::Status, at: Timestamp, by: Option<UserId> },
    AutoDestroy { workspace: WorkspaceId, outcome: Outcome },
    AutoDestroyComes { workspace: WorkspaceId, at: Timestamp },
}

/// What became of a scheduled destruction.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Ended {
        run: RunId,
        status: run::Status,
    },
    /// It could not be queued.
    Refused(String),
}

/// What a run's status means to those who are told of it. Speculative runs are told of to nobody.
fn trigger_of(run: &Run) -> Option<Trigger> {
    use run::Status as S;
    if run.plan_only {
        return None;
    }
    Some(match run.status {
        S::Pending => Trigger::RunCreated,
        S::Planning => Trigger::RunPlanning,
        S::Planned | S::PostPlanCompleted | S::CostEstimated | S::PolicyChecked
            if !runs::moves::goes_on_by_itself(run) =>
        {
            Trigger::RunNeedsAttention
        }
        S::PolicyOverride | S::PostPlanAwaitingDecision => Trigger::RunNeedsAttention,
        S::Applying => Trigger::RunApplying,
        S::Applied | S::PlannedAndFinished => Trigger::RunCompleted,
        S::Errored | S::Canceled | S::ForceCanceled | S::PolicySoftFailed => Trigger::RunErrored,
        _ => return None,
    })
}

/// A run has come to its status.
pub(crate) async fn note(tx: &Tx, workspace: &Workspace, run: &Run) -> Result<()> {
    if let Some(trigger) = trigger_of(run) {
        let by = tx.actor().user_id();
        let about = About::Run { id: run.id.clone(), status: run.status, at: run.updated_at, by };
        tell(tx, workspace, trigger, &about).await?;
    }
    if run.is_final && run.trigger_reason == auto_destroy::REASON {
        let outcome = Outcome::Ended { run: run.id.clone(), status: run.status };
        results(tx, workspace, outcome).await?;
    }
    Ok(())
}

/// A scheduled destruction could not be queued.
pub(crate) async fn note_auto_destroy(tx: &Tx, workspace: &Workspace, why: &str) -> Result<()> {
    results(tx, workspace, Outcome::Refused(why.to_owned())).await
}

/// A scheduled destruction is near.
pub(crate) async fn remind_of_auto_destroy(tx: &Tx, workspace: &Workspace) -> Result<()> {
    let Some(at) = workspace.auto_destroy_at else { return Ok(()) };
    let about = About::AutoDestroyComes { workspace: workspace.id.clone(), at };
    tell(tx, workspace, Trigger::AutoDestroyReminder, &about).await
}

async fn results(tx: &Tx, workspace: &Workspace, outcome: Outcome) -> Result<()> {
    let about = About::AutoDestroy { workspace: workspace.id.clone(), outcome };
    tell(tx, workspace, Trigger::AutoDestroyRunResults, &about).await
}

async fn tell(tx: &Tx, workspace: &Workspace, trigger: Trigger, about: &About) -> Result<()> {
    let interested = configuration::Entity::find()
        .filter(configuration::Column::Enabled.eq(true))
        .filter(
            Condition::any()
                .add(configuration::Column::WorkspaceId.eq(&workspace.id))
                .add(configuration::Column::ProjectId.eq(&workspace.project_id)),
        )
        .all(tx.db())
        .await?;
    for row in interested.into_iter().filter(|row| row.triggers.contains(&trigger)) {
        let due = Due { configuration: row.id, trigger, about: about.clone() };
        tx.later(TASK, due).await?;
    }
    Ok(())
}
