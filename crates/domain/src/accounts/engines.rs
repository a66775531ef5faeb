//! Engines: whoever shows the token of a job that an agent holds just now. Asked anew each time, as no right that is kept.

use db::{
    entity::job,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};

use crate::{App, Ctx, Error, Result, workspaces};

/// The engine of the run whose job has this token.
///
/// # Errors
/// Unauthorized if nobody holds such a job.
pub(super) async fn of_token(app: &App, hash: &str) -> Result<Ctx> {
    let held = job::Entity::find()
        .filter(job::Column::TokenHash.eq(hash))
        .filter(job::Column::Status.is_in([job::Status::Claimed, job::Status::Started]))
        .filter(job::Column::LeasedUntil.gt(app.now()))
        .one(app.db().read())
        .await?;
    let run = held.and_then(|job| job.run_id).ok_or(Error::Unauthorized)?;
    workspaces::engine_of(&app.system("engine"), &run).await.map_err(|error| match error {
        Error::NotFound => Error::Unauthorized,
        other => other,
    })
}
