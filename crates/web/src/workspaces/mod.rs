//! `/app/{organization}/workspaces/{workspace}`: a workspace and its parts, each a page below its name.

mod create;
pub mod engines;
mod heading;
pub mod list;
mod overview;
pub mod rows;
mod settings;

use domain::row::Workspace;

pub use heading::{Heading, Part};

use crate::{Routes, organizations};

/// Command lines print the forms without `workspaces/` (CLI protocol 2.5).
pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/workspaces", list::show)
        .get("/app/{organization_name}/new-workspace", create::show)
        .post("/app/{organization_name}/new-workspace", create::create)
        .get("/app/{organization_name}/workspaces/{workspace_name}", overview::show)
        .get("/app/{organization_name}/{workspace_name}", overview::show)
        .merge(settings::routes())
}

pub fn path(workspace: &Workspace) -> String {
    format!("{}/{}", organizations::path(&workspace.organization_name), workspace.name)
}
