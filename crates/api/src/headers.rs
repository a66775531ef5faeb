//! Headers and limits that every answer of the API has in common, and what is said where there is no such address.

use axum::{Extension, Router, response::IntoResponse};
use http::{HeaderName, HeaderValue, StatusCode};
use jsonapi::{BaseUrl, Error};
use tower_http::set_header::SetResponseHeaderLayer;

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
    let base = BaseUrl(public_url);
    let mut router =
        router.fallback(nowhere).method_not_allowed_fallback(not_so).layer(Extension(base));
    for (name, value) in HEADERS {
        router = router.layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        ));
    }
    router
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
