//! Deliveries of one repository, worked off one after the other in the order in which they came: an older commit must not
//! be run after a newer one.

use std::{convert::Infallible, time::Duration};

use db::{
    entity::{repository, webhook_delivery},
    id::RepositoryId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder},
};
use vcs::{
    events::{Contents, Event, Moved, read},
    git::GitError,
};

use super::{opening::happened, under_way::Became};
use crate::{
    Ctx, Error, Result, Timestamp,
    connected_repositories::{self as repositories, Delivered, Level},
    row::{Repository, WebhookDelivery},
    vcs_connections::{self, Failure},
};

/// How often a delivery is tried before those behind it go on without it: some hours.
const TRIES: i64 = 8;
/// A repository is held for so long after a sign of life.
const HELD_SECONDS: i64 = 120;
const SIGN: Duration = Duration::from_secs(30);

/// Why something could not be worked off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Ours(#[from] Error),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Connection(#[from] Failure),
}

impl Trouble {
    /// The same may succeed later, with nobody doing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Ours(error) => !error.is_refusal(),
            Self::Git(error) => error.is_passing(),
            Self::Connection(failure) => failure.is_passing(),
        }
    }
}

pub(super) async fn work_off(cx: &Ctx, of: &Delivered) -> Became {
    match Box::pin(holding(cx, &of.repository, work_off_all(cx, &of.repository))).await {
        Ok(Some(done)) => done,
        Ok(None) => Became::Later,
        Err(error) => Became::Failed(error.chain()),
    }
}

/// Does it while nobody else works on the repository; `None` if somebody does.
pub(super) async fn holding<T>(
    cx: &Ctx,
    id: &RepositoryId,
    work: impl Future<Output = Result<T>>,
) -> Result<Option<T>> {
    if !take(cx, id).await? {
        return Ok(None);
    }
    let done = tokio::select! {
        done = work => done,
        never = signs(cx, id) => match never {},
    };
    repositories::change(cx, id, |row| row.busy_until = Timestamp(0)).await?;
    done.map(Some)
}

async fn take(cx: &Ctx, id: &RepositoryId) -> Result<bool> {
    let tx = cx.write().await?;
    let Some(mut row) = tx.lock::<repository::Entity>(id.clone()).await? else {
        tx.roll_back().await;
        // There is nothing to be worked off, which is found out soon.
        return Ok(true);
    };
    if row.busy_until > tx.now() {
        tx.roll_back().await;
        return Ok(false);
    }
    row.busy_until = tx.now().plus_seconds(HELD_SECONDS);
    tx.update(row).await?;
    tx.commit().await?;
    Ok(true)
}

async fn signs(cx: &Ctx, id: &RepositoryId) -> Infallible {
    loop {
        tokio::time::sleep(SIGN).await;
        let until = cx.now().plus_seconds(HELD_SECONDS);
        if let Err(error) = repositories::change(cx, id, |row| row.busy_until = until).await {
            tracing::warn!(repository = %id, "cannot say that it is worked on: {}", error.chain());
        }
    }
}

async fn work_off_all(cx: &Ctx, id: &RepositoryId) -> Result<Became> {
    while let Some(delivery) = next(cx, id).await? {
        let Some(row) = repositories::by_id(cx, id).await? else { return Ok(Became::Done) };
        let Err(trouble) = Box::pin(one(cx, &row, &delivery)).await else {
            conclude(cx, delivery, None).await?;
            continue;
        };
        let why = trouble.to_string();
        if trouble.is_passing() && delivery.attempts + 1 < TRIES {
            count_try(cx, &delivery, &why).await?;
            repositories::change(cx, id, |row| row.last_error = Some(why.clone())).await?;
            return Ok(Became::Failed(why));
        }
        doubt(cx, &row, &trouble).await?;
        let said = format!("What happened in {} could not be worked off: {why}.", row.identifier);
        repositories::trouble(cx, &row, &said).await?;
        conclude(cx, delivery, Some(why)).await?;
    }
    Ok(Became::Done)
}

/// Where `git` is not let in, the provider is asked whether its connection is good for anything: what it says stands
/// there, where somebody can mend it.
pub(super) async fn doubt(cx: &Ctx, row: &Repository, trouble: &Trouble) -> Result<()> {
    match (trouble, repositories::link(&row.connection)) {
        (Trouble::Git(GitError::Denied), Ok(link)) => vcs_connections::doubt(cx, &link).await,
        _ => Ok(()),
    }
}

async fn next(cx: &Ctx, id: &RepositoryId) -> Result<Option<WebhookDelivery>> {
    Ok(webhook_delivery::Entity::find()
        .filter(webhook_delivery::Column::RepositoryId.eq(id))
        .filter(webhook_delivery::Column::DoneAt.is_null())
        .order_by_asc(webhook_delivery::Column::ReceivedAt)
        .order_by_asc(webhook_delivery::Column::Id)
        .one(cx.read())
        .await?)
}

async fn conclude(cx: &Ctx, of: WebhookDelivery, error: Option<String>) -> Result<()> {
    let tx = cx.write().await?;
    if let Some(mut row) = tx.lock::<webhook_delivery::Entity>(of.id).await? {
        row.done_at = Some(tx.now());
        row.error = error;
        // It is known again by its digest.
        row.body = String::new();
        tx.update(row).await?;
    }
    tx.commit().await
}

async fn count_try(cx: &Ctx, of: &WebhookDelivery, why: &str) -> Result<()> {
    let tx = cx.write().await?;
    if let Some(mut row) = tx.lock::<webhook_delivery::Entity>(of.id.clone()).await? {
        row.attempts += 1;
        row.error = Some(why.to_owned());
        tx.update(row).await?;
    }
    tx.commit().await
}

async fn one(cx: &Ctx, row: &Repository, delivery: &WebhookDelivery) -> Result<(), Trouble> {
    let provider = repositories::provider(row)?;
    let contents = match read(provider, &delivery.event, delivery.body.as_bytes()) {
        Ok(contents) => contents,
        Err(refusal) => return Err(Error::BadRequest(refusal.to_string()).into()),
    };
    let Some(row) = of_here(cx, row, &contents).await? else { return Ok(()) };
    for event in &contents.events {
        happened(cx, &row, event, contents.sender.as_ref(), delivery.received_at).await?;
        remember(cx, &row, event).await?;
    }
    Ok(())
}

/// The repository as the delivery tells it, if it is this one.
async fn of_here(cx: &Ctx, row: &Repository, told: &Contents) -> Result<Option<Repository>> {
    let Some(subject) = &told.subject else { return Ok(Some(row.clone())) };
    if row.provider_id.as_ref().is_some_and(|known| *known != subject.id) {
        let said = format!("A webhook of {} told of another repository.", row.identifier);
        repositories::note(cx, row, Level::Error, &said).await?;
        return Ok(None);
    }
    let mut row = row.clone();
    if subject.default_branch.is_some() && subject.default_branch != row.default_branch {
        row.default_branch.clone_from(&subject.default_branch);
        let branch = subject.default_branch.clone();
        repositories::change(cx, &row.id, |row| row.default_branch = branch).await?;
    }
    Ok(Some(row))
}

/// So that nobody who looks at the branches takes it for news.
async fn remember(cx: &Ctx, row: &Repository, event: &Event) -> Result<()> {
    let (name, moved): (String, &Moved) = match event {
        Event::Push { branch, moved } => (format!("refs/heads/{branch}"), moved),
        Event::Tag { tag, moved } => (format!("refs/tags/{tag}"), moved),
        _ => return Ok(()),
    };
    repositories::change(cx, &row.id, |row| {
        let Some(refs) = &mut row.refs else { return };
        match &moved.after {
            Some(after) => drop(refs.0.insert(name, after.to_string())),
            None => drop(refs.0.remove(&name)),
        }
    })
    .await
}
