//! Who gets in. A handler's first argument is `May<can::…>` or `Anybody`, or it cannot be registered.

use std::ops::Deref;

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use domain::{
    App, Granted,
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
        let granted = entrance::admit(&visitor.cx, parts)
            .await
            .map_err(|error| Failure::from(error).into_response())?;
        Ok(Self { granted, visitor })
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
