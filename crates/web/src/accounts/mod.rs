//! Signing in and out, logging in from the command line, tokens, passwords, and the first administrator.

mod first_admin;
mod oauth;
mod password;
mod sign_in;
mod tokens;

use axum::Router;
use domain::App;

pub fn routes() -> Router<App> {
    Router::new()
        .merge(sign_in::routes())
        .merge(oauth::routes())
        .merge(tokens::routes())
        .merge(password::routes())
        .merge(first_admin::routes())
}
