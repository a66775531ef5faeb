//! Signing in and out, logging in from the command line, tokens, and the first administrator.

mod first_admin;
mod oauth;
mod sign_in;
mod tokens;

use axum::Router;
use domain::App;

pub fn routes() -> Router<App> {
    Router::new()
        .merge(sign_in::routes())
        .merge(oauth::routes())
        .merge(tokens::routes())
        .merge(first_admin::routes())
}
