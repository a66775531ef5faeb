//! Plans of a pull request whose head has moved on tell nobody anything any more.

use db::{
    entity::{ingress_attribute, organization, run},
    id::{ConfigurationVersionId, RunId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect},
};
use vcs::CommitId;

use crate::{Ctx, Error, Result, Timestamp, can, row::Repository, runs};

/// Cancels the plans of commits that were told before, where the organization wishes it.
pub(super) async fn cancel(
    cx: &Ctx,
    row: &Repository,
    number: u64,
    newest: &CommitId,
    told_at: Timestamp,
) -> Result<()> {
    let organization = organization::Entity::find_by_id(row.organization_name.clone());
    let wished = organization.one(cx.read()).await?;
    if !wished.is_some_and(|organization| organization.speculative_plan_management) {
        return Ok(());
    }
    let older: Vec<ConfigurationVersionId> = ingress_attribute::Entity::find()
        .select_only()
        .column(ingress_attribute::Column::ConfigurationVersionId)
        .filter(ingress_attribute::Column::RepositoryId.eq(&row.id))
        .filter(
            ingress_attribute::Column::PullRequestNumber.eq(i64::try_from(number).unwrap_or(-1)),
        )
        .filter(ingress_attribute::Column::HappenedAt.lte(told_at))
        // Some providers tell no more than the beginning.
        .filter(ingress_attribute::Column::CommitSha.not_like(format!("{newest}%")))
        .into_tuple()
        .all(cx.read())
        .await?;
    let plans: Vec<RunId> = run::Entity::find()
        .select_only()
        .column(run::Column::Id)
        .filter(run::Column::ConfigurationVersionId.is_in(older))
        .filter(run::Column::PlanOnly.eq(true))
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::Cancel.eq(run::Cancel::No))
        .into_tuple()
        .all(cx.read())
        .await?;
    for id in plans {
        let run = cx.check::<can::CancelRun, _>(runs::find(cx, &id).await?)?;
        let why = format!("A newer commit has come to the pull request: {newest}.");
        match Box::pin(runs::cancel(cx, &run, Some(why))).await {
            // It has ended meanwhile, or waits for somebody's decision.
            Ok(()) | Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
