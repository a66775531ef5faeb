//! Looks at branches and tags from time to time: at those of plain git because nobody tells what happens there, at the
//! others in case that a message was lost; and mends hooks on the way.

use std::collections::BTreeMap;

use db::{
    entity::repository,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use futures::{StreamExt, stream};
use vcs::{CommitId, RefName, Refs, ServiceProvider};

use super::{
    deliveries::{Trouble, doubt, holding},
    opening::happened,
};
use crate::{
    Ctx, Json, Result, connected_repositories as repositories, row::Repository, site_settings,
};

/// Repositories that are looked at in one pass, and at once.
const PASS: u64 = 100;
const AT_ONCE: usize = 4;
/// Seconds between two looks where the provider tells by itself.
const SAFETY_NET: i64 = 60 * 60;
/// The longest pause after failures.
const LONGEST: i64 = 60 * 60;

/// Looks at those whose time has come.
pub async fn look(cx: &Ctx) -> Result<()> {
    let due = repository::Entity::find()
        .filter(repository::Column::PollAt.lte(cx.now()))
        .order_by_asc(repository::Column::PollAt)
        .limit(PASS)
        .all(cx.read())
        .await?;
    stream::iter(due)
        .for_each_concurrent(AT_ONCE, |row| async move {
            let looked = holding(cx, &row.id, Box::pin(look_at(cx, &row))).await;
            cx.troubles().settle("looking at repositories", row.id.as_str(), looked, cx.now());
        })
        .await;
    Ok(())
}

async fn look_at(cx: &Ctx, row: &Repository) -> Result<()> {
    let every = site_settings::current(cx).await?.repository_interval.seconds();
    let every = i64::try_from(every).unwrap_or(LONGEST);
    let is_plain = repositories::provider(row)? == ServiceProvider::Git;
    let pause = if is_plain { every } else { SAFETY_NET };
    let seen = Box::pin(see(cx, row)).await;
    let failed = seen.as_ref().err().map(ToString::to_string);
    let failures = if failed.is_some() { row.poll_failures + 1 } else { 0 };
    let longer = pause.saturating_mul(1 << failures.clamp(0, 10)).min(LONGEST.max(pause));
    // Not all of them in one moment.
    let jitter = i64::from(rand::random::<u8>()) * longer / 2560;
    let at = cx.now().plus_seconds(longer + jitter);
    if let Err(trouble) = &seen {
        doubt(cx, row, trouble).await?;
    }
    if let Some(why) = &failed {
        repositories::trouble(cx, row, &format!("{} cannot be looked at: {why}.", row.identifier))
            .await?;
    }
    repositories::change(cx, &row.id, |row| {
        row.poll_at = at;
        row.poll_failures = failures;
        if failed.is_none() {
            row.last_error = None;
        }
    })
    .await?;
    if !is_plain && failed.is_none() && row.refs.is_some() {
        // A hook that was removed there is made anew.
        if let Err(why) = repositories::set_up(cx, &row.id).await {
            tracing::info!(repository = %row.id, "the webhook could not be looked at: {why}");
        }
    }
    Ok(())
}

/// What has moved since the last time happens now. The first look only remembers.
async fn see(cx: &Ctx, row: &Repository) -> Result<(), Trouble> {
    let now = references(cx, row).await?;
    let mut row = row.clone();
    if let Some(branch) = &now.default_branch {
        row.default_branch = Some(branch.to_string());
    }
    let at = cx.now();
    if let Some(earlier) = &row.refs {
        let mut events = now.since(&known(earlier));
        // In an order that is always the same.
        events.sort_by_key(|event| format!("{event:?}"));
        for event in events {
            happened(cx, &row, &event, None, at).await?;
        }
    }
    repositories::change(cx, &row.id, |kept| {
        kept.refs = Some(Json(named(&now)));
        kept.default_branch = row.default_branch;
    })
    .await?;
    Ok(())
}

async fn references(cx: &Ctx, row: &Repository) -> Result<Refs, Trouble> {
    let remote = repositories::remote(cx, row).await?;
    Ok(cx.git().references(&remote).await?)
}

/// The branch that is meant where none is named, as the repository itself says.
pub(super) async fn default_branch(cx: &Ctx, row: &Repository) -> Result<Option<String>, Trouble> {
    let found = references(cx, row).await?.default_branch.map(|branch| branch.to_string());
    let kept = found.clone();
    repositories::change(cx, &row.id, |row| row.default_branch = kept).await?;
    Ok(found)
}

fn named(refs: &Refs) -> BTreeMap<String, String> {
    let branches = refs.branches.iter().map(|(name, at)| (format!("refs/heads/{name}"), at));
    let tags = refs.tags.iter().map(|(name, at)| (format!("refs/tags/{name}"), at));
    branches.chain(tags).map(|(name, at)| (name, at.to_string())).collect()
}

fn known(kept: &BTreeMap<String, String>) -> Refs {
    let mut refs = Refs::default();
    for (name, at) in kept {
        let Ok(at) = CommitId::parse(at) else { continue };
        let (list, name) = match (name.strip_prefix("refs/heads/"), name.strip_prefix("refs/tags/"))
        {
            (Some(name), _) => (&mut refs.branches, name),
            (None, Some(name)) => (&mut refs.tags, name),
            (None, None) => continue,
        };
        if let Ok(name) = RefName::parse(name) {
            list.insert(name, at);
        }
    }
    refs
}
