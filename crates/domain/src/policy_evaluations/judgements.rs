//! What policies came to in a run, in numbers and names: without anything that they have printed, which may tell values.

use db::{
    entity::{
        policy_check as check, policy_evaluation as evaluation, policy_set_outcome as outcome,
        task_stage as stage,
    },
    id::RunId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

use super::{Verdict, outcomes};
use crate::{Ctx, Result};

/// Of one set, or of all that a policy check asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub set: String,
    pub passed: u64,
    /// Of every level, and those that could not be asked.
    pub failed: u64,
    /// The policies that failed, where each is known.
    pub names: Vec<String>,
}

pub(crate) async fn judgements(cx: &Ctx, run: &RunId) -> Result<Vec<Judgement>> {
    let stages = stage::Entity::find().filter(stage::Column::RunId.eq(run)).all(cx.read()).await?;
    let stages: Vec<_> = stages.into_iter().map(|row| row.id).collect();
    let mut all = Vec::new();
    if !stages.is_empty() {
        let evaluations = evaluation::Entity::find()
            .filter(evaluation::Column::TaskStageId.is_in(stages))
            .all(cx.read())
            .await?;
        let evaluations: Vec<_> = evaluations.into_iter().map(|row| row.id).collect();
        let rows = outcome::Entity::find()
            .filter(outcome::Column::PolicyEvaluationId.is_in(evaluations))
            .order_by_asc(outcome::Column::PolicySetName)
            .order_by_asc(outcome::Column::Id)
            .all(cx.read())
            .await?;
        for row in rows {
            let said = outcomes::open(cx, &row)?;
            let names = said.iter().filter(|policy| policy.status != Verdict::Passed);
            let names: Vec<_> = names.map(|policy| policy.policy_name.clone()).collect();
            let unasked = u64::from(row.error.is_some() && names.is_empty());
            let failed = names.len() as u64 + unasked;
            let passed = row.result_count.passed;
            all.push(Judgement { set: row.policy_set_name, passed, failed, names });
        }
    }
    let checks = check::Entity::find().filter(check::Column::RunId.eq(run)).all(cx.read()).await?;
    for row in checks {
        let Some(counts) = row.counts else { continue };
        let failed = counts.advisory_failed + counts.soft_failed + counts.hard_failed;
        let set = "Sentinel policies".to_owned();
        all.push(Judgement { set, passed: counts.passed, failed, names: Vec::new() });
    }
    Ok(all)
}
