//! Asks GitHub who has installed the app: from time to time, and as soon as GitHub says that somebody has.

use std::collections::HashMap;

use db::{
    entity::{github_app_installation as installation, github_app_installation::Status},
    id::GithubAppInstallationId,
    sea_orm::EntityTrait,
};
use vcs::provider::Installation;

use crate::{
    Ctx, Result, Tx,
    row::GithubAppInstallation,
    tasks,
    vcs_connections::{Failure, own_app, way},
};

/// A task: somebody has installed the app, or removed it.
pub(super) const TASK: &str = "GitHub App installations";
const TRIES: i64 = 10;
/// Pages of a hundred.
const PAGES: usize = 100;

/// Does so where GitHub has told it.
pub async fn work(cx: &Ctx) -> Result<()> {
    for task in tasks::claim(cx, TASK).await? {
        let done = Box::pin(ask(cx)).await.map_err(|failure| failure.to_string());
        tasks::settle(cx, &task, done, Some(TRIES)).await?;
    }
    Ok(())
}

/// Does so because its time has come. What GitHub does not answer now it will later.
pub async fn refresh(cx: &Ctx) -> Result<()> {
    match Box::pin(ask(cx)).await {
        Err(Failure::House(error)) => Err(error),
        Err(failure) => {
            tracing::warn!("GitHub does not say who has installed the app: {failure}");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

async fn ask(cx: &Ctx) -> Result<(), Failure> {
    let Some(own) = own_app(cx).await? else { return Ok(()) };
    let mut told = HashMap::new();
    let mut from = None;
    for _ in 0..PAGES {
        let page = own.app.installations(way(cx), cx.now().0 / 1000, from.as_ref()).await?;
        for one in page.items {
            if let Ok(number) = one.id.parse::<i64>() {
                told.insert(number, one);
            }
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(keep(cx, told, true).await?),
        }
    }
    // Whoever is not on the pages that were read has not been asked for.
    Ok(keep(cx, told, false).await?)
}

/// Where these are all there are, who is not among them has removed it.
async fn keep(cx: &Ctx, mut told: HashMap<i64, Installation>, are_all: bool) -> Result<()> {
    let tx = cx.write().await?;
    for known in installation::Entity::find().all(tx.db()).await? {
        let wanted = match told.remove(&known.number) {
            Some(told) => {
                GithubAppInstallation { id: known.id.clone(), ..row(&tx, known.number, told) }
            }
            None if are_all => GithubAppInstallation { status: Status::Removed, ..known.clone() },
            None => continue,
        };
        update(&tx, &known, wanted).await?;
    }
    for (number, told) in told {
        tx.insert(row(&tx, number, told)).await?;
    }
    tx.commit().await
}

/// Only what is news is written.
async fn update(
    tx: &Tx,
    known: &GithubAppInstallation,
    wanted: GithubAppInstallation,
) -> Result<()> {
    let row = GithubAppInstallation {
        trouble: known.trouble.clone(),
        troubled_at: known.troubled_at,
        created_at: known.created_at,
        updated_at: known.updated_at,
        ..wanted
    };
    if row == *known {
        return Ok(());
    }
    if let Some(mut held) = tx.lock::<installation::Entity>(known.id.clone()).await? {
        *held = GithubAppInstallation { updated_at: tx.now(), ..row };
        tx.update(held).await?;
    }
    Ok(())
}

fn row(tx: &Tx, number: i64, told: Installation) -> GithubAppInstallation {
    GithubAppInstallation {
        id: GithubAppInstallationId::fresh(),
        number,
        account: told.account,
        kind: told.kind,
        icon_url: told.icon_url,
        url: told.url,
        status: if told.is_suspended { Status::Suspended } else { Status::Active },
        trouble: None,
        troubled_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    }
}
