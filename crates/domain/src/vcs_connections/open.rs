//! A connection, opened.

use std::sync::Arc;

use url::Url;
use vcs::{
    Family, ServiceProvider,
    git::{Access, Address, SshKey},
    provider::{Connection, Provider, ProviderError},
};

use super::{Failure, Link, installation, renew, way};
use crate::{Ctx, Error, oauth_clients, row::OauthToken};

/// A provider that is ready to be asked, and what opens its repositories. It is good for a while: open it again for the
/// next piece of work.
#[derive(Clone, Debug)]
pub struct Connected {
    pub link: Link,
    pub service_provider: ServiceProvider,
    pub connection: Connection,
    pub provider: Arc<dyn Provider>,
    pub ssh_key: Option<SshKey>,
    /// What is told of it now.
    pub(super) trouble: Option<String>,
    /// By what a better token could be had.
    pub(super) token: Option<OauthToken>,
}

impl Connected {
    /// What opens this address: the key by ssh, the token by https, where it is on the provider's own server.
    pub fn access(&self, address: &Address) -> Access {
        if address.scheme() == "ssh" {
            return self.ssh_key.clone().map_or(Access::None, Access::Ssh);
        }
        let is_own = |url: &Url| {
            url.scheme() == address.scheme()
                && url.host_str() == Some(address.host())
                && url.port_or_known_default() == Some(address.port())
        };
        if is_own(&self.connection.http_url) || is_own(&self.connection.api_url) {
            self.connection.access()
        } else {
            Access::None
        }
    }
}

/// Opens a connection; a token that ends soon is renewed before.
///
/// # Errors
/// [`Failure::Gone`], and the provider's where a token could not be renewed.
pub async fn open(cx: &Ctx, link: &Link) -> Result<Connected, Failure> {
    open_after(cx, link, None).await
}

/// The same; with a token that the provider has just refused another one is got in any case.
pub(super) async fn open_after(
    cx: &Ctx,
    link: &Link,
    refused: Option<&OauthToken>,
) -> Result<Connected, Failure> {
    let id = match link {
        Link::Token(id) => id,
        Link::Installation(id) => return Box::pin(installation::open(cx, id)).await,
    };
    let token = oauth_clients::token_by_id(cx, id).await?.ok_or(Failure::Gone)?;
    let client = oauth_clients::by_id(cx, &token.oauth_client_id).await?.ok_or(Failure::Gone)?;
    let provider = oauth_clients::provider_of(&client)?;
    // Most of what a future of a question holds.
    let token = Box::pin(renew::good(cx, &client, provider, token, refused)).await?;
    let url = |text: &str| {
        let wrong = |_| ProviderError::Setting(format!("{text} is no address"));
        Url::parse(text).map_err(wrong)
    };
    let connection = Connection {
        provider,
        http_url: url(&client.http_url)?,
        api_url: url(&client.api_url)?,
        credential: oauth_clients::open_token(cx, &token, provider)?,
    };
    Ok(Connected {
        link: link.clone(),
        service_provider: provider,
        provider: Arc::from(connection.open(way(cx))),
        connection,
        ssh_key: oauth_clients::open_ssh_key(cx, &token)?,
        trouble: token.trouble.clone(),
        token: Some(token),
    })
}

/// Plain git has nobody who could be asked.
pub(super) fn has_api(provider: ServiceProvider) -> bool {
    provider.family() != Family::Git
}

impl From<crypto::Error> for Failure {
    fn from(error: crypto::Error) -> Self {
        Self::House(Error::from(error))
    }
}
