//! Reads what happened, and writes down who is to be told of it: nothing is forgotten, and nobody waits.

use db::{
    entity::{
        notification_configuration::{self as configuration, Trigger},
        run, workspace,
    },
    id::{AssessmentResultId, NotificationConfigurationId, RunId, UserId, WorkspaceId},
    sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter},
};
use serde::{Deserialize, Serialize};

use crate::{
    Happened, Result, Timestamp, Tx,
    events::{Reader, Take},
    row::{Event, Workspace},
    runs::status::is_final,
    tasks,
    workspaces::auto_destroy,
};

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
    Assessment { result: AssessmentResultId, prior: Option<AssessmentResultId> },
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

pub(crate) const READER: Reader = Reader {
    name: "notifications",
    wants,
    is_patient: false,
    take: Take::Each(|tx, event| Box::pin(take(tx, event))),
};

fn wants(happened: Happened) -> bool {
    use Happened as H;
    status_after(happened).is_some_and(|status| trigger_of(status).is_some() || is_final(status))
        || matches!(happened, H::WorkspaceAutoDestroyFailed | H::WorkspaceAutoDestroyReminded)
        || of_assessment(happened).is_some()
}

/// What an assessment has come to, where it is news.
fn of_assessment(happened: Happened) -> Option<Trigger> {
    Some(match happened {
        Happened::AssessmentDrifted => Trigger::AssessmentDrifted,
        Happened::AssessmentCheckFailed => Trigger::AssessmentCheckFailure,
        Happened::AssessmentFailed => Trigger::AssessmentFailed,
        _ => return None,
    })
}

/// The status that a run has after this.
fn status_after(happened: Happened) -> Option<run::Status> {
    match happened {
        Happened::RunCreated => Some(run::Status::Pending),
        other => other.status(),
    }
}

/// What a run's status means to those who are told of it.
fn trigger_of(status: run::Status) -> Option<Trigger> {
    use run::Status as S;
    Some(match status {
        S::Pending => Trigger::RunCreated,
        S::Planning => Trigger::RunPlanning,
        S::Planned
        | S::PostPlanCompleted
        | S::CostEstimated
        | S::PolicyChecked
        | S::PolicyOverride
        | S::PostPlanAwaitingDecision => Trigger::RunNeedsAttention,
        S::Applying => Trigger::RunApplying,
        S::Applied | S::PlannedAndFinished => Trigger::RunCompleted,
        S::Errored | S::Canceled | S::ForceCanceled | S::PolicySoftFailed => Trigger::RunErrored,
        _ => return None,
    })
}

/// Whether a run in this status only passes by, on its way to the next one.
fn passes_by(status: run::Status, event: &Event) -> bool {
    use run::Status as S;
    matches!(status, S::Planned | S::PostPlanCompleted | S::CostEstimated | S::PolicyChecked)
        && event.detail["goes_on_by_itself"] == true
}

async fn take(tx: &Tx, event: &Event) -> Result<()> {
    let Some(id) = &event.workspace_id else { return Ok(()) };
    // Whatever is gone by now interests nobody.
    let workspace = workspace::Entity::find_by_id(id.clone()).one(tx.db()).await?;
    let Some(workspace) = workspace else { return Ok(()) };
    match event.action {
        Happened::WorkspaceAutoDestroyFailed => {
            let why = event.detail["reason"].as_str().unwrap_or_default().to_owned();
            results(tx, &workspace, Outcome::Refused(why)).await
        }
        Happened::WorkspaceAutoDestroyReminded => {
            let at = event.detail["at"].as_str().and_then(Timestamp::parse);
            let Some(at) = at else { return Ok(()) };
            let about = About::AutoDestroyComes { workspace: workspace.id.clone(), at };
            tell(tx, &workspace, Trigger::AutoDestroyReminder, &about).await
        }
        Happened::AssessmentDrifted
        | Happened::AssessmentCheckFailed
        | Happened::AssessmentFailed => {
            let id = |name: &str| event.detail[name].as_str().and_then(|id| id.parse().ok());
            let (Some(result), Some(trigger)) = (id("result"), of_assessment(event.action)) else {
                return Ok(());
            };
            tell(tx, &workspace, trigger, &About::Assessment { result, prior: id("prior") }).await
        }
        happened => match status_after(happened) {
            Some(status) => of_run(tx, &workspace, event, status).await,
            None => Ok(()),
        },
    }
}

/// A run has come to a status. Speculative runs are told of to nobody.
async fn of_run(tx: &Tx, workspace: &Workspace, event: &Event, status: run::Status) -> Result<()> {
    let Some(id) = &event.run_id else { return Ok(()) };
    let run = run::Entity::find_by_id(id.clone()).one(tx.db()).await?;
    let Some(run) = run else { return Ok(()) };
    let trigger = trigger_of(status).filter(|_| !run.plan_only && !passes_by(status, event));
    if let Some(trigger) = trigger {
        let by = event.actor_id.as_ref().filter(|_| event.actor_kind == "user");
        let by = by.and_then(|id| id.parse().ok());
        let about = About::Run { id: run.id.clone(), status, at: event.at, by };
        tell(tx, workspace, trigger, &about).await?;
    }
    if is_final(status) && run.trigger_reason == auto_destroy::REASON {
        results(tx, workspace, Outcome::Ended { run: run.id, status }).await?;
    }
    Ok(())
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
        tasks::later(tx, &due).await?;
    }
    Ok(())
}
