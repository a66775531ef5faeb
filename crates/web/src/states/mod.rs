//! `/app/{organization}/workspaces/{workspace}/states`: the versions of a workspace's state, and what is in each.

mod compare;
mod list;
mod rollback;
mod show;
mod upload;

pub use show::output;

use crate::Routes;

pub fn routes() -> Routes {
    Routes::default()
        .get("/app/{organization_name}/workspaces/{workspace_name}/states", list::show)
        .get("/app/{organization_name}/workspaces/{workspace_name}/upload-state", upload::show)
        .post("/app/{organization_name}/workspaces/{workspace_name}/upload-state", upload::make)
        .get(
            "/app/{organization_name}/workspaces/{workspace_name}/states/{state_version_id}",
            show::show,
        )
        .get(
            "/app/{organization_name}/workspaces/{workspace_name}/states/{state_version_id}/compare",
            compare::show,
        )
        .post(
            "/app/{organization_name}/workspaces/{workspace_name}/states/{state_version_id}/rollback",
            rollback::make,
        )
}
