//! Reading what policies made of runs; all of it may be read by whoever may read the run.

use std::collections::HashMap;

use db::{
    entity::{policy_evaluation as evaluation, policy_set_outcome as outcome},
    id::{PolicyEvaluationId, PolicySetOutcomeId, TaskStageId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use super::outcomes::{OutcomeFilter, PolicyOutcome, open};
use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, can,
    row::{PolicyEvaluation, PolicySetOutcome, TaskStage},
    task_stages,
};

/// The evaluation, with its workspace.
pub async fn find_evaluation(
    cx: &Ctx,
    id: &PolicyEvaluationId,
) -> Result<Found<In<PolicyEvaluation>>> {
    let row = evaluation::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let row = row.ok_or(Error::NotFound)?;
    let of = task_stages::find(cx, &row.task_stage_id).await?.into_unchecked().of;
    Ok(Found::new(In { row, of }))
}

/// What a set said, with its workspace.
pub async fn find_outcome(
    cx: &Ctx,
    id: &PolicySetOutcomeId,
) -> Result<Found<In<PolicySetOutcome>>> {
    let row = outcome::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let row = row.ok_or(Error::NotFound)?;
    let of = find_evaluation(cx, &row.policy_evaluation_id).await?.into_unchecked().of;
    Ok(Found::new(In { row, of }))
}

/// The evaluations in a stage.
pub async fn evaluations_of(
    cx: &Ctx,
    stage: &Granted<can::ReadRun, In<TaskStage>>,
    paging: Paging,
) -> Result<Page<PolicyEvaluation>> {
    let query = evaluation::Entity::find()
        .filter(evaluation::Column::TaskStageId.eq(&stage.row.id))
        .order_by_asc(evaluation::Column::Kind);
    Ok(page(cx.read(), query, paging).await?)
}

/// What each set said, with its policies; of those only what one of the filters takes, if there are any.
pub async fn outcomes_of(
    cx: &Ctx,
    evaluation: &Granted<can::ReadRun, In<PolicyEvaluation>>,
    filters: &[OutcomeFilter],
) -> Result<Vec<(PolicySetOutcome, Vec<PolicyOutcome>)>> {
    let rows = outcome::Entity::find()
        .filter(outcome::Column::PolicyEvaluationId.eq(&evaluation.row.id))
        .order_by_asc(outcome::Column::Position)
        .all(cx.read())
        .await?;
    let mut found = with_outcomes(cx, rows)?;
    if !filters.is_empty() {
        for (_, outcomes) in &mut found {
            outcomes.retain(|policy| filters.iter().any(|filter| filter.takes(policy)));
        }
        found.retain(|(_, outcomes)| !outcomes.is_empty());
    }
    Ok(found)
}

/// With what the policies said.
pub fn with_outcomes(
    cx: &Ctx,
    rows: Vec<PolicySetOutcome>,
) -> Result<Vec<(PolicySetOutcome, Vec<PolicyOutcome>)>> {
    rows.into_iter()
        .map(|row| {
            let outcomes = open(cx, &row)?;
            Ok((row, outcomes))
        })
        .collect()
}

/// The evaluations of each of these stages.
pub async fn with_evaluations(
    cx: &Ctx,
    stages: &[In<TaskStage>],
) -> Result<HashMap<TaskStageId, Vec<PolicyEvaluationId>>> {
    let pairs: Vec<(TaskStageId, PolicyEvaluationId)> = evaluation::Entity::find()
        .select_only()
        .columns([evaluation::Column::TaskStageId, evaluation::Column::Id])
        .filter(evaluation::Column::TaskStageId.is_in(stages.iter().map(|stage| &stage.row.id)))
        .order_by_asc(evaluation::Column::Kind)
        .into_tuple()
        .all(cx.read())
        .await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for (stage, evaluation) in pairs {
        found.entry(stage).or_default().push(evaluation);
    }
    Ok(found)
}

/// For includes: those of these that the caller may see.
pub async fn load_evaluations(
    cx: &Ctx,
    ids: &[PolicyEvaluationId],
) -> Result<Vec<PolicyEvaluation>> {
    let rows =
        evaluation::Entity::find().filter(evaluation::Column::Id.is_in(ids)).all(cx.read()).await?;
    let stages: Vec<_> = rows.iter().map(|row| row.task_stage_id.clone()).collect();
    let visible = task_stages::load(cx, &stages).await?;
    let is_visible =
        |row: &PolicyEvaluation| visible.iter().any(|stage| stage.row.id == row.task_stage_id);
    Ok(rows.into_iter().filter(is_visible).collect())
}

/// For includes: those of these that the caller may see.
pub async fn load_outcomes(
    cx: &Ctx,
    ids: &[PolicySetOutcomeId],
) -> Result<Vec<(PolicySetOutcome, Vec<PolicyOutcome>)>> {
    let rows =
        outcome::Entity::find().filter(outcome::Column::Id.is_in(ids)).all(cx.read()).await?;
    let evaluations: Vec<_> = rows.iter().map(|row| row.policy_evaluation_id.clone()).collect();
    let visible = load_evaluations(cx, &evaluations).await?;
    let is_visible =
        |row: &PolicySetOutcome| visible.iter().any(|of| of.id == row.policy_evaluation_id);
    with_outcomes(cx, rows.into_iter().filter(is_visible).collect())
}
