//! `/app/{organization}/variable-sets`: variables of many workspaces at once, what they are applied to, and which of them
//! win.

mod form;
mod list;
mod show;
mod variables;

use crate::Routes;

const ALL: &str = "/app/{organization_name}/variable-sets";

macro_rules! below {
    ($path:literal) => {
        concat!("/app/{organization_name}/variable-sets/{varset_id}", $path)
    };
}

pub fn routes() -> Routes {
    Routes::default()
        .get(ALL, list::show)
        .post(ALL, list::create)
        .get(below!(""), show::show)
        .post(below!(""), show::save)
        .post(below!("/delete"), show::delete)
        .post(below!("/variables"), variables::create)
        .get(below!("/variables/{varset_variable_id}"), variables::edit)
        .post(below!("/variables/{varset_variable_id}"), variables::update)
        .post(below!("/variables/{varset_variable_id}/delete"), variables::delete)
}

pub fn list_path(organization: &str) -> String {
    format!("/app/{organization}/variable-sets")
}

pub fn path(set: &domain::row::VariableSet) -> String {
    format!("{}/{}", list_path(&set.organization_name), set.id)
}
