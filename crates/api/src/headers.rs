//! Headers and limits that every answer of the API has in common, and what is said where there is no such address.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode};
use jsonapi::{BaseUrl, Error};

use crate::Failure;

/// The clients choose what they may ask by these (CLI protocol 3.1): `cloud {}` needs 2.5, imports need 2.6.
const HEADERS: [(&str, &str); 5] = [
    ("tfp-api-version", "2.6"),
    ("tfp-appname", "Terraform Enterprise"),
    // The enterprise releases whose API this is, in the old and in the new way of counting; the forms are fixed by the
    // clients. HashiCorp's provider asks for limits on the lives of tokens from 2.0.1 on only.
    ("x-tfe-version", "v202509-1"),
    ("x-tfe-current-version", "2.0.1"),
    // Seconds between the snapshots that a command line uploads during a long local apply.
    ("x-terraform-snapshot-interval", "20"),
];

pub fn layer(router: Router, public_url: String) -> Router {
    router
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(from_fn_with_state(BaseUrl(public_url), around))
}

/// One layer for all of it: each is wrapped around every single route.
async fn around(State(base): State<BaseUrl>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(base);
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(HeaderName::from_static(name))
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

async fn nowhere() -> impl IntoResponse {
    Failure::from(Error::not_found())
}

async fn not_so() -> impl IntoResponse {
    Failure::from(
        Error::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
            .detail("There is such an address, but not with this method."),
    )
}
