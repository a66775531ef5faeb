//! What answers say about the rate limit: `X-RateLimit-Limit`, `-Remaining` and `-Reset`, where administrators set one.

use std::sync::{Arc, OnceLock};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{
    App,
    rate_limit::{self, Standing},
};
use http::{HeaderValue, header::AUTHORIZATION, request::Parts};

use crate::{Failure, Result};

/// Below this, Terraform's command line divides what it is told to nothing and never asks again (CLI protocol 3.1).
const TOLD_FROM: u32 = 4;

/// Where the guard writes down how the caller stands.
#[derive(Clone, Default)]
struct Noted(Arc<OnceLock<Standing>>);

/// Notes how the caller stands, and holds up whoever has asked too much.
pub fn admit(parts: &Parts, standing: Option<Standing>) -> Result<()> {
    let Some(standing) = standing else { return Ok(()) };
    if let Some(noted) = parts.extensions.get::<Noted>() {
        // There is one guard; should there ever be two, the first has counted.
        let _ = noted.0.set(standing);
    }
    Ok(standing.admit()?)
}

/// Around the whole API. Who shows no token asks by their network; addresses that carry their own secret are not counted.
pub async fn told(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let noted = Noted::default();
    request.extensions_mut().insert(noted.clone());
    let is_api = request.uri().path().starts_with("/api/");
    if is_api && !request.headers().contains_key(AUTHORIZATION) {
        let address = entrance::client_of(&app, request.headers(), request.extensions());
        let (parts, body) = request.into_parts();
        let counted = rate_limit::count_stranger(&app, address).await.map_err(Failure::from);
        let admitted = counted.and_then(|standing| admit(&parts, standing));
        if let Err(failure) = admitted {
            return with(failure.into_response(), &noted);
        }
        request = Request::from_parts(parts, body);
    }
    // Clients ask here, with their token, how fast they may be.
    let is_question = request.uri().path() == "/api/v2/ping";
    let response = next.run(request).await;
    if is_question
        && noted.0.get().is_none()
        && let Ok(Some(standing)) = rate_limit::limit(&app).await
    {
        let _ = noted.0.set(standing);
    }
    with(response, &noted)
}

fn with(mut response: Response, noted: &Noted) -> Response {
    let Some(standing) = noted.0.get().filter(|standing| standing.limit >= TOLD_FROM) else {
        return response;
    };
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", HeaderValue::from(standing.limit));
    headers.insert("x-ratelimit-remaining", HeaderValue::from(standing.remaining()));
    // The count begins anew with each second.
    headers.insert("x-ratelimit-reset", HeaderValue::from_static("1"));
    response
}
