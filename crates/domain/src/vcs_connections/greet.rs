//! Asks providers who their new tokens are: what is wrong with one is told before somebody relies on it.

use db::{entity::oauth_token, id::OauthTokenId};
use vcs::provider::ProviderError;

use super::{Failure, Link, ask, open, open::has_api};
use crate::{Ctx, Result, oauth_clients::GREETING, tasks};

/// The last try is about an hour after the first.
const TRIES: i64 = 5;

/// Greets where it is due.
pub async fn work(cx: &Ctx) -> Result<()> {
    for task in tasks::claim(cx, GREETING).await? {
        let outcome = match serde_json::from_value::<OauthTokenId>(task.payload.0.clone()) {
            Ok(id) => Box::pin(greet(cx, &id)).await,
            Err(error) => Err(error.to_string()),
        };
        tasks::settle(cx, &task, outcome, Some(TRIES)).await?;
    }
    Ok(())
}

/// Only what may pass is a reason to try again; the rest stands on the connection.
async fn greet(cx: &Ctx, id: &OauthTokenId) -> Result<(), String> {
    let link = Link::Token(id.clone());
    match who(cx, &link).await {
        Ok(Some(name)) => named(cx, id, name).await.map_err(|error| error.chain()),
        Err(failure) if failure.is_passing() => Err(failure.to_string()),
        // Whoever may not even say its name is good for nothing.
        Err(failure @ Failure::Provider(ProviderError::Forbidden(_))) => {
            let trouble = Some(super::sentence(&failure.to_string()));
            ask::tell(cx, &link, trouble).await.map_err(|error| error.chain())
        }
        Ok(None) | Err(_) => Ok(()),
    }
}

/// A repository has refused what its connection holds: whether the provider does so, too, stands on the connection then.
pub(crate) async fn doubt(cx: &Ctx, link: &Link) -> Result<()> {
    match Box::pin(who(cx, link)).await {
        Err(Failure::House(error)) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn who(cx: &Ctx, link: &Link) -> Result<Option<String>, Failure> {
    if !has_api(open(cx, link).await?.service_provider) {
        return Ok(None);
    }
    match ask(cx, link, |provider| async move { provider.user().await }).await {
        Ok(person) => Ok(Some(person.name)),
        // Tokens that are not of people.
        Err(Failure::Provider(ProviderError::Unsupported(_) | ProviderError::Gone(_))) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn named(cx: &Ctx, id: &OauthTokenId, name: String) -> Result<()> {
    let tx = cx.write().await?;
    let Some(mut row) = tx.lock::<oauth_token::Entity>(id.clone()).await? else {
        tx.roll_back().await;
        return Ok(());
    };
    row.service_provider_user = Some(name);
    tx.update(row).await?;
    tx.commit().await
}
