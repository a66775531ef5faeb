//! From the path of a request to the resource that it names.

use domain::{Ctx, Found, Site, row};

use crate::guard::Path;

/// Something that the path of a request can name.
pub trait Located: Sized + Send + Sync {
    fn locate(cx: &Ctx, path: &Path) -> impl Future<Output = domain::Result<Found<Self>>> + Send;
}

impl Located for Site {
    async fn locate(_: &Ctx, _: &Path) -> domain::Result<Found<Self>> {
        Ok(Self::found())
    }
}

impl Located for row::Organization {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::organizations::find(cx, path.text("organization_name")?).await
    }
}

impl Located for row::Project {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        domain::projects::find(cx, &path.id("project_id")?).await
    }
}

/// By id, or by organization and name.
impl Located for row::Workspace {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        match path.get("workspace_name") {
            Some(name) => {
                let organization = path.text("organization_name")?;
                domain::workspaces::find_by_name(cx, organization, name).await
            }
            None => domain::workspaces::find(cx, &path.id("workspace_id")?).await,
        }
    }
}

impl Located for (row::Workspace, row::Organization) {
    async fn locate(cx: &Ctx, path: &Path) -> domain::Result<Found<Self>> {
        let workspace = row::Workspace::locate(cx, path).await?;
        domain::workspaces::with_organization(cx, workspace).await
    }
}
