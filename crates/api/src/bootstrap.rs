//! `/admin/retrieve-iact` and `/admin/initial-admin-user`: the first administrator by script, as in Terraform
//! Enterprise.
//!
//! See <https://developer.hashicorp.com/terraform/enterprise/deploy/initial-admin-user>.

use axum::{
    Json,
    extract::Query,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Error,
    accounts::{self, NewUser},
};
use http::{
    Extensions, HeaderMap, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
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
    if !entrance::is_this_machine(app, &headers, &extensions) {
        return Err(Error::NotFound.into());
    }
    let Some(secret) = accounts::offer(app).await? else { return Err(Error::NotFound.into()) };
    let headers = [(CONTENT_TYPE, "text/plain"), (CACHE_CONTROL, "no-store")];
    Ok((headers, accounts::ExposeSecret::expose_secret(&secret).to_owned()).into_response())
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
