//! The stages of a run that are not phases: each has members, such as the policies that are evaluated in it, and what
//! these say together decides how the run goes on. Which stages there are, and in which order, says `runs/stages.rs`.

mod course;
mod ends;
mod members;
mod overrides;
mod prepare;
mod read;

use db::{
    entity::task_stage::{self as stage, Stage, Status},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};

pub use course::advance_all;
pub(crate) use course::{at_work, begin, phase_passed, settle};
pub(crate) use ends::end;
pub(crate) use members::{Members, Standing};
pub(crate) use overrides::overrule;
pub use overrides::{is_overridable, override_stage};
pub(crate) use prepare::{Place, prepare};
pub(crate) use read::follow_the_plan;
pub use read::{find, list, load};

use crate::{
    Result, Tx,
    id::RunId,
    row::TaskStage,
    runs::stages::{self, Part},
};

/// Whether clients are shown it as a task stage; the others show by their members alone.
pub fn is_shown(stage: Stage) -> bool {
    matches!(stage, Stage::PrePlan | Stage::PostPlan | Stage::PreApply | Stage::PostApply)
}

/// All that a run has, in their order as far as one was made after the other.
pub(crate) async fn of_run(tx: &Tx, run: &RunId) -> Result<Vec<TaskStage>> {
    Ok(stage::Entity::find()
        .filter(stage::Column::RunId.eq(run))
        .order_by_asc(stage::Column::CreatedAt)
        .all(tx.db())
        .await?)
}

/// The last one of a part that a run has passed.
pub(crate) async fn last_passed(tx: &Tx, run: &RunId, part: Part) -> Result<Option<Stage>> {
    let rows = of_run(tx, run).await?;
    let is_over = |row: &TaskStage| !matches!(row.status, Status::Pending | Status::Running);
    let passed = rows.iter().filter(|row| is_over(row) && stages::line(row.stage).part == part);
    Ok(passed.map(|row| row.stage).max())
}

/// The one that a run has of these.
pub(crate) async fn of(tx: &Tx, run: &RunId, which: Stage) -> Result<Option<TaskStage>> {
    Ok(stage::Entity::find()
        .filter(stage::Column::RunId.eq(run))
        .filter(stage::Column::Stage.eq(which))
        .one(tx.db())
        .await?)
}

/// Sets a stage's status and notes when.
fn set_status(tx: &Tx, row: &mut TaskStage, status: Status) {
    row.status = status;
    row.updated_at = tx.now();
    row.leased_until = None;
    let key = format!("{}-at", status.as_str().replace('_', "-"));
    row.status_timestamps.insert(key, tx.now());
}
