//! The GitHub App that this site is, and the tokens by which it acts for those who have installed it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use db::{
    entity::{github_app_installation as installation, github_app_installation::Status},
    id::GithubAppInstallationId,
    sea_orm::EntityTrait,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use vcs::{
    ServiceProvider,
    provider::{Connection, Credential, GithubApp, ProviderError},
};

use super::{Connected, Failure, Link, ask, sentence, way};
use crate::{App, Ctx, Result, Timestamp, row::GithubAppInstallation, site_settings};

/// Seconds: GitHub's tokens are good for an hour.
const GOOD_FOR: i64 = 50 * 60;
/// Where GitHub.com is.
const GITHUB: (&str, &str) = ("https://github.com", "https://api.github.com");

/// What GitHub knows this site as.
#[derive(Debug)]
pub(crate) struct OwnApp {
    pub app: GithubApp,
    pub provider: ServiceProvider,
    http_url: Url,
    pub webhook_secret: SecretString,
}

/// `None` while nobody has made it one.
pub(crate) async fn own_app(app: &App) -> Result<Option<OwnApp>, Failure> {
    let now = site_settings::read(app).await?;
    if now.github_app_id.is_empty() || now.github_app_private_key.is_empty() {
        return Ok(None);
    }
    let wrong = |_| ProviderError::Setting("the address of GitHub is none".into());
    let address = |given: &str, known: &str| {
        Url::parse(if given.is_empty() { known } else { given }).map_err(wrong)
    };
    let given = now.github_app_http_url.as_str();
    let provider = if given.is_empty() || given.trim_end_matches('/') == GITHUB.0 {
        ServiceProvider::Github
    } else {
        ServiceProvider::GithubEnterprise
    };
    Ok(Some(OwnApp {
        provider,
        http_url: address(given, GITHUB.0)?,
        webhook_secret: now.github_app_webhook_secret.clone(),
        app: GithubApp {
            api_url: address(now.github_app_api_url.as_str(), GITHUB.1)?,
            app_id: now.github_app_id.clone(),
            private_key: now.github_app_private_key.pem(),
        },
    }))
}

/// Tokens of installations, in memory alone, for as long as they are good.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<HashMap<GithubAppInstallationId, (SecretString, Timestamp)>>);

impl Tokens {
    fn get(&self, id: &GithubAppInstallationId, now: Timestamp) -> Option<SecretString> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).filter(|(_, until)| *until > now).map(|(token, _)| token.clone())
    }

    fn keep(&self, id: &GithubAppInstallationId, token: SecretString, until: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), (token, until));
    }

    /// The provider does not take it.
    pub fn forget(&self, id: &GithubAppInstallationId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// What went wrong on the way to a token stands on the installation.
pub(super) async fn open(cx: &Ctx, id: &GithubAppInstallationId) -> Result<Connected, Failure> {
    let row = by_id(cx, id).await?.ok_or(Failure::Gone)?;
    let setting = |text: &str| ProviderError::Setting(text.to_owned());
    match row.status {
        Status::Active => {}
        Status::Suspended => return Err(setting("the GitHub App is suspended there").into()),
        Status::Removed => {
            return Err(setting("the GitHub App is not installed there any more").into());
        }
    }
    let own = own_app(cx).await?.ok_or_else(|| setting("this server is no GitHub App any more"))?;
    let token = match cx.installation_tokens().get(id, cx.now()) {
        Some(known) => known,
        None => match own.app.token(way(cx), cx.now().0 / 1000, &row.number.to_string()).await {
            Ok(token) => {
                let until = cx.now().plus_seconds(GOOD_FOR);
                cx.installation_tokens().keep(id, token.clone(), until);
                token
            }
            Err(error) => {
                let trouble = Some(sentence(&error.to_string()));
                ask::tell(cx, &Link::Installation(id.clone()), trouble).await?;
                return Err(error.into());
            }
        },
    };
    let connection = Connection {
        provider: own.provider,
        http_url: own.http_url,
        api_url: own.app.api_url,
        credential: Credential::Token(token),
    };
    Ok(Connected {
        link: Link::Installation(id.clone()),
        service_provider: own.provider,
        provider: Arc::from(connection.open(way(cx))),
        connection,
        ssh_key: None,
        trouble: row.trouble,
        token: None,
    })
}

pub(crate) async fn by_id(
    cx: &Ctx,
    id: &GithubAppInstallationId,
) -> Result<Option<GithubAppInstallation>> {
    Ok(installation::Entity::find_by_id(id.clone()).one(cx.read()).await?)
}

/// Whether a secret was given that signs webhooks.
pub(crate) fn has_webhook_secret(own: &OwnApp) -> bool {
    !own.webhook_secret.expose_secret().is_empty()
}
