//! `/app/{organization}/projects`: what groups workspaces, and who may do what in all of them.

mod access;
mod form;
mod list;
mod show;

use domain::row::Project;

use crate::{Routes, teams};

macro_rules! below {
    ($path:literal) => {
        concat!("/app/{organization_name}/projects/{project_id}/", $path)
    };
}

pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/projects", list::show)
        .get("/app/{organization_name}/new-project", show::new)
        .post("/app/{organization_name}/new-project", show::create)
        .get("/app/{organization_name}/projects/{project_id}", show::show)
        .post("/app/{organization_name}/projects/{project_id}", show::save)
        .post("/app/{organization_name}/projects/{project_id}/delete", show::delete)
        .get(below!("access"), teams::access::show::<Project>)
        .post(below!("access"), teams::access::add::<Project>)
        .get(below!("access/{team_project_id}"), teams::access::edit::<Project>)
        .post(below!("access/{team_project_id}"), teams::access::change::<Project>)
        .post(below!("access/{team_project_id}/delete"), teams::access::remove::<Project>)
}

pub fn list_path(organization: &str) -> String {
    format!("/app/{organization}/projects")
}

pub fn path(project: &Project) -> String {
    format!("{}/{}", list_path(&project.organization_name), project.id)
}
