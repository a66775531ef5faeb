//! Connecting by a browser: people are sent to their provider, and come back with a code. What leads them there is signed
//! and bound to their session, so that nobody can make somebody else connect what is not theirs.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use url::Url;
use vcs::provider::{Http, Pkce, ProviderError};

use super::{Failure, renew::application, way};
use crate::{
    Ctx, Error, Granted, Result, can,
    oauth_clients::{self, Held},
};

/// What signatures are for.
const STATE: &str = "vcs_connection.state";
const VERIFIER: &str = "vcs_connection.verifier";
/// Milliseconds in which somebody has signed in at the provider and agreed.
const PATIENCE: i64 = 30 * 60 * 1000;
/// Characters that make each attempt another.
const NONCE: usize = 22;

/// Where to send the browser of this session.
///
/// # Errors
/// Conflict, if the provider has no such way or does not know this server yet.
pub fn begin(cx: &Ctx, held: &Granted<can::ManageVcsSettings, Held>, session: &str) -> Result<Url> {
    let provider = oauth_clients::provider_of(&held.row)?;
    let nonce = crypto::random_secret(NONCE);
    let payload = format!("{} {} {}", held.id, crypto::hash_token(session), nonce.expose_secret());
    let state = cx.signer().sign(STATE, &payload, cx.now().0 + PATIENCE);
    let app = application(cx, &held.row, provider)?;
    let url = app.authorize(&state, &verifier(cx, &state));
    url.map_err(|error| Failure::from(error).into())
}

/// The browser has come back: the code becomes the connection's token, in the place of the one that it had, so that
/// workspaces stay connected.
///
/// # Errors
/// BadRequest for an answer that belongs to no attempt of this session; Conflict with what the provider says.
pub async fn finish(
    cx: &Ctx,
    held: &Granted<can::ManageVcsSettings, Held>,
    session: &str,
    state: &str,
    code: &str,
) -> Result<()> {
    let foreign = || {
        let why = "This answer belongs to no attempt to connect in this browser, or comes too late. \
                   Begin again.";
        Error::BadRequest(why.into())
    };
    let payload = cx.signer().verify(STATE, state, cx.now().0).map_err(|_| foreign())?;
    let ours = format!("{} {} ", held.id, crypto::hash_token(session));
    if !payload.starts_with(&ours) || code.is_empty() {
        return Err(foreign());
    }
    let provider = oauth_clients::provider_of(&held.row)?;
    let app = application(cx, &held.row, provider)?;
    let http: Arc<dyn Http> = way(cx);
    let given = app.exchange(http, code, &verifier(cx, state)).await;
    let given = given.map_err(|error| Error::from(Failure::from(known(error))))?;
    let tx = cx.write().await?;
    oauth_clients::set(&tx, &held.row, |row| {
        row.refresh_token = None;
        row.service_provider_user = None;
        oauth_clients::set_given(cx, &given, row);
        Ok(())
    })
    .await?;
    tx.commit().await
}

/// What somebody does not know who only saw the address (RFC 7636).
fn verifier(cx: &Ctx, state: &str) -> Pkce {
    let signed = cx.signer().sign(VERIFIER, &crypto::hash_token(state), 0);
    let signature = signed.rsplit('.').next().unwrap_or_default().to_owned();
    Pkce { verifier: SecretString::from(signature) }
}

/// An application whose secret is wrong is nobody whose token has ended.
fn known(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Revoked => {
            ProviderError::Refused("it does not know the key and the secret".into())
        }
        other => other,
    }
}
