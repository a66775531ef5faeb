//! Is anybody there, and where is what: `ping` and service discovery.

use axum::Json;
use domain::accounts::oauth;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{Anyone, Routes};

/// What programs find here, log-in aside.
pub const SERVICES: [(&str, &str); 4] = [
    ("tfe.v2", "/api/v2/"),
    ("tfe.v2.1", "/api/v2/"),
    ("tfe.v2.2", "/api/v2/"),
    ("state.v2", "/api/v2/"),
];

pub fn routes() -> Routes {
    Routes::default().get("/api/v2/ping", ping).get("/.well-known/terraform.json", discovery)
}

/// Only the headers matter.
async fn ping(_: Anyone) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Service discovery (CLI protocol 1.2). The paths are relative, so that they hold behind any proxy.
async fn discovery(_: Anyone) -> Json<Value> {
    let mut document = json!({
        "login.v1": {
            "client": oauth::CLIENT_ID,
            "grant_types": ["authz_code"],
            "authz": "/oauth/authorize",
            "token": "/oauth/token",
            "ports": [oauth::PORTS.start(), oauth::PORTS.end()],
        },
    });
    for (name, path) in SERVICES {
        document[name] = path.into();
    }
    Json(document)
}
