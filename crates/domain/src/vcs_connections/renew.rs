//! Tokens that end by themselves are renewed before they do, by one of all servers at a time: what renews them is good for
//! one use at some providers.

use std::time::Duration;

use db::entity::oauth_token;
use secrecy::SecretString;
use url::Url;
use vcs::{
    ServiceProvider,
    provider::{OauthApp, ProviderError, Tokens},
};

use super::{Failure, ask::set_trouble, sentence, way};
use crate::{
    Ctx, Error, Result, oauth_clients,
    row::{OauthClient, OauthToken},
};

/// Seconds before its end.
const EARLY: i64 = 300;
/// Seconds that one who renews may take; longer than the courier waits.
const LEASE: i64 = 60;
/// How often those who wait look again.
const LOOK: Duration = Duration::from_millis(200);
/// How often a new token is written, if the database does not take it at once: without it the connection is lost.
const WRITES: usize = 5;

enum Claim {
    Mine(OauthToken),
    Others(OauthToken),
    Done(OauthToken),
}

/// The token, or a newer one where it ends soon or was `refused`.
pub(super) async fn good(
    cx: &Ctx,
    client: &OauthClient,
    provider: ServiceProvider,
    token: OauthToken,
    refused: Option<&OauthToken>,
) -> Result<OauthToken, Failure> {
    let ends_by = |row: &OauthToken, seconds: i64| {
        row.expires_at.is_some_and(|at| at <= cx.now().plus_seconds(seconds))
    };
    let is_refused =
        |row: &OauthToken| refused.is_some_and(|refused| refused.access_token == row.access_token);
    let mut seen = token;
    loop {
        if seen.refresh_token.is_none() || !(is_refused(&seen) || ends_by(&seen, EARLY)) {
            return Ok(seen);
        }
        match claim(cx, &seen).await? {
            Claim::Mine(row) => return renew(cx, client, provider, row).await,
            Claim::Done(row) => seen = row,
            // The old one will do for this once.
            Claim::Others(row) if !is_refused(&row) && !ends_by(&row, 0) => return Ok(row),
            Claim::Others(row) => {
                seen = row;
                tokio::time::sleep(LOOK).await;
            }
        }
    }
}

async fn claim(cx: &Ctx, seen: &OauthToken) -> Result<Claim, Failure> {
    let tx = cx.write().await?;
    let row = tx.lock::<oauth_token::Entity>(seen.id.clone()).await.map_err(Error::from)?;
    let Some(mut row) = row else {
        tx.roll_back().await;
        return Err(Failure::Gone);
    };
    if row.access_token != seen.access_token {
        let row = row.clone();
        tx.roll_back().await;
        return Ok(Claim::Done(row));
    }
    if row.renewing_until.is_some_and(|until| until > tx.now()) {
        let row = row.clone();
        tx.roll_back().await;
        return Ok(Claim::Others(row));
    }
    row.renewing_until = Some(tx.now().plus_seconds(LEASE));
    let row = tx.update(row).await.map_err(Error::from)?;
    tx.commit().await?;
    Ok(Claim::Mine(row))
}

async fn renew(
    cx: &Ctx,
    client: &OauthClient,
    provider: ServiceProvider,
    row: OauthToken,
) -> Result<OauthToken, Failure> {
    let asked = async {
        let token = oauth_clients::open_refresh(cx, &row)?.ok_or(Failure::Gone)?;
        let app = application(cx, client, provider)?;
        Ok::<_, Failure>(app.refresh(way(cx), &token).await?)
    };
    let asked = asked.await;
    let mut left = WRITES;
    loop {
        left -= 1;
        match keep(cx, &row, asked.as_ref()).await {
            Err(error) if left > 0 && !error.is_refusal() => tokio::time::sleep(LOOK).await,
            kept => {
                let kept = kept?;
                asked?;
                return kept.ok_or(Failure::Gone);
            }
        }
    }
}

/// What came of it, on the row.
async fn keep(
    cx: &Ctx,
    row: &OauthToken,
    asked: Result<&Tokens, &Failure>,
) -> Result<Option<OauthToken>> {
    let tx = cx.write().await?;
    let Some(mut row) = tx.lock::<oauth_token::Entity>(row.id.clone()).await? else {
        tx.roll_back().await;
        return Ok(None);
    };
    row.renewing_until = None;
    if let Ok(given) = asked {
        oauth_clients::set_given(cx, given, &mut row);
    }
    set_trouble(&tx, &mut row, asked.err().map(|failure| sentence(&failure.to_string()))).await?;
    row.updated_at = tx.now();
    let row = tx.update(row).await?;
    tx.commit().await?;
    Ok(Some(row))
}

/// What the provider knows this server as.
pub(super) fn application(
    cx: &Ctx,
    client: &OauthClient,
    provider: ServiceProvider,
) -> Result<OauthApp, Failure> {
    let setting = |text: &str| ProviderError::Setting(text.to_owned());
    let key = client.consumer_key.clone();
    let client_id = key.ok_or_else(|| setting("the connection has no key of an application"))?;
    let secret = oauth_clients::open_secret(cx, client)?;
    let client_secret: SecretString =
        secret.ok_or_else(|| setting("the connection has no secret of an application"))?;
    let http_url = if provider == ServiceProvider::AdoServices {
        let tenant = client.ado_entra_tenant_id.as_deref().unwrap_or("organizations");
        format!("https://login.microsoftonline.com/{tenant}")
    } else {
        client.http_url.clone()
    };
    let http_url = Url::parse(&http_url).map_err(|_| setting("its http-url is no address"))?;
    let redirect_uri = oauth_clients::callback_url(cx, client);
    Ok(OauthApp { provider, http_url, client_id, client_secret, redirect_uri })
}
