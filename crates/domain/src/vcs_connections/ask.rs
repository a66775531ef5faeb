//! One question to a provider, and what its answer says of the connection.

use std::sync::Arc;

use db::{
    entity::{github_app_installation, github_app_link, oauth_client, oauth_token},
    id::GithubAppInstallationId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter},
};
use vcs::provider::{Provider, ProviderError};

use super::{Connected, Failure, Link, open::open_after, sentence};
use crate::{
    Ctx, Result, Tx,
    row::OauthToken,
    vcs_events::{self, Level, Note},
};

/// Asks, with a token that is good. One that the provider refuses all the same is renewed, if it can be, and then the
/// question is asked once more. What goes wrong with the connection stands on it until something goes well. One that is to
/// be asked less often is not asked before its time.
pub async fn ask<T, F>(
    cx: &Ctx,
    link: &Link,
    question: impl Fn(Arc<dyn Provider>) -> F + Send + Sync,
) -> Result<T, Failure>
where
    T: Send,
    F: Future<Output = Result<T, ProviderError>> + Send,
{
    let mut connected = open_after(cx, link, None).await?;
    if let Some(wait) = cx.provider_limits().of(&connected, cx.now()) {
        return Err(ProviderError::Limited(wait).into());
    }
    let mut answer = question(connected.provider.clone()).await;
    if matches!(answer, Err(ProviderError::Revoked)) {
        let can_be_renewed = match link {
            Link::Token(_) => {
                connected.token.as_ref().is_some_and(|token| token.refresh_token.is_some())
            }
            Link::Installation(id) => {
                cx.installation_tokens().forget(id);
                true
            }
        };
        if can_be_renewed {
            let refused = connected.token.take();
            connected = open_after(cx, link, refused.as_ref()).await?;
            answer = question(connected.provider.clone()).await;
        }
    }
    if let Err(ProviderError::Limited(wait)) = &answer {
        cx.provider_limits().keep(&connected, *wait, cx.now());
    }
    note(cx, &connected, answer.as_ref().err()).await?;
    Ok(answer?)
}

/// As far as it says something of the connection, and not only of what was asked.
async fn note(cx: &Ctx, connected: &Connected, error: Option<&ProviderError>) -> Result<()> {
    use ProviderError as E;
    let trouble = match error {
        None => None,
        Some(E::Gone(_) | E::Forbidden(_) | E::Refused(_) | E::Unsupported(_)) => return Ok(()),
        Some(error) => Some(sentence(&error.to_string())),
    };
    if trouble == connected.trouble {
        return Ok(());
    }
    tell(cx, &connected.link, trouble).await
}

/// Writes on a connection what has gone wrong, or that nothing does any more.
pub async fn tell(cx: &Ctx, link: &Link, trouble: Option<String>) -> Result<()> {
    let id = match link {
        Link::Token(id) => id,
        Link::Installation(id) => return tell_installation(cx, id, trouble).await,
    };
    let tx = cx.write().await?;
    let Some(mut row) = tx.lock::<oauth_token::Entity>(id.clone()).await? else {
        tx.roll_back().await;
        return Ok(());
    };
    set_trouble(&tx, &mut row, trouble).await?;
    tx.update(row).await?;
    tx.commit().await
}

/// The same on an installation, and to all organizations that may use it.
async fn tell_installation(
    cx: &Ctx,
    id: &GithubAppInstallationId,
    trouble: Option<String>,
) -> Result<()> {
    let tx = cx.write().await?;
    let row = tx.lock::<github_app_installation::Entity>(id.clone()).await?;
    let Some(mut row) = row.filter(|row| row.trouble != trouble) else {
        tx.roll_back().await;
        return Ok(());
    };
    let links = github_app_link::Entity::find()
        .filter(github_app_link::Column::GithubAppInstallationId.eq(id))
        .all(tx.db())
        .await?;
    for link in links {
        let (level, message, suggested_action) = said(trouble.as_ref());
        let organization = &link.organization_name;
        let note =
            Note { organization, client: None, token: None, level, message, suggested_action };
        vcs_events::note(&tx, note).await?;
    }
    row.troubled_at = trouble.is_some().then_some(tx.now());
    row.trouble = trouble;
    tx.update(row).await?;
    tx.commit().await
}

fn said(trouble: Option<&String>) -> (Level, String, Option<&'static str>) {
    match trouble {
        Some(trouble) => {
            let action = "Look at the connection, and connect it again.";
            (Level::Error, trouble.clone(), Some(action))
        }
        None => (Level::Info, "The provider answers again.".into(), None),
    }
}

/// The same on a row that is held; a trouble that is new is an event as well.
pub(super) async fn set_trouble(
    tx: &Tx,
    row: &mut OauthToken,
    trouble: Option<String>,
) -> Result<()> {
    if row.trouble == trouble {
        return Ok(());
    }
    let (level, message, suggested_action) = said(trouble.as_ref());
    let client = oauth_client::Entity::find_by_id(row.oauth_client_id.clone()).one(tx.db()).await?;
    if let Some(client) = client {
        let note = Note {
            organization: &client.organization_name,
            client: Some(&client.id),
            token: Some(&row.id),
            level,
            message,
            suggested_action,
        };
        vcs_events::note(tx, note).await?;
    }
    row.troubled_at = trouble.is_some().then_some(tx.now());
    row.trouble = trouble;
    Ok(())
}
