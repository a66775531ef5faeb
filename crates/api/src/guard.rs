//! Who gets in. A handler's first argument is one of these, or it cannot be registered.

use std::{collections::HashMap, ops::Deref};

use axum::extract::{FromRequestParts, RawPathParams};
use domain::{
    App, Ctx, Granted,
    access::{Permission, Within},
};
use http::{header::AUTHORIZATION, request::Parts};

use crate::{Failure, Result, locate::Located};

/// `May<can::X>` in a handler's arguments: what the path names, if the caller may X it; otherwise 404, or 401
/// without a token. `May<can::X, In<Run>>` checks the workspace that the run is in.
pub struct May<P: Permission, T = <P as Permission>::On> {
    pub granted: Granted<P, T>,
    pub cx: Ctx,
}

impl<P: Permission, T> Deref for May<P, T> {
    type Target = Granted<P, T>;
    fn deref(&self) -> &Granted<P, T> {
        &self.granted
    }
}

impl<P, T> FromRequestParts<App> for May<P, T>
where
    P: Permission,
    T: Located + Within<P::On>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let cx = caller(parts, app).await?;
        let path = Path::of(parts).await?;
        let granted = cx.check::<P, T>(T::locate(&cx, &path).await?)?;
        Ok(Self { granted, cx })
    }
}

/// Open to all: health, discovery, sign-in, and addresses that carry their own secret.
pub struct Anyone {
    pub cx: Ctx,
}

impl FromRequestParts<App> for Anyone {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self { cx: app.anyone() })
    }
}

/// The caller by the bearer token.
async fn caller(parts: &Parts, app: &App) -> Result<Ctx> {
    let token = parts
        .headers
        .get(AUTHORIZATION)
        .and_then(|header| header.to_str().ok())
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(domain::Error::Unauthorized)?;
    let cx = domain::accounts::authenticate(app, token).await?;
    domain::rate_limit::admit(&cx).await?;
    Ok(cx)
}

/// The named parts of a request's path.
pub struct Path(HashMap<String, String>);

impl Path {
    async fn of(parts: &mut Parts) -> domain::Result<Self> {
        let params = RawPathParams::from_request_parts(parts, &()).await;
        let params: HashMap<_, _> = params.map_or_else(
            |_| HashMap::new(),
            |params| params.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        );
        // Nothing is called so, and PostgreSQL would not even look.
        if params.values().any(|value| value.contains('\0')) {
            return Err(domain::Error::NotFound);
        }
        Ok(Self(params))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A part by name; absent is like not found.
    pub fn text(&self, name: &str) -> domain::Result<&str> {
        self.get(name).ok_or(domain::Error::NotFound)
    }

    /// An id by name; one of a wrong form is like one that nobody has.
    pub fn id<T: std::str::FromStr>(&self, name: &str) -> domain::Result<T> {
        self.text(name)?.parse().map_err(|_| domain::Error::NotFound)
    }
}

/// Says who may call, for the route table.
#[diagnostic::on_unimplemented(
    message = "the first argument of a handler must say who may call it: `May<can::…>` or `Anyone`",
    label = "not a guard"
)]
pub trait Guard {
    fn name() -> &'static str;
}

impl<P: Permission, T> Guard for May<P, T> {
    fn name() -> &'static str {
        P::NAME
    }
}

impl Guard for Anyone {
    fn name() -> &'static str {
        "Anyone"
    }
}
