//! Who looks at a page: somebody signed in, known by the cookie of the session, or anybody.

use std::fmt;

use axum::{
    extract::FromRequestParts,
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use domain::{
    App, Ctx, Granted,
    access::Permission,
    accounts::{self, ExposeSecret},
    archivist::{self, Content},
    organizations,
    row::Organization,
};
use http::{
    Extensions, HeaderMap, HeaderName, Method,
    header::{COOKIE, SET_COOKIE},
    request::Parts,
};
use url::form_urlencoded;

use crate::failure::Failure;

/// Somebody who is signed in; others are sent to the sign-in page and come back.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub cx: Ctx,
    session: String,
    theme: Option<Theme>,
}

impl SignedIn {
    pub fn username(&self) -> &str {
        self.cx.actor().person().map_or("", |person| &person.username)
    }

    /// Those that they are in, by name.
    pub fn organizations(&self) -> Vec<&str> {
        self.cx.actor().organization_names()
    }

    /// An organization, where a page wants another right to it than the form that was sent to it.
    pub async fn organization<P: Permission<On = Organization>>(
        &self,
        name: &str,
    ) -> domain::Result<Granted<P>> {
        self.cx.check(organizations::find(&self.cx, name).await?)
    }

    /// What every form of this person carries.
    pub fn form_token(&self) -> String {
        accounts::form_token(&self.session)
    }

    /// Where a blob is read, on whatever name the server was reached by: pages read from their own origin only.
    pub fn blob(&self, content: Content, id: impl fmt::Display) -> String {
        let address = archivist::address(&self.cx, content, id);
        let own = address.strip_prefix(&self.cx.settings().public_url).map(str::to_owned);
        own.unwrap_or(address)
    }

    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    /// Nothing where pages look as the system does.
    pub fn theme(&self) -> Option<Theme> {
        self.theme
    }

    /// The same person, with what holds now.
    ///
    /// # Errors
    /// Unauthorized once the session has ended.
    pub async fn again(&self) -> domain::Result<Self> {
        let by = accounts::Use::ByItself;
        let cx = accounts::person_by_session(self.cx.app(), &self.session, by).await?;
        let cx = accounts::let_in(cx, self.cx.origin().clone()).await?;
        Ok(Self { cx, session: self.session.clone(), theme: self.theme })
    }

    /// By the session's cookie, if it is good.
    pub async fn find(headers: &HeaderMap, app: &App) -> domain::Result<Option<Self>> {
        let Some(session) = cookie(headers, &session_cookie(app)) else { return Ok(None) };
        match accounts::person_by_session(app, &session, used(headers)).await {
            Ok(cx) => {
                let theme = theme_of(headers, app);
                Ok(Some(Self { cx, session, theme }))
            }
            Err(domain::Error::Unauthorized) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        match Self::find(&parts.headers, app).await {
            // Remembered, so that a form need not ask again who sends it.
            Ok(Some(mut signed_in)) => {
                let origin = entrance::origin_of(app, &parts.headers, &parts.extensions);
                let let_in = accounts::let_in(signed_in.cx, origin).await;
                signed_in.cx = let_in.map_err(|error| Failure::from(error).into_response())?;
                parts.extensions.insert(signed_in.clone());
                Ok(signed_in)
            }
            Ok(None) => Err(to_sign_in(parts).into_response()),
            Err(error) => Err(Failure::from(error).into_response()),
        }
    }
}

/// Pages that read parts of themselves anew say nothing about whoever left them open.
fn used(headers: &HeaderMap) -> accounts::Use {
    match headers.get("sec-fetch-mode").and_then(|mode| mode.to_str().ok()) {
        Some("cors" | "same-origin" | "no-cors") => accounts::Use::ByItself,
        _ => accounts::Use::ByPerson,
    }
}

/// What the browser's cookie says to be a session.
pub fn session_of(headers: &HeaderMap, app: &App) -> Option<String> {
    cookie(headers, &session_cookie(app))
}

/// Only a page can be come back to.
fn to_sign_in(parts: &Parts) -> Redirect {
    if parts.method == Method::GET {
        let here = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("return_to", here).finish();
        Redirect::to(&format!("/session/new?{query}"))
    } else {
        Redirect::to("/session/new")
    }
}

/// Anybody, with a cookie that the forms shown are bound to.
#[derive(Debug)]
pub struct Anybody {
    pub app: App,
    form_cookie: String,
}

impl Anybody {
    pub fn form_token(&self) -> String {
        accounts::form_token(&self.form_cookie)
    }

    /// To be sent with every page that has a form for those who are not signed in.
    pub fn remember(&self) -> AppendHeaders<[(HeaderName, String); 1]> {
        let name = form_cookie(&self.app);
        let hour = 60 * 60;
        AppendHeaders([(SET_COOKIE, set_cookie(&self.app, &name, &self.form_cookie, hour))])
    }
}

impl FromRequestParts<App> for Anybody {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let form_cookie = cookie(&parts.headers, &form_cookie(app))
            .unwrap_or_else(|| accounts::fresh_cookie().expose_secret().to_owned());
        Ok(Self { app: app.clone(), form_cookie })
    }
}

/// `__Host-` cookies cannot be set by other hosts or without TLS; without TLS, browsers refuse them.
fn cookie_name(app: &App, name: &str) -> String {
    if is_https(app) { format!("__Host-{name}") } else { name.to_owned() }
}

fn is_https(app: &App) -> bool {
    app.settings().public_url.starts_with("https://")
}

fn session_cookie(app: &App) -> String {
    cookie_name(app, "statehouse-session")
}

fn known_cookie(app: &App) -> String {
    cookie_name(app, "statehouse-known")
}

fn form_cookie(app: &App) -> String {
    cookie_name(app, "statehouse-form")
}

/// Light or dark, whatever the system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub fn named(name: &str) -> Option<Self> {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

fn theme_cookie(app: &App) -> String {
    cookie_name(app, "statehouse-theme")
}

fn theme_of(headers: &HeaderMap, app: &App) -> Option<Theme> {
    let name = theme_cookie(app);
    values(headers, &name).find_map(Theme::named)
}

/// Lets the browser say from now on how pages are to look; nothing is as the system says.
pub fn remember_theme(app: &App, theme: Option<Theme>) -> AppendHeaders<[(HeaderName, String); 1]> {
    let year = 365 * 24 * 60 * 60;
    let seconds = if theme.is_some() { year } else { 0 };
    let value = theme.map_or("", Theme::as_str);
    AppendHeaders([(SET_COOKIE, set_cookie(app, &theme_cookie(app), value, seconds))])
}

/// The values of the cookies of that name.
fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The value of the one cookie of that name; of two, neither is trusted.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut found = values(headers, name).filter(|value| is_plain(value)).map(str::to_owned);
    let value = found.next()?;
    found.next().is_none().then_some(value)
}

/// Ours are letters, digits and what signatures need; others are not sent back in a header.
fn is_plain(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (20..=400).contains(&value.len()) && value.bytes().all(plain)
}

fn set_cookie(app: &App, name: &str, value: &str, seconds: i64) -> String {
    let secure = if is_https(app) { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// Starts a session in the browser.
pub fn begin(
    app: &App,
    session: &accounts::SecretString,
) -> AppendHeaders<[(HeaderName, String); 1]> {
    let lifetime = accounts::SESSION_LIFETIME_SECONDS;
    let cookie = set_cookie(app, &session_cookie(app), session.expose_secret(), lifetime);
    AppendHeaders([(SET_COOKIE, cookie)])
}

/// Lets the browser be known the next time that somebody signs in there.
pub fn know(
    app: &App,
    browser: &accounts::SecretString,
) -> AppendHeaders<[(HeaderName, String); 1]> {
    let name = known_cookie(app);
    let lifetime = accounts::KNOWN_BROWSER_SECONDS;
    AppendHeaders([(SET_COOKIE, set_cookie(app, &name, browser.expose_secret(), lifetime))])
}

/// Where a password comes from.
pub fn origin(app: &App, headers: &HeaderMap, extensions: &Extensions) -> accounts::Origin {
    accounts::Origin {
        address: entrance::client_of(app, headers, extensions),
        known_browser: cookie(headers, &known_cookie(app)),
    }
}

/// Ends it.
pub fn end(app: &App) -> AppendHeaders<[(HeaderName, String); 1]> {
    AppendHeaders([(SET_COOKIE, set_cookie(app, &session_cookie(app), "", 0))])
}

/// Whether a form was made for the bearer of this request's form cookie.
pub(crate) fn form_cookie_matches(headers: &HeaderMap, app: &App, token: &str) -> bool {
    cookie(headers, &form_cookie(app))
        .is_some_and(|cookie| accounts::form_token_matches(&cookie, token))
}
