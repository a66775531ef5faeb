//! Reading the stages of runs; all of it may be read by whoever may read the run.

use db::{
    entity::task_stage::{self as stage, Stage},
    id::{RunId, TaskStageId},
    page,
    sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder},
};

use super::is_shown;
use crate::{
    Ctx, Error, Found, Granted, In, Page, Paging, Result, can,
    row::{Run, TaskStage},
    runs::{
        self,
        stages::{Part, WAY},
    },
};

/// The stage, with its workspace.
pub async fn find(cx: &Ctx, id: &TaskStageId) -> Result<Found<In<TaskStage>>> {
    let row = stage::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let row = row.filter(|row| is_shown(row.stage)).ok_or(Error::NotFound)?;
    let of = runs::find(cx, &row.run_id).await?.into_unchecked().of;
    Ok(Found::new(In { row, of }))
}

/// Whether a run has stages that come right after its plan, and read it.
pub(crate) async fn follow_the_plan(cx: &Ctx, run: &RunId) -> Result<bool> {
    let after = WAY.iter().filter(|line| line.part == Part::Plan).map(|line| line.stage);
    let query = stage::Entity::find()
        .filter(stage::Column::RunId.eq(run))
        .filter(stage::Column::Stage.is_in(after));
    Ok(query.count(cx.read()).await? > 0)
}

/// The stages of a run.
pub async fn list(
    cx: &Ctx,
    run: &Granted<can::ReadRun, In<Run>>,
    paging: Paging,
) -> Result<Page<In<TaskStage>>> {
    let shown = Stage::ALL.iter().copied().filter(|stage| is_shown(*stage));
    let query = stage::Entity::find()
        .filter(stage::Column::RunId.eq(&run.row.id))
        .filter(stage::Column::Stage.is_in(shown))
        .order_by_asc(stage::Column::CreatedAt)
        .order_by_asc(stage::Column::Id);
    Ok(page(cx.read(), query, paging).await?.map(|row| In { row, of: run.of.clone() }))
}

/// For includes: those of these that the caller may see.
pub async fn load(cx: &Ctx, ids: &[TaskStageId]) -> Result<Vec<In<TaskStage>>> {
    let rows = stage::Entity::find().filter(stage::Column::Id.is_in(ids)).all(cx.read()).await?;
    let shown = rows.into_iter().filter(|row| is_shown(row.stage)).collect();
    runs::with_workspaces_of(cx, shown, |row| &row.run_id).await
}
