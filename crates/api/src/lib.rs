//! The JSON:API of HCP Terraform and Terraform Enterprise, version 2: decode, call one domain verb, encode.

mod accounts;
mod admin_organizations;
mod admin_runs;
mod admin_users;
mod admin_workspaces;
mod agent_pools;
mod agents;
mod archivist;
mod assessments;
mod audit;
mod bootstrap;
mod cidr_range_lists;
mod configurations;
mod cost_estimates;
mod data_retention;
mod entitlements;
mod failure;
mod feature_sets;
mod freezes;
mod github_app;
mod guard;
mod headers;
mod identity;
mod includes;
mod limits;
mod memberships;
mod notifications;
mod oauth_clients;
mod organizations;
mod paging;
mod parameters;
mod ping;
mod policies;
mod policy_evaluations;
mod policy_replays;
mod policy_sets;
mod projects;
mod repositories;
mod run_limits;
mod run_schedules;
mod run_tasks;
mod run_triggers;
mod runs;
mod site_includes;
mod site_settings;
mod ssh_keys;
mod states;
mod subscriptions;
mod tags;
mod task_results;
mod task_stages;
mod team_access;
mod teams;
mod tokens;
mod tool_versions;
mod users;
mod variable_sets;
mod variables;
mod vcs;
mod webhooks;
mod workspace_tasks;
mod workspaces;

use std::sync::LazyLock;

use axum::{Router, middleware::from_fn_with_state};
use domain::App;

pub use entrance::{Route, Routes};
pub use failure::{Failure, Result};
pub use guard::{Anyone, May, Named};

/// Put together once for all servers of a process: it takes longer than most requests.
static ROUTES: LazyLock<Routes> = LazyLock::new(|| {
    Routes::default()
        .merge(ping::routes())
        .merge(organizations::routes())
        .merge(entitlements::routes())
        .merge(feature_sets::routes())
        .merge(subscriptions::routes())
        .merge(projects::routes())
        .merge(workspace_tasks::routes())
        .merge(workspaces::routes())
        .merge(tags::routes())
        .merge(ssh_keys::routes())
        .merge(states::routes())
        .merge(archivist::routes())
        .merge(assessments::routes())
        .merge(runs::routes())
        .merge(run_tasks::routes())
        .merge(run_triggers::routes())
        .merge(run_schedules::routes())
        .merge(freezes::routes())
        .merge(agents::routes())
        .merge(agent_pools::routes())
        .merge(configurations::routes())
        .merge(cost_estimates::routes())
        .merge(webhooks::routes())
        .merge(github_app::routes())
        .merge(data_retention::routes())
        .merge(variables::routes())
        .merge(variable_sets::routes())
        .merge(notifications::routes())
        .merge(accounts::routes())
        .merge(admin_organizations::routes())
        .merge(admin_runs::routes())
        .merge(admin_users::routes())
        .merge(admin_workspaces::routes())
        .merge(users::routes())
        .merge(tokens::routes())
        .merge(teams::routes())
        .merge(memberships::routes())
        .merge(team_access::routes())
        .merge(tool_versions::routes())
        .merge(site_settings::routes())
        .merge(identity::routes())
        .merge(policies::routes())
        .merge(policy_replays::routes())
        .merge(policy_sets::routes())
        .merge(policy_evaluations::routes())
        .merge(task_results::routes())
        .merge(task_stages::routes())
        .merge(audit::routes())
        .merge(oauth_clients::routes())
        .merge(vcs::routes())
        .merge(cidr_range_lists::routes())
        .merge(bootstrap::routes())
});

/// Every operation: method, path and who may call it.
pub fn table() -> Vec<Route> {
    ROUTES.table().to_vec()
}

/// Every type that can be included by the ids of its resources.
pub fn included() -> impl Iterator<Item = &'static str> {
    includes::INCLUDES.types()
}

/// What an agent asks for, as a service: its calls, and the blobs whose addresses it is given.
pub fn agents_router(app: App) -> Router {
    let public_url = app.settings().public_url.clone();
    let routes = agents::routes().merge(archivist::routes());
    headers::layer(routes.router().with_state(app), public_url)
}

/// The whole API as a service.
pub fn router(app: App) -> Router {
    let public_url = app.settings().public_url.clone();
    let told = from_fn_with_state(app.clone(), limits::told);
    headers::layer(ROUTES.router().with_state(app).layer(told), public_url)
}
