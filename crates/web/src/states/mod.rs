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

/// `4,096 bytes`, `12.3 kB`, `1.2 MB`.
pub fn size(bytes: i64) -> String {
    let bytes = u64::try_from(bytes).unwrap_or_default();
    let tenths = |unit: u64| (bytes * 10 + unit / 2) / unit;
    let shown = |tenths: u64, name: &str| format!("{}.{} {name}", tenths / 10, tenths % 10);
    match bytes {
        0..10_000 => format!("{} bytes", crate::components::grouped(bytes)),
        10_000..1_000_000 => shown(tenths(1_000), "kB"),
        _ => shown(tenths(1_000_000), "MB"),
    }
}
