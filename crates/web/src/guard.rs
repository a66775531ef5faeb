//! Who gets in. A handler's first argument is `May<can::…>` or `Anybody`, or it cannot be registered.

use std::{marker::PhantomData, ops::Deref};

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use domain::{
    App, Found, Granted,
    access::{Permission, Within},
};
use entrance::{Guard, Located};
use http::request::Parts;

use crate::{
    failure::Failure,
    visitor::{Anybody, SignedIn},
};

/// `May<can::X>` in a handler's arguments: what the path names, if the visitor may X it; otherwise 404. Those who are
/// not signed in do that first. `May<can::X, In<Run>>` checks the workspace that the run is in.
#[derive(Debug)]
pub struct May<P: Permission, T = <P as Permission>::On> {
    pub granted: Granted<P, T>,
    pub visitor: SignedIn,
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
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visitor = SignedIn::from_request_parts(parts, app).await?;
        let granted = entrance::admit(&visitor.cx, parts).await.map_err(|error| match error {
            // Somebody known is not let in: their organization asks for more.
            domain::Error::Unauthorized => Failure::ShutOut.into_response(),
            other => Failure::from(other).into_response(),
        })?;
        Ok(Self { granted, visitor })
    }
}

/// `Named<can::X, T, Base>` in a handler's arguments: for what the form names and not the path. It lets in whoever may do
/// `Base` to what the path names, and gives proofs of X alone.
pub struct Named<P: Permission, T, Base: Permission> {
    pub base: May<Base>,
    proofs: PhantomData<fn() -> (P, T)>,
}

impl<P: Permission, T: Within<P::On>, Base: Permission> Named<P, T, Base> {
    /// What was named, if the visitor may.
    ///
    /// # Errors
    /// As [`domain::Ctx::check`].
    pub fn check(&self, found: Found<T>) -> domain::Result<Granted<P, T>> {
        self.base.visitor.cx.check(found)
    }
}

impl<P, T, Base> FromRequestParts<App> for Named<P, T, Base>
where
    P: Permission,
    Base: Permission,
    Base::On: Located + Within<Base::On>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let base = May::from_request_parts(parts, app).await?;
        Ok(Self { base, proofs: PhantomData })
    }
}

impl<P: Permission, T, Base: Permission> Guard for Named<P, T, Base> {
    fn name() -> &'static str {
        P::NAME
    }
}

impl<P: Permission, T> Guard for May<P, T> {
    fn name() -> &'static str {
        P::NAME
    }
}

impl Guard for Anybody {
    fn name() -> &'static str {
        "Anyone"
    }
}
