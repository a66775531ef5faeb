//! What a policy set has said about the last runs.

use std::collections::HashMap;

use db::{
    Timestamp,
    entity::{
        policy_evaluation as evaluation, policy_set_outcome as outcome, run, task_stage as stage,
    },
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};

use crate::{
    Ctx, Granted, In, Result, can,
    row::{Organization, PolicySet, PolicySetOutcome, Run},
    runs,
};

/// Runs of the organization that are looked at.
const LOOKED_AT: u64 = 200;

/// What it said about a run in one of the run's stages.
#[derive(Debug)]
pub struct Recent {
    pub run: In<Run>,
    pub at: Timestamp,
    pub outcome: PolicySetOutcome,
}

/// About those of the organization's last 200 runs that the caller may see, the latest first. What is kept of a set is
/// its name, so that it may have been said by another one that was called the same.
pub async fn recent_of(
    cx: &Ctx,
    set: &Granted<can::ReadPolicies, In<PolicySet, Organization>>,
) -> Result<Vec<Recent>> {
    let rows = runs::list::of_organization(cx, &set.of.name, runs::Filter::default())
        .order_by_desc(run::Column::CreatedAt)
        .limit(LOOKED_AT)
        .all(cx.read())
        .await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let stages: HashMap<_, _> = stage::Entity::find()
        .filter(stage::Column::RunId.is_in(ids))
        .all(cx.read())
        .await?
        .into_iter()
        .map(|row| (row.id.clone(), row))
        .collect();
    let evaluations: HashMap<_, _> = evaluation::Entity::find()
        .filter(evaluation::Column::TaskStageId.is_in(stages.keys()))
        .all(cx.read())
        .await?
        .into_iter()
        .map(|row| (row.id.clone(), row))
        .collect();
    let outcomes = outcome::Entity::find()
        .filter(outcome::Column::PolicyEvaluationId.is_in(evaluations.keys()))
        .filter(outcome::Column::PolicySetName.eq(&set.row.name))
        .all(cx.read())
        .await?;
    let runs: HashMap<_, _> = runs::with_workspaces(cx, rows)
        .await?
        .into_iter()
        .filter(|run| cx.may::<can::ReadRun>(&run.of))
        .map(|run| (run.row.id.clone(), run))
        .collect();
    let mut all: Vec<Recent> = outcomes
        .into_iter()
        .filter_map(|outcome| {
            let evaluation = evaluations.get(&outcome.policy_evaluation_id)?;
            let run = runs.get(&stages.get(&evaluation.task_stage_id)?.run_id)?;
            let run = In { row: run.row.clone(), of: run.of.clone() };
            Some(Recent { run, at: evaluation.updated_at, outcome })
        })
        .collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.at));
    Ok(all)
}
