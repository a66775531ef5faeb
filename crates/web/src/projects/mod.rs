//! `/app/{organization}/projects`: what groups workspaces, and who may do what in all of them.

mod form;
mod list;
mod show;

use domain::row::Project;

use crate::Routes;

pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/projects", list::show)
        .get("/app/{organization_name}/new-project", show::new)
        .post("/app/{organization_name}/new-project", show::create)
        .get("/app/{organization_name}/projects/{project_id}", show::show)
        .post("/app/{organization_name}/projects/{project_id}", show::save)
        .post("/app/{organization_name}/projects/{project_id}/delete", show::delete)
}

pub fn list_path(organization: &str) -> String {
    format!("/app/{organization}/projects")
}

pub fn path(project: &Project) -> String {
    format!("{}/{}", list_path(&project.organization_name), project.id)
}
