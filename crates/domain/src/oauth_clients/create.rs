//! Making a connection.

use db::id::OauthClientId;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use vcs::{Family, ServiceProvider};

use super::{Change, New, change::addresses, projects, subject, tokens};
use crate::{Ctx, Error, Granted, Happened, Result, can, row::OauthClient};

/// Makes one in an organization, with its token if one is given. The provider is not asked: what it says of the token is
/// told on the connection a moment later.
///
/// # Errors
/// Invalid without a provider or its address, and with nothing by which it could be connected.
pub async fn create(
    cx: &Ctx,
    organization: &Granted<can::ManageVcsSettings>,
    new: New,
    mut change: Change,
) -> Result<OauthClient> {
    let provider = provider(new.service_provider.as_deref())?;
    let (http_url, api_url) = addresses(provider, new.http_url, new.api_url)?;
    let private_key = new.private_key.filter(|key| !key.expose_secret().trim().is_empty());
    if private_key.is_some() && provider != ServiceProvider::AdoServer {
        // As HashiCorp's clients have it; elsewhere a token is given its key.
        return Err(Error::invalid("private-key", "is for Azure DevOps Server only"));
    }
    let mut token = change.token.take();
    if provider == ServiceProvider::Git && token.is_none() {
        // Open to all, or by a key that its token is given.
        token = Some(SecretString::default());
    }
    if token.is_none() {
        has_way(provider, &change)?;
    }
    let projects = projects::known(cx, &organization.name, change.projects.take()).await?;
    let tx = cx.write().await?;
    let mut row = OauthClient {
        id: OauthClientId::fresh(),
        organization_name: organization.name.clone(),
        name: None,
        service_provider: provider.as_str().to_owned(),
        http_url,
        api_url,
        consumer_key: None,
        secret: None,
        rsa_public_key: None,
        ado_entra_tenant_id: None,
        uuid: crypto::uuid(),
        organization_scoped: true,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    change.apply(cx, provider, &mut row)?;
    let row = tx.insert(row).await?;
    projects::insert(&tx, &row.id, projects.unwrap_or_default()).await?;
    if let Some(token) = token {
        tokens::set_by_hand(&tx, &row, provider, &token, private_key).await?;
    } else if private_key.is_some() {
        let why = "can't be kept without an oauth-token-string";
        return Err(Error::invalid("private-key", why));
    }
    let detail = json!({ "name": row.name, "service_provider": row.service_provider });
    tx.emit(Happened::OauthClientCreated, subject(&row), detail).await?;
    tx.commit().await?;
    Ok(row)
}

fn provider(text: Option<&str>) -> Result<ServiceProvider> {
    let text = text.ok_or_else(|| Error::invalid("service-provider", "can't be blank"))?;
    text.parse().map_err(|_| {
        let all: Vec<_> = ServiceProvider::ALL.iter().map(|provider| provider.as_str()).collect();
        Error::invalid("service-provider", format!("must be one of: {}", all.join(", ")))
    })
}

/// Without a token somebody has to be able to connect it by their browser. Bitbucket Data Center is let off, as its
/// consumers are set up on both sides in turn.
fn has_way(provider: ServiceProvider, change: &Change) -> Result<()> {
    let has_secret = change.secret.as_ref().is_some_and(|text| !text.expose_secret().is_empty());
    let has_key = change.key.iter().flatten().any(|key| !key.is_empty());
    let is_right = provider.family() == Family::BitbucketDataCenter
        || (provider.has_browser_flow() && has_key && has_secret);
    if is_right {
        return Ok(());
    }
    let why = if provider.has_browser_flow() {
        "can't be blank, unless there are the key and the secret of an OAuth application"
    } else {
        "can't be blank"
    };
    Err(Error::invalid("oauth-token-string", why))
}
