//! Run tasks: whoever shows the token of a question that a run has asked. Asked anew each time, as no right that is kept.

use db::{
    entity::{
        run,
        task_result::{self as result, Status},
        task_stage as stage,
    },
    id::TaskResultId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use crate::{Actor, App, Ctx, Error, Result, row::TaskResult};

/// The run task that has this token, if one has.
pub(super) async fn of_token(app: &App, hash: &str) -> Result<Option<Ctx>> {
    let query = result::Entity::find().filter(result::Column::TokenHash.eq(hash));
    match query.one(app.db().read()).await? {
        Some(row) => bearer(app, row).await.map(Some),
        None => Ok(None),
    }
}

/// The run task that is to answer this, with the rights of this moment.
///
/// # Errors
/// Unauthorized once its token has ended.
pub(crate) async fn run_task(app: &App, id: &TaskResultId) -> Result<Ctx> {
    let row = result::Entity::find_by_id(id.clone()).one(app.db().read()).await?;
    bearer(app, row.ok_or(Error::Unauthorized)?).await
}

async fn bearer(app: &App, row: TaskResult) -> Result<Ctx> {
    if row.token_hash.is_none() || row.token_ends_at.is_none_or(|at| at <= app.now()) {
        return Err(Error::Unauthorized);
    }
    let mut seen = None;
    // Of a run that was stopped it gets nothing more.
    if matches!(row.status, Status::Running | Status::Passed | Status::Failed)
        && let Some(stage) =
            stage::Entity::find_by_id(row.task_stage_id).one(app.db().read()).await?
    {
        seen = run::Entity::find_by_id(stage.run_id).one(app.db().read()).await?;
    }
    let (run, configuration) = seen.map(|run| (run.id, run.configuration_version_id)).unzip();
    let configuration = configuration.flatten();
    Ok(Ctx::new(app.clone(), Actor::RunTask { result: row.id, run, configuration }))
}
