//! Says what there is to say. The one server that keeps house does so, a commit at a time for each repository, so that
//! nothing older ever comes after something newer.

use std::collections::BTreeMap;

use db::{
    entity::{commit_status, task},
    id::{CommitStatusId, RepositoryId},
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use futures::{StreamExt, stream};
use serde_json::json;
use vcs::{
    CommitId, RefName,
    provider::{ProviderError, Status},
};

use super::{
    comment,
    outlook::{Outlook, outlook},
    reader::{Due, TASK},
};
use crate::{
    Ctx, Error, Result, connected_repositories as repositories,
    row::{CommitStatus, Repository},
    tasks,
    vcs_connections::{self, Failure},
};

/// About a day.
const TRIES: i64 = 25;
/// Seconds until a list of changes is there.
const SOON: i64 = 3;
/// Repositories at once.
const AT_ONCE: usize = 8;

/// Says what is due.
pub async fn work(cx: &Ctx) -> Result<()> {
    let mut by_repository: BTreeMap<Option<RepositoryId>, Vec<(task::Model, Option<Due>)>> =
        BTreeMap::new();
    for task in tasks::claim(cx, TASK).await? {
        let due = serde_json::from_value::<Due>(task.payload.0.clone()).ok();
        let key = due.as_ref().map(|due| due.repository.clone());
        by_repository.entry(key).or_default().push((task, due));
    }
    let mut done = stream::iter(by_repository.into_values())
        .map(|tasks| async move {
            for (task, due) in tasks {
                handle(cx, &task, due).await?;
            }
            Ok::<_, Error>(())
        })
        .buffer_unordered(AT_ONCE);
    while let Some(done) = done.next().await {
        done?;
    }
    Ok(())
}

async fn handle(cx: &Ctx, task: &task::Model, due: Option<Due>) -> Result<()> {
    let said = match due {
        Some(due) => Box::pin(say(cx, &due)).await,
        None => Err(Failure::House(Error::Conflict("it cannot be read".into()))),
    };
    if let Err(Failure::Provider(ProviderError::Limited(wait))) = &said {
        let seconds = vcs_connections::seconds(*wait, cx.now());
        return tasks::put_off(cx, task, seconds).await;
    }
    if let Ok(true) = said {
        return tasks::put_off(cx, task, SOON).await;
    }
    let passing = said.as_ref().is_err_and(Failure::is_passing);
    tasks::settle(cx, task, said.map(drop), if passing { Some(TRIES) } else { Some(1) }).await
}

/// Whether somebody has to look again soon. What cannot be said in one way is said in the other nevertheless.
async fn say(cx: &Ctx, due: &Due) -> Result<bool, Failure> {
    let Some(row) = repositories::by_id(cx, &due.repository).await? else { return Ok(false) };
    let beside = Box::pin(say_beside(cx, &row, due)).await;
    let below = match due.untriggered {
        Some(_) => Ok(false),
        None => Box::pin(comment::say(cx, &row, &due.commit)).await,
    };
    beside?;
    below
}

async fn say_beside(cx: &Ctx, row: &Repository, due: &Due) -> Result<(), Failure> {
    for one in outlook(cx, row, due).await? {
        let known = known(cx, row, &due.commit, &one.context).await?;
        let said = json!(one.said()).to_string();
        if known.as_ref().is_some_and(|known| known.said == said) {
            continue;
        }
        match send(cx, row, &due.commit, &one).await {
            Ok(()) => keep(cx, row, &due.commit, &one.context, known, said).await?,
            // Plain git has no place for it.
            Err(Failure::Provider(ProviderError::Unsupported(_))) => return Ok(()),
            Err(failure) => {
                if !failure.is_passing() {
                    let said = format!("A commit status was refused: {failure}.");
                    repositories::note(cx, row, repositories::Level::Error, &said).await?;
                }
                return Err(failure);
            }
        }
    }
    Ok(())
}

async fn known(
    cx: &Ctx,
    of: &Repository,
    commit: &str,
    context: &str,
) -> Result<Option<CommitStatus>> {
    Ok(commit_status::Entity::find()
        .filter(commit_status::Column::RepositoryId.eq(&of.id))
        .filter(commit_status::Column::CommitSha.eq(commit))
        .filter(commit_status::Column::Context.eq(context))
        .one(cx.read())
        .await?)
}

async fn send(cx: &Ctx, of: &Repository, commit: &str, one: &Outlook) -> Result<(), Failure> {
    let name = repositories::name(of)?;
    let unreadable = |error: vcs::NameError| Failure::House(Error::Internal(error.into()));
    let status = Status {
        commit: CommitId::parse(commit).map_err(unreadable)?,
        state: one.state,
        context: one.context.clone(),
        description: one.description.clone(),
        url: one.url.clone(),
        branch: RefName::parse(&one.branch).ok(),
    };
    let link = repositories::link(&of.connection)?;
    vcs_connections::ask(cx, &link, |provider| {
        let (name, status) = (name.clone(), status.clone());
        async move { provider.set_status(&name, &status).await }
    })
    .await
}

async fn keep(
    cx: &Ctx,
    of: &Repository,
    commit: &str,
    context: &str,
    known: Option<CommitStatus>,
    said: String,
) -> Result<()> {
    let tx = cx.write().await?;
    let held = match known {
        Some(known) => tx.lock::<commit_status::Entity>(known.id).await?,
        None => None,
    };
    if let Some(mut row) = held {
        (row.said, row.said_at) = (said, tx.now());
        tx.update(row).await?;
    } else {
        tx.insert(CommitStatus {
            id: CommitStatusId::fresh(),
            repository_id: of.id.clone(),
            commit_sha: commit.to_owned(),
            context: context.to_owned(),
            said,
            said_at: tx.now(),
        })
        .await?;
    }
    tx.commit().await
}
