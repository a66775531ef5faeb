//! The rows of what a run goes through between its phases: made when that is known, ended with the run.

use db::{
    Json,
    entity::{
        policy_check, policy_evaluation as evaluation, run,
        task_stage::{self as stage, Stage},
    },
    id::{PolicyCheckId, PolicyEvaluationId, TaskStageId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use super::Needs;
use crate::{Result, Tx, row::Run};

/// Makes what a run needs and does not have yet, and notes it in the run, which the caller keeps.
pub(crate) async fn prepare(tx: &Tx, run: &mut Run, needs: &Needs) -> Result<()> {
    let now = tx.now();
    if !needs.evaluations.is_empty() {
        let found = of(tx, run, Stage::PostPlan).await?;
        let stage = match found {
            Some(stage) => stage,
            None => {
                tx.insert(stage::Model {
                    id: TaskStageId::fresh(),
                    run_id: run.id.clone(),
                    stage: Stage::PostPlan,
                    status: stage::Status::Pending,
                    leased_until: None,
                    attempts: 0,
                    status_timestamps: Json::default(),
                    created_at: now,
                    updated_at: now,
                })
                .await?
            }
        };
        let present = evaluations_of(tx, &stage.id).await?;
        for kind in &needs.evaluations {
            if present.iter().any(|row| row.kind == *kind) {
                continue;
            }
            tx.insert(evaluation::Model {
                id: PolicyEvaluationId::fresh(),
                task_stage_id: stage.id.clone(),
                kind: *kind,
                status: evaluation::Status::Pending,
                result_count: Json::default(),
                status_timestamps: Json([("pending-at".to_owned(), now)].into()),
                created_at: now,
                updated_at: now,
            })
            .await?;
        }
        if !run.task_stages.contains(&stage.id) {
            run.task_stages.push(stage.id);
        }
    }
    if needs.check && run.policy_checks.is_empty() {
        let check = tx
            .insert(policy_check::Model {
                id: PolicyCheckId::fresh(),
                run_id: run.id.clone(),
                status: policy_check::Status::Pending,
                output: None,
                status_timestamps: Json::default(),
                created_at: now,
            })
            .await?;
        run.policy_checks.push(check.id);
    }
    Ok(())
}

pub(super) async fn of(tx: &Tx, run: &Run, which: Stage) -> Result<Option<stage::Model>> {
    Ok(stage::Entity::find()
        .filter(stage::Column::RunId.eq(&run.id))
        .filter(stage::Column::Stage.eq(which))
        .one(tx.db())
        .await?)
}

pub(super) async fn evaluations_of(tx: &Tx, stage: &TaskStageId) -> Result<Vec<evaluation::Model>> {
    Ok(evaluation::Entity::find()
        .filter(evaluation::Column::TaskStageId.eq(stage))
        .all(tx.db())
        .await?)
}

/// Sets a stage's status and notes when.
pub(super) fn set_stage(tx: &Tx, row: &mut stage::Model, status: stage::Status) {
    row.status = status;
    row.updated_at = tx.now();
    row.leased_until = None;
    let key = format!("{}-at", status.as_str().replace('_', "-"));
    row.status_timestamps.insert(key, tx.now());
}

/// Sets the status of an evaluation and notes when.
pub(super) fn set_evaluation(tx: &Tx, row: &mut evaluation::Model, status: evaluation::Status) {
    row.status = status;
    row.updated_at = tx.now();
    row.status_timestamps.insert(format!("{status}-at"), tx.now());
}

/// The run is over: nothing of it stays open.
pub(crate) async fn end(tx: &Tx, run: &Run) -> Result<()> {
    let is_broken = run.status == run::Status::Errored;
    for id in run.task_stages.iter() {
        let Some(mut row) = tx.lock::<stage::Entity>(id.clone()).await? else { continue };
        let status = match row.status {
            stage::Status::Pending => Some(stage::Status::Unreachable),
            stage::Status::Running | stage::Status::AwaitingOverride if is_broken => {
                Some(stage::Status::Errored)
            }
            stage::Status::Running | stage::Status::AwaitingOverride => {
                Some(stage::Status::Canceled)
            }
            _ => None,
        };
        if let Some(status) = status {
            set_stage(tx, &mut row, status);
            tx.update(row).await?;
        }
        for open in evaluations_of(tx, id).await? {
            use evaluation::Status as S;
            let status = match open.status {
                S::Pending | S::Queued => S::Unreachable,
                S::Running if is_broken => S::Errored,
                S::Running => S::Canceled,
                _ => continue,
            };
            if let Some(mut row) = tx.lock::<evaluation::Entity>(open.id).await? {
                set_evaluation(tx, &mut row, status);
                tx.update(row).await?;
            }
        }
    }
    for id in run.policy_checks.iter() {
        if let Some(mut row) = tx.lock::<policy_check::Entity>(id.clone()).await?
            && row.status == policy_check::Status::Pending
        {
            row.status = policy_check::Status::Unreachable;
            tx.update(row).await?;
        }
    }
    Ok(())
}
