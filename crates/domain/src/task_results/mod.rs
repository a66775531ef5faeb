//! What run tasks are asked about a run, and what they say: kept as they were configured when the run was made.

mod call;
mod callback;
mod members;
mod outcomes;
mod read;
mod silence;

use db::{
    Locked,
    entity::task_result::{self as result, Status},
    id::TaskStageId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

pub use call::deliveries;
pub use callback::{NewOutcome, Said, Saying, call_back};
pub(crate) use members::Results;
pub use outcomes::{all_bodies, body, find_outcome, load_outcomes, outcomes_of};
pub use read::{find, load, of_stage, with_outcomes, with_results};
pub use silence::give_up_silent;
pub(crate) use silence::silent;

use crate::{
    Ctx, Result, Tx,
    id::TaskResultId,
    row::{Run, TaskResult, TaskStage},
    runs::held::Held,
    task_stages,
};

/// Where these are sealed; part of what authenticates them.
const SEALED_KEY: &str = "task_results.hmac_key";
const SEALED_TOKEN: &str = "task_results.token";
/// Seconds for which a run task may still look at the run once its answer is there.
const GRACE: i64 = 60;

/// It will not say anything more.
fn is_final(status: Status) -> bool {
    !matches!(status, Status::Pending | Status::Running)
}

/// Those of a stage, in the order in which they were made.
async fn of(tx: &Tx, stage: &TaskStageId) -> Result<Vec<TaskResult>> {
    Ok(result::Entity::find()
        .filter(result::Column::TaskStageId.eq(stage))
        .order_by_asc(result::Column::CreatedAt)
        .order_by_asc(result::Column::Id)
        .all(tx.db())
        .await?)
}

/// Sets the status of a result and notes when. At its end, its token is good for a moment only.
fn set(tx: &Tx, row: &mut Locked<result::Entity>, status: Status) {
    row.status = status;
    row.updated_at = tx.now();
    row.status_timestamps.insert(format!("{status}-at"), tx.now());
    if is_final(status) {
        row.silent_until = None;
        row.ends_at = None;
        row.token = None;
        let ends_at = tx.now().plus_seconds(GRACE);
        row.token_ends_at = row.token_ends_at.map(|at| at.min(ends_at));
    }
}

/// The run and the stage that a result belongs to; `None` if they are gone.
async fn place(cx: &Ctx, row: &TaskResult) -> Result<Option<(TaskStage, Run)>> {
    use db::entity::{run, task_stage};
    let stage = task_stage::Entity::find_by_id(row.task_stage_id.clone()).one(cx.read()).await?;
    let Some(stage) = stage else { return Ok(None) };
    let run = run::Entity::find_by_id(stage.run_id.clone()).one(cx.read()).await?;
    Ok(run.map(|run| (stage, run)))
}

/// Nothing more is expected of a run task, and why; the run goes on, or does not.
async fn give_up(cx: &Ctx, id: &TaskResultId, why: String) -> Result<bool> {
    let found = result::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let Some(found) = found else { return Ok(false) };
    let Some((_, run)) = place(cx, &found).await? else { return Ok(false) };
    let mut held = Held::lock(cx, &run).await?;
    let tx = held.tx();
    let row = tx.lock::<result::Entity>(id.clone()).await?;
    // It may have spoken just now.
    let Some(mut row) = row.filter(|row| row.status == Status::Running) else {
        held.let_go().await;
        return Ok(false);
    };
    row.message = Some(why);
    set(tx, &mut row, Status::Errored);
    tx.update(row).await?;
    task_stages::settle(&mut held).await?;
    held.commit().await?;
    Ok(true)
}
