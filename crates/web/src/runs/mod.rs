//! Runs: as lists, and each on a page of its own, which command lines print the address of.

mod activity;
pub mod changes;
mod checks;
mod costs;
mod decide;
pub mod list;
mod mocks;
mod policy_check;
mod show;
mod stages;
mod start;
mod tasks;
mod waiting;

pub use checks::name as stage_name;
use domain::{In, row::Run};

use crate::{Routes, workspaces};

/// Command lines print the forms without `workspaces/` (CLI protocol 2.5).
pub fn routes() -> Routes {
    Routes::default()
        .get("/waiting", list::waiting)
        .get("/app/{organization_name}/runs", list::of_organization)
        .get("/app/{organization_name}/workspaces/{workspace_name}/runs", list::of_workspace)
        .get("/app/{organization_name}/{workspace_name}/runs", list::of_workspace)
        .get("/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}", show::show)
        .get("/app/{organization_name}/{workspace_name}/runs/{run_id}", show::show)
        .get(
            "/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}/status",
            show::fragment,
        )
        .get(
            "/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}/status/events",
            show::events,
        )
        .get("/app/{organization_name}/workspaces/{workspace_name}/start-run", start::show)
        .post("/app/{organization_name}/workspaces/{workspace_name}/start-run", start::create)
        .post(
            "/app/{organization_name}/workspaces/{workspace_name}/runs/{run_id}/mocks",
            mocks::order,
        )
        .merge(changes::routes())
        .merge(decide::routes())
}

pub fn path(run: &In<Run>) -> String {
    format!("{}/runs/{}", workspaces::path(&run.of), run.id)
}
