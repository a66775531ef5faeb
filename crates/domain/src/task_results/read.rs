//! Reading what run tasks said; all of it may be read by whoever may read the run.

use std::collections::HashMap;

use db::{
    entity::{task_result as result, task_result_outcome as outcome},
    id::{TaskResultId, TaskResultOutcomeId, TaskStageId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use crate::{
    Ctx, Error, Found, Granted, In, Result, can,
    row::{TaskResult, TaskStage},
    task_stages,
};

/// One, with the workspace of its run.
pub async fn find(cx: &Ctx, id: &TaskResultId) -> Result<Found<In<TaskResult>>> {
    let row = result::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let row = row.ok_or(Error::NotFound)?;
    let of = task_stages::find(cx, &row.task_stage_id).await?.into_unchecked().of;
    Ok(Found::new(In { row, of }))
}

/// Those of a stage.
pub async fn of_stage(
    cx: &Ctx,
    stage: &Granted<can::ReadRun, In<TaskStage>>,
) -> Result<Vec<TaskResult>> {
    Ok(result::Entity::find()
        .filter(result::Column::TaskStageId.eq(&stage.row.id))
        .order_by_asc(result::Column::CreatedAt)
        .order_by_asc(result::Column::Id)
        .all(cx.read())
        .await?)
}

/// The results of each of these stages.
pub async fn with_results(
    cx: &Ctx,
    stages: &[In<TaskStage>],
) -> Result<HashMap<TaskStageId, Vec<TaskResultId>>> {
    let pairs: Vec<(TaskStageId, TaskResultId)> = result::Entity::find()
        .select_only()
        .columns([result::Column::TaskStageId, result::Column::Id])
        .filter(result::Column::TaskStageId.is_in(stages.iter().map(|stage| &stage.row.id)))
        .order_by_asc(result::Column::CreatedAt)
        .order_by_asc(result::Column::Id)
        .into_tuple()
        .all(cx.read())
        .await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for (stage, result) in pairs {
        found.entry(stage).or_default().push(result);
    }
    Ok(found)
}

/// The outcomes of each of these.
pub async fn with_outcomes(
    cx: &Ctx,
    results: &[TaskResult],
) -> Result<HashMap<TaskResultId, Vec<TaskResultOutcomeId>>> {
    let pairs: Vec<(TaskResultId, TaskResultOutcomeId)> = outcome::Entity::find()
        .select_only()
        .columns([outcome::Column::TaskResultId, outcome::Column::Id])
        .filter(outcome::Column::TaskResultId.is_in(results.iter().map(|row| &row.id)))
        .order_by_asc(outcome::Column::CreatedAt)
        .order_by_asc(outcome::Column::OutcomeId)
        .into_tuple()
        .all(cx.read())
        .await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for (result, outcome) in pairs {
        found.entry(result).or_default().push(outcome);
    }
    Ok(found)
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[TaskResultId]) -> Result<Vec<TaskResult>> {
    let mut rows =
        result::Entity::find().filter(result::Column::Id.is_in(ids)).all(cx.read()).await?;
    let stages: Vec<_> = rows.iter().map(|row| row.task_stage_id.clone()).collect();
    let visible = task_stages::load(cx, &stages).await?;
    rows.retain(|row| visible.iter().any(|stage| stage.row.id == row.task_stage_id));
    Ok(rows)
}
