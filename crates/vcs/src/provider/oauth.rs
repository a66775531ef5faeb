//! The browser's way to a token: where people are sent to agree, and what their answer is exchanged for.

use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::api::{Api, Http, basic};
use super::{Credential, ProviderError, Result};
use crate::{Family, ServiceProvider};

/// Of Azure DevOps, in Entra's words; with a token to renew it.
const AZURE_SCOPE: &str = "499b84ac-1321-427f-aa17-267ca6975798/.default offline_access";

/// What an operator has registered at the provider.
#[derive(Clone, Debug)]
pub struct OauthApp {
    pub provider: ServiceProvider,
    /// Where people go; of Azure DevOps `https://login.microsoftonline.com/TENANT`.
    pub http_url: Url,
    pub client_id: String,
    pub client_secret: SecretString,
    /// Where they come back to.
    pub redirect_uri: String,
}

/// A secret that shows that whoever exchanges a code is the one who has asked for it (RFC 7636).
#[derive(Clone, Debug)]
pub struct Pkce {
    pub verifier: SecretString,
}

#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: SecretString,
    /// Good for one use at most providers: keep the new one before the old one is forgotten.
    pub refresh: Option<SecretString>,
    /// `None`: until somebody takes it back.
    pub expires_in: Option<Duration>,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
    /// GitHub answers with this and status 200.
    error: Option<String>,
    error_description: Option<String>,
}

impl Pkce {
    /// From random bytes.
    pub fn new(random: &[u8; 32]) -> Self {
        Self { verifier: URL_SAFE_NO_PAD.encode(random).into() }
    }

    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose_secret()))
    }
}

impl OauthApp {
    /// Where to send somebody's browser. `state` is a secret of their session, by which the answer is known to be theirs.
    ///
    /// # Errors
    /// [`ProviderError::Unsupported`] where there is no such way: connect by a token there.
    pub fn authorize(&self, state: &str, pkce: &Pkce) -> Result<Url> {
        let family = self.provider.family();
        let mut url = self.at(match family {
            Family::Github | Family::Gitea => &["login", "oauth", "authorize"],
            Family::Gitlab => &["oauth", "authorize"],
            Family::BitbucketCloud => &["site", "oauth2", "authorize"],
            Family::Azure if self.provider == ServiceProvider::AdoServices => {
                &["oauth2", "v2.0", "authorize"]
            }
            _ => return Err(ProviderError::Unsupported(self.provider.as_str())),
        });
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("client_id", self.client_id.as_str())
                .append_pair("response_type", "code")
                .append_pair("redirect_uri", &self.redirect_uri)
                .append_pair("state", state);
            if let Some(scope) = scope_of(family) {
                query.append_pair("scope", scope);
            }
            if knows_pkce(family) {
                query
                    .append_pair("code_challenge", &pkce.challenge())
                    .append_pair("code_challenge_method", "S256");
            }
        }
        Ok(url)
    }

    /// The tokens for the code with which a browser came back.
    ///
    /// # Errors
    /// [`ProviderError::Refused`] for a code that is not good (any more).
    pub async fn exchange(&self, http: Arc<dyn Http>, code: &str, pkce: &Pkce) -> Result<Tokens> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri.as_str()),
        ];
        if knows_pkce(self.provider.family()) {
            form.push(("code_verifier", pkce.verifier.expose_secret()));
        }
        self.ask(http, form).await
    }

    /// New tokens for an old one. To be called under a lock: the old one may be good once.
    ///
    /// # Errors
    /// [`ProviderError::Revoked`] if it is not good any more.
    pub async fn refresh(&self, http: Arc<dyn Http>, token: &SecretString) -> Result<Tokens> {
        let form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose_secret()),
            ("redirect_uri", self.redirect_uri.as_str()),
        ];
        match self.ask(http, form).await {
            Err(ProviderError::Refused(_)) => Err(ProviderError::Revoked),
            answer => answer,
        }
    }

    async fn ask<'a>(
        &'a self,
        http: Arc<dyn Http>,
        mut form: Vec<(&'a str, &'a str)>,
    ) -> Result<Tokens> {
        let family = self.provider.family();
        let mut api = Api::new(&self.http_url, &Credential::None, http);
        if family == Family::BitbucketCloud {
            api = api.with_secret(AUTHORIZATION, &basic(&self.client_id, &self.client_secret));
        } else {
            form.push(("client_id", self.client_id.as_str()));
            form.push(("client_secret", self.client_secret.expose_secret()));
        }
        let url = self.at(match family {
            Family::Github | Family::Gitea => &["login", "oauth", "access_token"],
            Family::Gitlab => &["oauth", "token"],
            Family::BitbucketCloud => &["site", "oauth2", "access_token"],
            Family::Azure => &["oauth2", "v2.0", "token"],
            _ => return Err(ProviderError::Unsupported(self.provider.as_str())),
        });
        let answer: Answer = api.send_form(url, &form).await?.json()?;
        if let Some(error) = answer.error {
            return Err(ProviderError::Refused(answer.error_description.unwrap_or(error)));
        }
        let access = answer.access_token;
        let access = access.ok_or_else(|| ProviderError::Unreadable("there is no token".into()))?;
        let expires_in = answer.expires_in.filter(|seconds| *seconds > 0).map(Duration::from_secs);
        let refresh = answer.refresh_token.map(SecretString::from);
        Ok(Tokens { access: access.into(), refresh, expires_in })
    }

    fn at(&self, parts: &[&str]) -> Url {
        let mut url = self.http_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }
}

fn scope_of(family: Family) -> Option<&'static str> {
    match family {
        Family::Github => Some("repo admin:repo_hook"),
        Family::Gitlab => Some("api"),
        Family::Gitea => Some("read:user write:repository"),
        Family::Azure => Some(AZURE_SCOPE),
        // It stands with the consumer.
        Family::BitbucketCloud | Family::BitbucketDataCenter | Family::Git => None,
    }
}

fn knows_pkce(family: Family) -> bool {
    matches!(family, Family::Github | Family::Gitlab | Family::Gitea | Family::Azure)
}
