//! Who gets in. A handler's first argument is one of these, or it cannot be registered.

use std::{marker::PhantomData, ops::Deref};

use axum::extract::FromRequestParts;
use domain::{
    App, Ctx, Found, Granted,
    access::{Permission, Within},
    accounts, can, rate_limit,
};
use entrance::{Guard, Located};
use http::{header::AUTHORIZATION, request::Parts};

use crate::{Failure, Result, limits};

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
        let granted = entrance::admit(&cx, parts).await?;
        Ok(Self { granted, cx })
    }
}

/// `Named<can::X>` in a handler's arguments: for what the document or the query names and not the path. It lets in whoever
/// may do `Base` to what the path names, which without one is whoever has a token, and gives proofs of X alone.
pub struct Named<P: Permission, T = <P as Permission>::On, Base: Permission = can::UseToken> {
    pub base: Granted<Base>,
    pub cx: Ctx,
    proofs: PhantomData<fn() -> (P, T)>,
}

impl<P: Permission, T: Within<P::On>, Base: Permission> Named<P, T, Base> {
    /// What was named, if the caller may.
    ///
    /// # Errors
    /// As [`Ctx::check`].
    pub fn check(&self, found: Found<T>) -> domain::Result<Granted<P, T>> {
        self.cx.check(found)
    }
}

impl<P, T, Base> FromRequestParts<App> for Named<P, T, Base>
where
    P: Permission,
    Base: Permission,
    Base::On: Located + Within<Base::On>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let May { granted, cx } = May::<Base>::from_request_parts(parts, app).await?;
        Ok(Self { base: granted, cx, proofs: PhantomData })
    }
}

/// Open to all: health, discovery, sign-in, and addresses that carry their own secret.
pub struct Anyone {
    pub cx: Ctx,
}

impl FromRequestParts<App> for Anyone {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let origin = entrance::origin_of(app, &parts.headers, &parts.extensions);
        Ok(Self { cx: app.anyone_from(origin) })
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
    let origin = entrance::origin_of(app, &parts.headers, &parts.extensions);
    match accounts::authenticate(app, token).await {
        Ok(cx) => {
            limits::admit(parts, rate_limit::count(&cx).await?)?;
            Ok(accounts::let_in(cx, origin).await?)
        }
        Err(domain::Error::Unauthorized) => {
            limits::admit(parts, rate_limit::count_stranger(app, origin.address).await?)?;
            Err(domain::Error::Unauthorized.into())
        }
        Err(other) => Err(other.into()),
    }
}

impl<P: Permission, T> Guard for May<P, T> {
    fn name() -> &'static str {
        P::NAME
    }
}

impl<P: Permission, T, Base: Permission> Guard for Named<P, T, Base> {
    fn name() -> &'static str {
        P::NAME
    }
}

impl Guard for Anyone {
    fn name() -> &'static str {
        "Anyone"
    }
}
