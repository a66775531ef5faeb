//! By what others check who a run is: `/.well-known/openid-configuration` and the keys it names, and
//! `/admin/oidc-settings/actions` for whoever looks after those.

use axum::Json;
use domain::{can, identity};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{Anyone, May, Result, Routes};

/// Of a run's token, in the order of the documents ("Workload identity").
const CLAIMS: [&str; 16] = [
    "sub",
    "aud",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "terraform_full_workspace",
    "terraform_organization_id",
    "terraform_organization_name",
    "terraform_project_id",
    "terraform_project_name",
    "terraform_run_id",
    "terraform_run_phase",
    "terraform_workspace_id",
    "terraform_workspace_name",
];

pub fn routes() -> Routes {
    Routes::default()
        .get("/.well-known/openid-configuration", configuration)
        .get("/.well-known/jwks", jwks)
        .post("/api/v2/admin/oidc-settings/actions/rotate-key", rotate)
        .post("/api/v2/admin/oidc-settings/actions/trim-key", trim)
}

async fn configuration(anyone: Anyone) -> Json<Value> {
    Json(json!({
        "issuer": anyone.cx.settings().public_url,
        "jwks_uri": anyone.cx.url("/.well-known/jwks"),
        "response_types_supported": ["id_token"],
        "claims_supported": CLAIMS,
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
        "subject_types_supported": ["public"],
    }))
}

async fn jwks(anyone: Anyone) -> Result<Json<Value>> {
    let keys = identity::published(&anyone.cx).await?;
    let keys = keys.into_iter().map(|key| {
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key.kid, "n": key.n, "e": key.e,
        })
    });
    Ok(Json(json!({ "keys": keys.collect::<Vec<_>>() })))
}

async fn rotate(site: May<can::ManageSite>) -> Result<StatusCode> {
    identity::rotate(&site.cx, &site).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn trim(site: May<can::ManageSite>) -> Result<StatusCode> {
    identity::trim(&site.cx, &site).await?;
    Ok(StatusCode::NO_CONTENT)
}
