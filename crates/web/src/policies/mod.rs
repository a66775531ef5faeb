//! `/app/{organization}/policies`: which policies count, where, and what they have said lately.

mod form;
mod list;
mod show;

use crate::Routes;

pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/policies", list::show)
        .get("/app/{organization_name}/policies/{policy_set_id}", show::show)
        .post("/app/{organization_name}/policies/{policy_set_id}", show::save)
        .post("/app/{organization_name}/policies/{policy_set_id}/delete", show::delete)
}

fn list_path(organization: &str) -> String {
    format!("/app/{organization}/policies")
}
