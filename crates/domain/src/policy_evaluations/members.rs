//! Evaluations as members of a stage: one for each kind of policies that count for the workspace, after the plan.

use async_trait::async_trait;
use db::{
    Json,
    entity::{
        policy_evaluation::{self as evaluation, Status},
        task_stage::Stage,
    },
    id::{PolicyEvaluationId, TaskStageId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use super::needs;
use crate::{
    Result, Tx,
    row::TaskStage,
    runs::held::Held,
    task_stages::{Members, Place, Standing},
};

/// The worker asks the policies; see `evaluate.rs`.
#[derive(Debug)]
pub(crate) struct Evaluations;

#[async_trait]
impl Members for Evaluations {
    async fn prepare(&self, place: &mut Place<'_>) -> Result<()> {
        if place.stage != Stage::PostPlan {
            return Ok(());
        }
        let kinds = needs(place.tx.cx(), place.workspace).await?.evaluations;
        if kinds.is_empty() {
            return Ok(());
        }
        let (tx, now) = (place.tx, place.tx.now());
        let stage = place.row().await?;
        let present = of(tx, &stage.id).await?;
        for kind in kinds {
            if present.iter().any(|row| row.kind == kind) {
                continue;
            }
            tx.insert(evaluation::Model {
                id: PolicyEvaluationId::fresh(),
                task_stage_id: stage.id.clone(),
                kind,
                status: Status::Pending,
                can_be_overridden: false,
                result_count: Json::default(),
                status_timestamps: Json([("pending-at".to_owned(), now)].into()),
                created_at: now,
                updated_at: now,
            })
            .await?;
        }
        Ok(())
    }

    async fn begin(&self, held: &Held, stage: &TaskStage) -> Result<()> {
        let begin =
            |row: &evaluation::Model| (row.status == Status::Pending).then_some(Status::Queued);
        set_each(held.tx(), &stage.id, begin).await
    }

    async fn standings(&self, tx: &Tx, stage: &TaskStage) -> Result<Vec<Standing>> {
        Ok(of(tx, &stage.id).await?.iter().map(standing).collect())
    }

    async fn overrule(&self, tx: &Tx, stage: &TaskStage) -> Result<()> {
        let overrule = |row: &evaluation::Model| {
            matches!(row.status, Status::Failed | Status::Errored).then_some(Status::Overridden)
        };
        set_each(tx, &stage.id, overrule).await
    }

    async fn end(&self, tx: &Tx, stage: &TaskStage, is_broken: bool) -> Result<()> {
        let end = |row: &evaluation::Model| match row.status {
            Status::Pending | Status::Queued => Some(Status::Unreachable),
            Status::Running if is_broken => Some(Status::Errored),
            Status::Running => Some(Status::Canceled),
            _ => None,
        };
        set_each(tx, &stage.id, end).await
    }
}

fn standing(row: &evaluation::Model) -> Standing {
    match row.status {
        Status::Pending => Standing::Waits,
        Status::Queued | Status::Running => Standing::UnderWay,
        Status::Passed | Status::Overridden => Standing::Agrees,
        Status::Failed | Status::Errored if row.can_be_overridden => Standing::Disputes,
        Status::Failed => Standing::Refuses,
        Status::Errored | Status::Canceled | Status::Unreachable => Standing::Broken,
    }
}

pub(super) async fn of(tx: &Tx, stage: &TaskStageId) -> Result<Vec<evaluation::Model>> {
    Ok(evaluation::Entity::find()
        .filter(evaluation::Column::TaskStageId.eq(stage))
        .all(tx.db())
        .await?)
}

/// Sets the status of those for which there is a new one.
pub(super) async fn set_each(
    tx: &Tx,
    stage: &TaskStageId,
    next: impl Fn(&evaluation::Model) -> Option<Status> + Send,
) -> Result<()> {
    for found in of(tx, stage).await? {
        if let Some(status) = next(&found)
            && let Some(mut row) = tx.lock::<evaluation::Entity>(found.id).await?
        {
            set(tx, &mut row, status);
            tx.update(row).await?;
        }
    }
    Ok(())
}

/// Sets the status of an evaluation and notes when.
pub(super) fn set(tx: &Tx, row: &mut evaluation::Model, status: Status) {
    row.status = status;
    row.updated_at = tx.now();
    row.status_timestamps.insert(format!("{status}-at"), tx.now());
}
