//! Pages for people: the same nouns as the API, drawn. They work without JavaScript; with it they are live.

mod accounts;
mod agents;
mod assets;
mod audit;
pub mod components;
mod connections;
mod failure;
mod first_steps;
mod forms;
mod frame;
mod guard;
mod headers;
mod health;
mod jump;
mod live;
mod organizations;
mod policies;
mod policy_replays;
mod projects;
mod query;
mod retention;
mod run_limits;
mod runs;
mod site;
mod states;
mod teams;
mod variable_sets;
mod variables;
mod visitor;
mod workspaces;

use std::sync::LazyLock;

use axum::{Router, middleware::map_response};
use domain::App;

pub use entrance::{Route, Routes};

/// For tests alone. Were they unit tests, all pages would be compiled once more for them, which takes minutes.
#[doc(hidden)]
pub mod inside {
    pub use crate::{
        components::bytes, forms::LocalPath, frame::initials, query::address, visitor::cookie,
    };
}

/// Put together once for all servers of a process.
static ROUTES: LazyLock<Routes> = LazyLock::new(|| {
    Routes::default()
        .merge(organizations::routes())
        .merge(accounts::routes())
        .merge(workspaces::routes())
        .merge(runs::routes())
        .merge(policy_replays::routes())
        .merge(health::routes())
        .merge(projects::routes())
        .merge(policies::routes())
        .merge(first_steps::routes())
        .merge(variables::routes())
        .merge(variable_sets::routes())
        .merge(states::routes())
        .merge(teams::routes())
        .merge(agents::routes())
        .merge(audit::routes())
        .merge(connections::routes())
        .merge(jump::routes())
        .merge(site::routes())
});

/// Every page and every form: its path and who may come there. Style and scripts are anybody's.
pub fn table() -> Vec<Route> {
    ROUTES.table().to_vec()
}

/// Every page, without a fallback: what is no page may be somebody else's.
pub fn router(app: App) -> Router {
    ROUTES
        .router()
        .route_layer(map_response(headers::protect))
        // Assets never change under their name, so they are not told to be forgotten like pages.
        .merge(assets::routes())
        .with_state(app)
}
