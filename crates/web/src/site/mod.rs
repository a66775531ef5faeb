//! `/app/site`: the whole installation, for its administrators; and, in debug builds, the catalogue of parts.

mod github_app;
mod organization;
mod organizations;
mod overview;
#[cfg(debug_assertions)]
mod parts;
mod runs;
mod setting;
mod settings;
mod user;
mod users;
mod versions;
mod work;

pub use user::END_IMPERSONATION;

use crate::Routes;

pub fn routes() -> Routes {
    let routes = Routes::default()
        .get("/app/site", overview::show)
        .get("/app/site/organizations", organizations::show)
        .get("/app/site/organizations/{organization_name}", organization::show)
        .post("/app/site/organizations/{organization_name}", organization::allow)
        .post("/app/site/organizations/{organization_name}/delete", organization::delete)
        .get("/app/site/runs", runs::show)
        .post("/app/site/runs/{run_id}/force-cancel", runs::force_cancel)
        .get("/app/site/users", users::show)
        .get("/app/site/users/{user_id}", user::show)
        .post("/app/site/users/{user_id}", users::set)
        .post("/app/site/users/{user_id}/impersonate", user::impersonate)
        .post("/app/site/users/{user_id}/delete", user::delete)
        .post(END_IMPERSONATION, user::end_impersonation)
        .get("/app/site/versions", versions::show)
        .get("/app/site/work", work::show)
        .get("/app/site/github-app", github_app::show)
        .post("/app/site/github-app/link", github_app::link)
        .post("/app/site/github-app/unlink", github_app::unlink)
        .get("/app/site/settings", settings::show)
        .get("/app/site/settings/{site_setting}", setting::show)
        .post("/app/site/settings/{site_setting}", setting::save);
    #[cfg(debug_assertions)]
    let routes = routes.merge(parts::routes());
    routes
}
