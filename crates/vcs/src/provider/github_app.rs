//! A GitHub App: it signs in as itself by its key, and as one of its installations by a token that it is given.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use http::header::ACCEPT;
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};
use rustls::sign::Signer;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::api::{Api, Http, number};
use super::{Credential, Cursor, Page, ProviderError, Result};

/// Seconds by which a clock may be ahead of GitHub's, and for which a signature is good: at most ten minutes.
const AHEAD: i64 = 60;
const GOOD_FOR: i64 = 540;

#[derive(Clone, Debug)]
pub struct GithubApp {
    pub api_url: Url,
    pub app_id: String,
    /// PEM, as GitHub hands it out.
    pub private_key: SecretString,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    pub id: String,
    /// The organization or user that has installed it.
    pub account: String,
    /// `Organization` or `User`.
    pub kind: Option<String>,
    pub icon_url: Option<String>,
    /// Where its owner looks after it.
    pub url: Option<String>,
    pub is_suspended: bool,
}

#[derive(Deserialize)]
struct Listed {
    id: u64,
    account: Account,
    html_url: Option<String>,
    suspended_at: Option<String>,
}

#[derive(Deserialize)]
struct Account {
    login: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    avatar_url: Option<String>,
}

#[derive(Deserialize)]
struct Made {
    token: String,
}

impl GithubApp {
    /// Who has installed the app. `now` are seconds since 1970.
    pub async fn installations(
        &self,
        http: Arc<dyn Http>,
        now: i64,
        from: Option<&Cursor>,
    ) -> Result<Page<Installation>> {
        let api = self.api(http, now)?;
        let page = number(from).to_string();
        let url = api.url(&["app", "installations"], &[("per_page", "100"), ("page", &page)]);
        let answer = api.send(Method::GET, url, None).await?;
        let listed: Vec<Listed> = answer.json()?;
        Page::read(listed, answer.next_number(from), |listed| {
            Ok(Installation {
                id: listed.id.to_string(),
                account: listed.account.login,
                kind: listed.account.kind,
                icon_url: listed.account.avatar_url,
                url: listed.html_url,
                is_suspended: listed.suspended_at.is_some(),
            })
        })
    }

    /// A token of an installation, good for an hour.
    ///
    /// # Errors
    /// [`ProviderError::Gone`] for one that is not there any more.
    pub async fn token(&self, http: Arc<dyn Http>, now: i64, id: &str) -> Result<SecretString> {
        let api = self.api(http, now)?;
        let url = api.url(&["app", "installations", id, "access_tokens"], &[]);
        let made: Made = api.post(url, json!({})).await?;
        Ok(made.token.into())
    }

    /// Whether GitHub could have handed it out.
    ///
    /// # Errors
    /// [`ProviderError::Setting`].
    pub fn check_key(private_key: &SecretString) -> Result<()> {
        signer(private_key).map(drop)
    }

    fn api(&self, http: Arc<dyn Http>, now: i64) -> Result<Api> {
        let credential = Credential::Token(self.signed(now)?);
        Ok(Api::new(&self.api_url, &credential, http).with(ACCEPT, "application/vnd.github+json"))
    }

    /// A JSON web token (RS256).
    fn signed(&self, now: i64) -> Result<SecretString> {
        let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = encode(json!({"alg": "RS256", "typ": "JWT"}));
        let claims = encode(json!({"iss": self.app_id, "iat": now - AHEAD, "exp": now + GOOD_FOR}));
        let text = format!("{head}.{claims}");
        let signature = signer(&self.private_key)?.sign(text.as_bytes()).map_err(|_| wrong())?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }
}

fn wrong() -> ProviderError {
    ProviderError::Setting("the private key of the GitHub App cannot be read".into())
}

fn signer(private_key: &SecretString) -> Result<Box<dyn Signer>> {
    let key = PrivateKeyDer::from_pem_slice(private_key.expose_secret().as_bytes());
    let key = any_supported_type(&key.map_err(|_| wrong())?).map_err(|_| wrong())?;
    key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or_else(wrong)
}
