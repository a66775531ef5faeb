//! Hooks at the provider, made and removed by tasks; and what nobody uses any more.

use std::time::Duration;

use db::{
    entity::{repository, webhook_delivery},
    id::RepositoryId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr},
};
use serde::{Deserialize, Serialize};
use vcs::provider::{Hook, ProviderError};

use super::{Level, cache, change, name, note, trouble, webhook_secret, webhook_url};
use crate::{
    Ctx, Error, Result,
    row::Repository,
    vcs_connections::{self, Failure, Link},
};

/// A task: who keeps the repository is asked for what it is, and for a hook.
pub(crate) const HOOK: &str = "webhook";
/// A task: the last user has gone, and so does the hook.
pub(crate) const UNHOOK: &str = "forget a repository";
/// A history that was brought so lately may be one that somebody only looks into.
const UNUSED: Duration = Duration::from_hours(24);
/// Days for which a delivery is known again.
const KEPT_DAYS: i64 = 30;

/// What is left of a repository that nobody uses any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Left {
    id: RepositoryId,
    connection: String,
    identifier: String,
    hook: Option<String>,
}

/// Learns of a repository, and makes or mends its hook. A provider that refuses that is said so: its administrators can
/// still make one by hand.
pub(crate) async fn set_up(cx: &Ctx, id: &RepositoryId) -> Result<(), String> {
    let in_words = |error: Error| error.to_string();
    let Some(row) = super::by_id(cx, id).await.map_err(in_words)? else { return Ok(()) };
    match learn_and_hook(cx, &row).await {
        Ok(()) => Ok(()),
        Err(Failure::House(error)) => Err(error.chain()),
        Err(failure) => {
            let said = format!("{} cannot be connected: {failure}.", row.identifier);
            trouble(cx, &row, &said).await.map_err(in_words)?;
            if failure.is_passing() { Err(said) } else { Ok(()) }
        }
    }
}

async fn learn_and_hook(cx: &Ctx, row: &Repository) -> Result<(), Failure> {
    let link = cache::link(&row.connection)?;
    let name = name(row)?;
    cache::learn(cx, &link, row).await?;
    if matches!(link, Link::Installation(_)) {
        // The app has one hook for all of them.
        return Ok(());
    }
    let hook = Hook { url: webhook_url(cx, row), secret: webhook_secret(cx, row)? };
    let asked = vcs_connections::ask(cx, &link, |provider| {
        let (name, hook) = (name.clone(), hook.clone());
        async move { provider.ensure_hook(&name, &hook).await }
    });
    let (made, refused) = match asked.await {
        Ok(id) => (Some(id), None),
        Err(failure) if failure.is_passing() => return Err(failure),
        // Somebody looks instead.
        Err(Failure::Provider(ProviderError::Unsupported(_))) => return Ok(()),
        Err(failure) => (None, Some(failure.to_string())),
    };
    let is_new = made.is_some() && made != row.hook_id;
    let said = refused.clone().filter(|_| refused != row.hook_error);
    change(cx, &row.id, |row| (row.hook_id, row.hook_error) = (made, refused)).await?;
    if let Some(why) = said {
        let said = format!("No webhook could be made for {}: {why}.", row.identifier);
        note(cx, row, Level::Error, &said).await?;
    } else if is_new {
        let said = format!("A webhook was made for {}.", row.identifier);
        note(cx, row, Level::Info, &said).await?;
    }
    Ok(())
}

/// Lets go of repositories that nobody takes files from any more.
pub async fn drop_unused(cx: &Ctx) -> Result<()> {
    let nobody = Expr::cust(
        "NOT EXISTS (SELECT 1 FROM workspaces w WHERE w.repository_id = repositories.id AND w.vcs_repo IS NOT NULL) \
         AND NOT EXISTS (SELECT 1 FROM policy_sets p WHERE p.repository_id = repositories.id AND p.vcs_repo IS NOT NULL)",
    );
    for unused in repository::Entity::find().filter(nobody).all(cx.read()).await? {
        let tx = cx.write().await?;
        let row = tx.lock::<repository::Entity>(unused.id.clone()).await?;
        // Somebody may have come back to it.
        let is_used = super::is_used(&tx, &unused.id).await?;
        let Some(row) = row.filter(|_| !is_used) else {
            tx.roll_back().await;
            continue;
        };
        let left = Left {
            id: row.id.clone(),
            connection: row.connection.clone(),
            identifier: row.identifier.clone(),
            hook: row.hook_id.clone(),
        };
        tx.later(UNHOOK, left).await?;
        tx.delete(row).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Removes the hook at the provider, and what this server has on its disk.
pub(crate) async fn take_down(cx: &Ctx, left: &Left) -> Result<(), String> {
    let forgotten = cache::forget(cx, &left.id).await;
    forgotten.map_err(|error| error.to_string())?;
    let Some(hook) = &left.hook else { return Ok(()) };
    let name = vcs::RepositoryName::parse(&left.identifier).map_err(|error| error.to_string())?;
    let removed = async {
        let link = cache::link(&left.connection)?;
        vcs_connections::ask(cx, &link, |provider| {
            let (name, hook) = (name.clone(), hook.clone());
            async move { provider.remove_hook(&name, &hook).await }
        })
        .await
    };
    match removed.await {
        Ok(()) => Ok(()),
        Err(failure) if failure.is_passing() => Err(failure.to_string()),
        // Not ours to remove any more, or the connection has gone as well, and with it every right to ask.
        Err(failure) => {
            tracing::info!("the webhook of {} stays at the provider: {failure}", left.identifier);
            Ok(())
        }
    }
}

/// Removes histories from this server's disk whose repositories went without a word, as with their organization, or were
/// let go of by another server. Gives how many there were.
pub async fn forget_caches(cx: &Ctx) -> Result<usize> {
    let ids: Vec<RepositoryId> = repository::Entity::find()
        .select_only()
        .column(repository::Column::Id)
        .into_tuple()
        .all(cx.read())
        .await?;
    let git = cx.git().clone();
    let swept = move || {
        let keys: Vec<&str> = ids.iter().map(RepositoryId::as_str).collect();
        git.forget_others(&keys, UNUSED)
    };
    let swept = tokio::task::spawn_blocking(swept).await;
    let swept = swept.map_err(|error| Error::Internal(error.into()))?;
    swept.map_err(|error| Error::Internal(error.into()))
}

/// Deliveries that nobody will send again.
pub async fn forget_deliveries(cx: &Ctx) -> Result<()> {
    let before = cx.now().plus_seconds(-KEPT_DAYS * 24 * 3600);
    let tx = cx.write().await?;
    webhook_delivery::Entity::delete_many()
        .filter(webhook_delivery::Column::DoneAt.lt(before))
        .exec(tx.db())
        .await?;
    tx.commit().await?;
    Ok(())
}
