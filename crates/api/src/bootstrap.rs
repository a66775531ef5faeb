//! `/admin/retrieve-iact` and `/admin/initial-admin-user`: the first administrator by script, as in Terraform
//! Enterprise.
//!
//! See <https://developer.hashicorp.com/terraform/enterprise/deploy/initial-admin-user>.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Json,
    extract::{ConnectInfo, Query},
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Error,
    accounts::{self, NewUser},
};
use http::{
    Extensions, HeaderMap, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, HOST},
};
use jsonapi::{Errors, Message};
use serde::Deserialize;
use serde_json::json;

use crate::{Anyone, Failure, Result, Routes};

pub fn routes() -> Routes {
    Routes::default()
        .get("/admin/retrieve-iact", retrieve)
        .post("/admin/initial-admin-user", create)
        .get("/admin/account/new", page)
}

/// The initial admin creation token, for programs on the same machine, and only while there are no people.
async fn retrieve(anyone: Anyone, headers: HeaderMap, extensions: Extensions) -> Result<Response> {
    let app = anyone.cx.app();
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let public_url = app.settings().public_url.as_str();
    if !peer.is_some_and(is_loopback) || is_forwarded(&headers) || !is_own(&headers, public_url) {
        return Err(Error::NotFound.into());
    }
    let Some(secret) = accounts::offer(app).await? else { return Err(Error::NotFound.into()) };
    let headers = [(CONTENT_TYPE, "text/plain"), (CACHE_CONTROL, "no-store")];
    Ok((headers, accounts::ExposeSecret::expose_secret(&secret).to_owned()).into_response())
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// A proxy on this machine speaks for anybody.
fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// A page of another site, whose name was made to lead here, asks under that name.
fn is_own(headers: &HeaderMap, public_url: &str) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return true };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
    });
    let public = public_url.split_once("://").map_or(public_url, |(_, host)| host);
    host == public || ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
struct Input {
    username: String,
    email: String,
    password: String,
}

/// Answers in the form of Terraform Enterprise, which is not JSON:API.
async fn create(
    anyone: Anyone,
    Query(Token { token }): Query<Token>,
    body: std::result::Result<Message<Input>, Errors>,
) -> Response {
    let app = anyone.cx.app();
    let offer = match accounts::accept_offer(app, &token).await {
        Ok(offer) => offer,
        Err(error) => return refused(error, "the token is not valid, or there is a user already"),
    };
    let Ok(Message(input)) = body else {
        let why = "the body must be JSON with username, email and password";
        return refused(Error::BadRequest(why.into()), why);
    };
    let new = NewUser {
        username: input.username,
        email: input.email,
        password: Some(input.password.into()),
        is_site_admin: true,
    };
    match accounts::create_first_admin_token(app, &offer, new).await {
        Ok(minted) => {
            let answer = json!({ "status": "created", "token": minted.secret.expose() });
            ([(CACHE_CONTROL, "no-store")], Json(answer)).into_response()
        }
        Err(error) => {
            let why = error.to_string();
            refused(error, why.trim_start_matches("/data/attributes/"))
        }
    }
}

fn refused(error: Error, why: &str) -> Response {
    let status = match &error {
        Error::NotFound => StatusCode::UNAUTHORIZED,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Invalid { .. } | Error::Taken { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::BadRequest(_) => StatusCode::BAD_REQUEST,
        _ => return Failure::from(error).into_response(),
    };
    (status, Json(json!({ "status": "error", "error": why }))).into_response()
}

/// Where Terraform Enterprise has its page for the first administrator.
async fn page(_: Anyone, Query(Token { token }): Query<Token>) -> Result<Redirect> {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if token.is_empty() || !token.bytes().all(harmless) {
        return Err(Error::NotFound.into());
    }
    Ok(Redirect::to(&format!("/admin/first/{token}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(host: &'static str) -> bool {
        let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
        is_own(&headers, "https://terraform.example:8443")
    }

    #[test]
    fn only_own_names_may_ask_for_the_first_admins_token() {
        for name in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:80", "[::1]"] {
            assert!(own(name), "{name}");
        }
        assert!(own("terraform.example:8443"));
        for name in
            ["evil.example", "evil.example:8443", "localhost.evil.example", "terraform.example"]
        {
            assert!(!own(name), "{name}");
        }
    }

    #[test]
    fn loopback_is_loopback_in_both_families() {
        for (address, expected) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(address.parse().unwrap()), expected, "{address}");
        }
    }
}
