//! Pages for people: the same nouns as the API, drawn. They work without JavaScript; with it they are live.

mod accounts;
mod assets;
pub mod components;
mod failure;
mod forms;
mod headers;
mod organizations;
mod runs;
mod visitor;
mod workspaces;

use axum::{Router, middleware::map_response};
use domain::App;

/// Every page, without a fallback: what is no page may be somebody else's.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(organizations::routes())
        .merge(accounts::routes())
        .merge(workspaces::routes())
        .merge(runs::routes())
        .route_layer(map_response(headers::protect))
        // Assets never change under their name, so they are not told to be forgotten like pages.
        .merge(assets::routes())
        .with_state(app)
}
