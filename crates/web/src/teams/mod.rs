//! `/app/{organization}/teams` and `/members`: who belongs to an organization, and what they may do in it.

pub mod access;
mod list;
mod members;
mod rights;
mod show;

use domain::row::Team;

use crate::Routes;

pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/teams", list::show)
        .post("/app/{organization_name}/teams", list::create)
        .get("/app/{organization_name}/teams/{team_id}", show::show)
        .post("/app/{organization_name}/teams/{team_id}", show::save)
        .post("/app/{organization_name}/teams/{team_id}/delete", show::delete)
        .post("/app/{organization_name}/teams/{team_id}/add", show::add)
        .post("/app/{organization_name}/teams/{team_id}/remove", show::remove)
        .post("/app/{organization_name}/teams/{team_id}/token", show::token)
        .get("/app/{organization_name}/members", members::show)
        .post("/app/{organization_name}/members", members::invite)
        .post(
            "/app/{organization_name}/members/{organization_membership_id}/invite",
            members::invite_again,
        )
        .post(
            "/app/{organization_name}/members/{organization_membership_id}/delete",
            members::delete,
        )
}

pub fn list_path(organization: &str) -> String {
    format!("/app/{organization}/teams")
}

pub fn path(team: &Team) -> String {
    format!("{}/{}", list_path(&team.organization_name), team.id)
}
