//! The tokens of connections: how they are kept, and the keys that stand beside them.

use db::{
    entity::{oauth_token, repository},
    id::OauthTokenId,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use vcs::{
    Family, ServiceProvider,
    git::SshKey,
    provider::{Credential, Tokens},
};

use super::{HeldToken, Token, change::SECRET, subject_of_token};
use crate::{
    Ctx, Error, Granted, Happened, Result, Tx, can, free_text,
    row::{OauthClient, OauthToken},
};

/// Where they are sealed; part of what authenticates them.
const ACCESS: &str = "oauth_tokens.access_token";
const REFRESH: &str = "oauth_tokens.refresh_token";
const SSH_KEY: &str = "oauth_tokens.ssh_key";
/// Bytes; those of Entra are the longest.
const TOKEN_LIMIT: usize = 16 << 10;
const KNOWN_HOSTS_LIMIT: usize = 64 << 10;

/// The task that asks a provider who a token is.
pub(crate) const GREETING: &str = "vcs_connection";

/// What can be said of the keys beside a token; empty takes them away.
#[derive(Debug, Default)]
pub struct TokenChange {
    pub ssh_key: Option<SecretString>,
    /// Lines of `known_hosts`: nobody else is believed to be the host.
    pub ssh_known_hosts: Option<String>,
}

impl TokenChange {
    fn apply(self, cx: &Ctx, to: &mut OauthToken) -> Result<()> {
        if let Some(key) = self.ssh_key {
            if key.expose_secret().trim().is_empty() {
                to.ssh_key = None;
            } else {
                SshKey::check(&key).map_err(|why| {
                    Error::invalid("ssh-key", format!("Ssh key is invalid: {why}."))
                })?;
                let key = key.expose_secret().as_bytes();
                to.ssh_key = Some(cx.keyring().seal(SSH_KEY, to.id.as_str(), key));
            }
        }
        if let Some(hosts) = self.ssh_known_hosts {
            free_text::prose("ssh-known-hosts", &hosts, KNOWN_HOSTS_LIMIT)?;
            to.ssh_known_hosts = Some(hosts).filter(|hosts| !hosts.trim().is_empty());
        }
        Ok(())
    }
}

pub async fn update_token(
    cx: &Ctx,
    held: &Granted<can::ManageVcsSettings, HeldToken>,
    change: TokenChange,
) -> Result<Token> {
    let client = held.row.client.clone();
    let tx = cx.write().await?;
    let id = held.row.row.id.clone();
    let mut row = tx.lock::<oauth_token::Entity>(id).await?.ok_or(Error::NotFound)?;
    change.apply(cx, &mut row)?;
    row.updated_at = tx.now();
    let row = tx.update(row).await?;
    let detail = json!({ "has_ssh_key": row.ssh_key.is_some() });
    tx.emit(Happened::OauthTokenUpdated, subject_of_token(&row, &client), detail).await?;
    tx.commit().await?;
    Ok(Token { row, client })
}

/// What was made by hand, in place of what was there: workspaces stay connected.
pub(super) async fn set_by_hand(
    tx: &Tx,
    client: &OauthClient,
    provider: ServiceProvider,
    text: &SecretString,
    ssh_key: Option<SecretString>,
) -> Result<()> {
    let keys = TokenChange { ssh_key, ..TokenChange::default() };
    set(tx, client, |row| {
        set_personal(tx.cx(), provider, text, row)?;
        keys.apply(tx.cx(), row).map_err(|error| match error {
            // As it is called when a connection is made.
            Error::Invalid { message, .. } => Error::invalid("private-key", message),
            other => other,
        })
    })
    .await?;
    Ok(())
}

/// Sets the one token of a connection, or makes it. The provider is asked a moment later who it is.
pub(crate) async fn set(
    tx: &Tx,
    client: &OauthClient,
    change: impl FnOnce(&mut OauthToken) -> Result<()>,
) -> Result<OauthToken> {
    let known = oauth_token::Entity::find()
        .filter(oauth_token::Column::OauthClientId.eq(&client.id))
        .one(tx.db())
        .await?;
    let held = match known {
        Some(row) => tx.lock::<oauth_token::Entity>(row.id).await?,
        None => None,
    };
    let (row, happened) = if let Some(mut held) = held {
        change(&mut held)?;
        held.trouble = None;
        held.troubled_at = None;
        held.updated_at = tx.now();
        (tx.update(held).await?, Happened::OauthTokenUpdated)
    } else {
        let mut row = empty(tx, client);
        change(&mut row)?;
        (tx.insert(row).await?, Happened::OauthTokenCreated)
    };
    tx.later(GREETING, &row.id).await?;
    // What was missed while it was not let in is found by looking.
    repository::Entity::update_many()
        .col_expr(repository::Column::PollAt, Expr::value(tx.now()))
        .filter(repository::Column::Connection.eq(&row.id))
        .exec(tx.db())
        .await?;
    tx.emit(happened, subject_of_token(&row, client), json!({})).await?;
    Ok(row)
}

fn empty(tx: &Tx, client: &OauthClient) -> OauthToken {
    OauthToken {
        id: OauthTokenId::fresh(),
        oauth_client_id: client.id.clone(),
        service_provider_user: None,
        access_token: String::new(),
        is_personal: true,
        refresh_token: None,
        expires_at: None,
        renewing_until: None,
        ssh_key: None,
        ssh_known_hosts: None,
        trouble: None,
        troubled_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
    }
}

fn set_personal(
    cx: &Ctx,
    provider: ServiceProvider,
    text: &SecretString,
    to: &mut OauthToken,
) -> Result<()> {
    let text = text.expose_secret().trim();
    let refused = |why: &str| Err(Error::invalid("oauth-token-string", why));
    if text.is_empty() && provider != ServiceProvider::Git {
        return refused("can't be blank");
    }
    if text.len() > TOKEN_LIMIT || text.contains(char::is_control) {
        return refused("must be a token in one line");
    }
    if provider == ServiceProvider::Git && !text.is_empty() && !text.contains(':') {
        return refused("must be a name and a password, with a colon between them");
    }
    to.access_token = cx.keyring().seal(ACCESS, to.id.as_str(), text.as_bytes());
    to.is_personal = true;
    to.refresh_token = None;
    to.expires_at = None;
    to.renewing_until = None;
    to.service_provider_user = None;
    Ok(())
}

/// What the provider has given, in a browser's way or in return for an older one.
pub(crate) fn set_given(cx: &Ctx, given: &Tokens, to: &mut OauthToken) {
    let seal = |purpose, text: &SecretString| {
        cx.keyring().seal(purpose, to.id.as_str(), text.expose_secret().as_bytes())
    };
    let access = seal(ACCESS, &given.access);
    let refresh = given.refresh.as_ref().map(|token| seal(REFRESH, token));
    to.access_token = access;
    // Some providers go on with the old one.
    if refresh.is_some() || to.is_personal {
        to.refresh_token = refresh;
    }
    to.is_personal = false;
    to.renewing_until = None;
    to.expires_at = given.expires_in.map(|time| {
        cx.now().plus_seconds(i64::try_from(time.as_secs()).unwrap_or(i64::MAX / 2000))
    });
}

/// What is shown to the provider's API, and by https to `git`.
pub(crate) fn open_token(
    cx: &Ctx,
    row: &OauthToken,
    provider: ServiceProvider,
) -> Result<Credential> {
    let text = cx.keyring().open_text(ACCESS, row.id.as_str(), &row.access_token)?;
    if text.expose_secret().is_empty() {
        return Ok(Credential::None);
    }
    let pair = text.expose_secret().split_once(':').filter(|_| row.is_personal);
    Ok(match (provider.family(), pair) {
        (Family::Git | Family::BitbucketCloud, Some((user, password))) => {
            Credential::Basic { user: user.to_owned(), password: password.into() }
        }
        (Family::Azure, _) if row.is_personal => Credential::Personal(text),
        _ => Credential::Token(text),
    })
}

/// What renews it.
pub(crate) fn open_refresh(cx: &Ctx, row: &OauthToken) -> Result<Option<SecretString>> {
    let sealed = row.refresh_token.as_ref();
    let open = |sealed: &String| cx.keyring().open_text(REFRESH, row.id.as_str(), sealed);
    Ok(sealed.map(open).transpose()?)
}

/// What opens its repositories by ssh.
pub(crate) fn open_ssh_key(cx: &Ctx, row: &OauthToken) -> Result<Option<SshKey>> {
    let Some(sealed) = &row.ssh_key else { return Ok(None) };
    Ok(Some(SshKey {
        private_key: cx.keyring().open_text(SSH_KEY, row.id.as_str(), sealed)?,
        known_hosts: row.ssh_known_hosts.clone().unwrap_or_default(),
    }))
}

/// The secret of the application that the provider knows.
pub(crate) fn open_secret(cx: &Ctx, row: &OauthClient) -> Result<Option<SecretString>> {
    let open = |sealed: &String| cx.keyring().open_text(SECRET, row.id.as_str(), sealed);
    Ok(row.secret.as_ref().map(open).transpose()?)
}
