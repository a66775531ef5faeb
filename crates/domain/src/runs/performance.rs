//! How the last runs of a workspace went. Measured when a run ends and kept in the workspace's row, so that lists of
//! workspaces need not read runs.

use std::collections::HashSet;

use db::{
    StatusTimestamps,
    entity::{
        phase, policy_check as check, policy_evaluation as evaluation,
        run::{self, Status},
        task_stage,
        workspace::Performance,
    },
    id::{RunId, TaskStageId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use crate::{Result, Tx, row::Run};

/// How many runs count (Workspaces reference, "Workspace performance attributes").
const RUNS: u64 = 30;

/// Whether a run with this outcome counts: those that failed or were applied.
pub(super) fn counts(status: Status) -> bool {
    matches!(status, Status::Applied | Status::Errored)
}

/// Of the run that has just ended, and of those before it.
pub(super) async fn measure(tx: &Tx, last: &Run) -> Result<Performance> {
    let mut runs: Vec<(RunId, Status, StatusTimestamps)> = run::Entity::find()
        .select_only()
        .columns([run::Column::Id, run::Column::Status, run::Column::StatusTimestamps])
        .filter(run::Column::WorkspaceId.eq(&last.workspace_id))
        .filter(run::Column::Id.ne(&last.id))
        .filter(run::Column::Status.is_in(Status::ALL.iter().copied().filter(|s| counts(*s))))
        .order_by_desc(run::Column::Number)
        .limit(RUNS - 1)
        .into_tuple()
        .all(tx.db())
        .await?;
    runs.push((last.id.clone(), last.status, last.status_timestamps.clone()));
    let phases: Vec<(phase::Kind, StatusTimestamps)> = phase::Entity::find()
        .select_only()
        .columns([phase::Column::Kind, phase::Column::StatusTimestamps])
        .filter(phase::Column::RunId.is_in(runs.iter().map(|(id, ..)| id)))
        .into_tuple()
        .all(tx.db())
        .await?;
    let failures = || runs.iter().filter(|(_, status, _)| *status == Status::Errored);
    let stopped = stopped_by_policies(tx, failures().map(|(id, ..)| id)).await?;
    let by_policy = failures().filter(|(id, ..)| stopped.contains(id));
    Ok(Performance {
        plan_average: average(&phases, phase::Kind::Plan),
        apply_average: average(&phases, phase::Kind::Apply),
        policy_failures: i64::try_from(by_policy.count()).ok(),
        failures: i64::try_from(failures().count()).ok(),
        runs: i64::try_from(runs.len()).ok(),
    })
}

/// Those of these runs, which have failed, whose policies had something against them; what run tasks or engines have
/// against a run is no failure of a policy.
async fn stopped_by_policies(
    tx: &Tx,
    runs: impl Iterator<Item = &RunId> + Clone + Send,
) -> Result<HashSet<RunId>> {
    let stages: Vec<(TaskStageId, RunId)> = task_stage::Entity::find()
        .select_only()
        .columns([task_stage::Column::Id, task_stage::Column::RunId])
        .filter(task_stage::Column::RunId.is_in(runs.clone()))
        .into_tuple()
        .all(tx.db())
        .await?;
    let refused: HashSet<TaskStageId> = evaluation::Entity::find()
        .select_only()
        .column(evaluation::Column::TaskStageId)
        .filter(evaluation::Column::TaskStageId.is_in(stages.iter().map(|(id, _)| id)))
        .filter(
            evaluation::Column::Status
                .is_in([evaluation::Status::Failed, evaluation::Status::Errored]),
        )
        .into_tuple()
        .all(tx.db())
        .await?
        .into_iter()
        .collect();
    let checked: Vec<RunId> = check::Entity::find()
        .select_only()
        .column(check::Column::RunId)
        .filter(check::Column::RunId.is_in(runs))
        .filter(check::Column::Status.is_in([
            check::Status::SoftFailed,
            check::Status::HardFailed,
            check::Status::Errored,
        ]))
        .into_tuple()
        .all(tx.db())
        .await?;
    let evaluated = stages.into_iter().filter(|(id, _)| refused.contains(id)).map(|(_, run)| run);
    Ok(evaluated.chain(checked).collect())
}

/// Milliseconds from the start to the end, over those that began.
fn average(phases: &[(phase::Kind, StatusTimestamps)], kind: phase::Kind) -> Option<i64> {
    let durations: Vec<i64> = phases
        .iter()
        .filter(|(of, _)| *of == kind)
        .filter_map(|(_, reached)| {
            let ended = ["finished-at", "errored-at", "canceled-at"];
            let ended = ended.iter().find_map(|key| reached.get(*key))?;
            Some(ended.0 - reached.get("started-at")?.0)
        })
        .collect();
    let count = i64::try_from(durations.len()).ok().filter(|count| *count > 0)?;
    Some(durations.iter().sum::<i64>() / count)
}
