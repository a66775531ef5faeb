//! What is done by itself: old data is made unreadable by the policies, and deleted for good after a while of grace.

use db::{
    entity::{
        configuration_version::{self, Status as ConfigurationStatus},
        data_retention_policy as policy, run,
        state_version::{self, Status as StateStatus},
        workspace,
    },
    id::{ConfigurationVersionId, StateVersionId},
    sea_orm::{
        ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
        TryGetableMany, sea_query::SelectStatement,
    },
};

use super::{
    Rule,
    backing_data::{Wish, happen, is_needed},
};
use crate::{Ctx, Error, Result, Timestamp, row::DataRetentionPolicy};

const DAY_SECONDS: i64 = 24 * 60 * 60;
/// From the day on which data becomes unreadable to the one on which it cannot be restored any more.
const GRACE_DAYS: i64 = 7;
/// Rows that are looked for at once.
const AT_ONCE: u64 = 100;

/// One version whose time has come.
enum Due {
    Configuration(ConfigurationVersionId),
    State(StateVersionId),
}

/// Does what is due by now; returns for how many versions that was.
pub async fn delete_due(cx: &Ctx) -> Result<u64> {
    let mut done = 0;
    loop {
        let deleted = delete(cx, &beyond_grace(cx).await?, Wish::PermanentlyDelete).await?;
        done += deleted;
        if deleted == 0 {
            break;
        }
    }
    for policy in policy::Entity::find().all(cx.read()).await? {
        let Rule::DeleteOlderThan(days) = Rule::of(&policy) else { continue };
        let before = cx.now().plus_seconds(-days * DAY_SECONDS);
        loop {
            let batch = too_old(cx, &policy, before).await?;
            let deleted = delete(cx, &batch, Wish::SoftDelete).await?;
            done += deleted;
            if deleted == 0 {
                break;
            }
        }
    }
    Ok(done)
}

async fn beyond_grace(cx: &Ctx) -> Result<Vec<Due>> {
    let before = cx.now().plus_seconds(-GRACE_DAYS * DAY_SECONDS);
    let configurations = configuration_version::Entity::find()
        .filter(configuration_version::Column::SoftDeletedAt.lte(before));
    let states =
        state_version::Entity::find().filter(state_version::Column::SoftDeletedAt.lte(before));
    first_of(cx, configurations, states).await
}

/// The first of what these find, as many of each as are looked for at once.
async fn first_of(
    cx: &Ctx,
    configurations: Select<configuration_version::Entity>,
    states: Select<state_version::Entity>,
) -> Result<Vec<Due>> {
    let configurations = ids(cx, configurations, configuration_version::Column::Id).await?;
    let states = ids(cx, states, state_version::Column::Id).await?;
    let configurations = configurations.into_iter().map(Due::Configuration);
    Ok(configurations.chain(states.into_iter().map(Due::State)).collect())
}

async fn ids<E, Id>(cx: &Ctx, query: Select<E>, column: E::Column) -> Result<Vec<Id>>
where
    E: EntityTrait,
    Id: TryGetableMany + Send,
{
    let query = query.select_only().column(column).limit(AT_ONCE);
    Ok(query.into_tuple().all(cx.read()).await?)
}

/// Workspaces for which the policy holds: those that have one of their own do not inherit.
fn held_by(policy: &DataRetentionPolicy) -> SelectStatement {
    let query = workspace::Entity::find().select_only().column(workspace::Column::Id);
    match (&policy.workspace_id, &policy.organization_name) {
        (Some(id), _) => query.filter(workspace::Column::Id.eq(id)),
        (None, organization) => {
            let own = policy::Entity::find()
                .select_only()
                .column(policy::Column::WorkspaceId)
                .filter(policy::Column::WorkspaceId.is_not_null())
                .into_query();
            query
                .filter(workspace::Column::OrganizationName.eq(organization.as_deref()))
                .filter(workspace::Column::Id.not_in_subquery(own))
        }
    }
    .into_query()
}

/// Neither what is current nor what a run still needs, whatever its age.
async fn too_old(cx: &Ctx, policy: &DataRetentionPolicy, before: Timestamp) -> Result<Vec<Due>> {
    use configuration_version::Column as C;
    use state_version::Column as S;
    let current = |column: workspace::Column| {
        workspace::Entity::find()
            .select_only()
            .column(column)
            .filter(column.is_not_null())
            .into_query()
    };
    let needed = run::Entity::find()
        .select_only()
        .column(run::Column::ConfigurationVersionId)
        .filter(run::Column::IsFinal.eq(false))
        .filter(run::Column::ConfigurationVersionId.is_not_null())
        .into_query();
    let configurations = configuration_version::Entity::find()
        .filter(C::WorkspaceId.in_subquery(held_by(policy)))
        .filter(C::Status.eq(ConfigurationStatus::Uploaded))
        .filter(C::CreatedAt.lt(before))
        .filter(C::Id.not_in_subquery(current(workspace::Column::CurrentConfigurationId)))
        .filter(C::Id.not_in_subquery(needed))
        .order_by_asc(C::CreatedAt);
    let states = state_version::Entity::find()
        .filter(S::WorkspaceId.in_subquery(held_by(policy)))
        .filter(S::Status.eq(StateStatus::Finalized))
        .filter(S::CreatedAt.lt(before))
        .filter(S::Id.not_in_subquery(current(workspace::Column::CurrentStateVersionId)))
        .order_by_asc(S::CreatedAt);
    first_of(cx, configurations, states).await
}

/// What cannot be any more, because it became current or is gone meanwhile, is passed over.
async fn delete(cx: &Ctx, batch: &[Due], wish: Wish) -> Result<u64> {
    let mut done = 0;
    for due in batch {
        let outcome = match due {
            Due::Configuration(id) => configuration(cx, id, wish).await,
            Due::State(id) => state(cx, id, wish).await,
        };
        match outcome {
            Ok(()) => done += 1,
            Err(Error::BadRequest(_) | Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

async fn configuration(cx: &Ctx, id: &ConfigurationVersionId, wish: Wish) -> Result<()> {
    let tx = cx.write().await?;
    let found = configuration_version::Entity::find_by_id(id.clone()).one(tx.db()).await?;
    let workspace_id = found.ok_or(Error::NotFound)?.workspace_id;
    let workspace = tx.lock::<workspace::Entity>(workspace_id).await?.ok_or(Error::NotFound)?;
    let mut row =
        tx.lock::<configuration_version::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    if is_needed(&tx, &row).await? {
        return Err(Error::NotFound);
    }
    happen(&tx, &mut row, &workspace, wish).await?;
    tx.update(row).await?;
    tx.commit().await
}

async fn state(cx: &Ctx, id: &StateVersionId, wish: Wish) -> Result<()> {
    let tx = cx.write().await?;
    let found = state_version::Entity::find_by_id(id.clone()).one(tx.db()).await?;
    let workspace_id = found.ok_or(Error::NotFound)?.workspace_id;
    let workspace = tx.lock::<workspace::Entity>(workspace_id).await?.ok_or(Error::NotFound)?;
    let mut row = tx.lock::<state_version::Entity>(id.clone()).await?.ok_or(Error::NotFound)?;
    happen(&tx, &mut row, &workspace, wish).await?;
    tx.update(row).await?;
    tx.commit().await
}
