//! What a connection may be: its addresses, and what this server shows at them.

use courier::check_url;
use db::id::ProjectId;
use secrecy::{ExposeSecret, SecretString};
use vcs::{Family, ServiceProvider, git::Address};

use crate::{Ctx, Error, Result, free_text, names, row::OauthClient};

/// Where secrets are sealed; part of what authenticates them.
pub(super) const SECRET: &str = "oauth_clients.secret";
/// Characters.
const TEXT_LIMIT: usize = 255;
/// Bytes.
const KEY_LIMIT: usize = 16 << 10;

/// What is said once.
#[derive(Debug, Default)]
pub struct New {
    pub service_provider: Option<String>,
    pub http_url: Option<String>,
    pub api_url: Option<String>,
    /// By which Azure DevOps Server gives its repositories.
    pub private_key: Option<SecretString>,
}

/// What can be given on create and changed later; absent fields keep their value, the list replaces what was there.
#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<Option<String>>,
    pub key: Option<Option<String>>,
    pub secret: Option<SecretString>,
    pub rsa_public_key: Option<Option<String>>,
    pub ado_entra_tenant_id: Option<Option<String>>,
    pub organization_scoped: Option<bool>,
    /// What was made by hand at the provider.
    pub token: Option<SecretString>,
    pub projects: Option<Vec<ProjectId>>,
}

impl Change {
    /// All but the token and the projects, which have rows of their own.
    pub(super) fn apply(
        self,
        cx: &Ctx,
        provider: ServiceProvider,
        to: &mut OauthClient,
    ) -> Result<()> {
        if let Some(name) = self.name {
            if let Some(name) = &name {
                names::check_change(
                    "name",
                    name,
                    to.name.as_deref().unwrap_or_default(),
                    TEXT_LIMIT,
                )?;
            }
            to.name = name;
        }
        if let Some(key) = self.key {
            let key = key.filter(|key| !key.is_empty());
            free_text::line("key", key.as_deref().unwrap_or_default(), TEXT_LIMIT)?;
            if key.is_none() && to.consumer_key.is_some() {
                let of = provider.display_name();
                let why = format!(
                    "The Consumer Key for {of} must be present. Please add a value for `key`."
                );
                return Err(Error::invalid("key", why));
            }
            to.consumer_key = key;
        }
        if let Some(secret) = self.secret {
            // Clients send an empty one along where they know none.
            if secret.expose_secret().len() > KEY_LIMIT {
                return Err(Error::invalid("secret", format!("has at most {KEY_LIMIT} bytes")));
            }
            if !secret.expose_secret().is_empty() {
                let sealed =
                    cx.keyring().seal(SECRET, to.id.as_str(), secret.expose_secret().as_bytes());
                to.secret = Some(sealed);
            }
        }
        if let Some(key) = self.rsa_public_key {
            let key = key.filter(|key| !key.trim().is_empty());
            if key.is_some() && provider.family() != Family::BitbucketDataCenter {
                return Err(Error::invalid("rsa-public-key", "is for Bitbucket Data Center only"));
            }
            if key.as_ref().is_some_and(|key| key.len() > KEY_LIMIT) {
                return Err(Error::invalid(
                    "rsa-public-key",
                    format!("has at most {KEY_LIMIT} bytes"),
                ));
            }
            to.rsa_public_key = key;
        }
        if let Some(tenant) = self.ado_entra_tenant_id {
            let tenant = tenant.filter(|tenant| !tenant.is_empty());
            if tenant.is_some() && provider != ServiceProvider::AdoServices {
                let why = "is for Azure DevOps Services only";
                return Err(Error::invalid("ado-entra-tenant-id", why));
            }
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            if tenant
                .as_ref()
                .is_some_and(|text| text.len() > TEXT_LIMIT || !text.chars().all(is_plain))
            {
                return Err(Error::invalid("ado-entra-tenant-id", "must be an id or a domain"));
            }
            to.ado_entra_tenant_id = tenant;
        }
        if let Some(scoped) = self.organization_scoped {
            to.organization_scoped = scoped;
        }
        Ok(())
    }
}

/// Where people go, and the API.
pub(super) fn addresses(
    provider: ServiceProvider,
    http_url: Option<String>,
    api_url: Option<String>,
) -> Result<(String, String)> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let home = provider.home();
    let http_url = given(http_url).or_else(|| home.map(|(http, _)| http.to_owned()));
    let http_url = http_url.ok_or_else(|| Error::invalid("http-url", "can't be blank"))?;
    if provider == ServiceProvider::Git {
        // The repository itself; there is no API.
        let address = Address::parse(&http_url).map_err(|error| {
            Error::invalid("http-url", format!("must be a repository: {error}"))
        })?;
        let address = address.as_str().to_owned();
        return Ok((address.clone(), address));
    }
    let api_url = given(api_url).unwrap_or_else(|| provider.api_below(&http_url));
    for (name, text) in [("http-url", &http_url), ("api-url", &api_url)] {
        let url = check_url(text).map_err(|error| Error::invalid(name, error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::invalid(name, "can't have a name or a password in it"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Error::invalid(name, "can't have a ? or a # in it"));
        }
    }
    Ok((http_url, api_url))
}
