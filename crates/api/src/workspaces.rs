//! `/workspaces`

mod input;
mod list;
pub mod readmes;
mod resources;
mod state_sharing;
mod view;

use std::sync::Arc;

use domain::{
    can, deletions, locks,
    row::{Organization, Project, Workspace},
    workspaces,
};
use jsonapi::{Body, Document, Empty, Plain, Query};
use serde::Deserialize;

use crate::{May, Named, Result, Routes, includes::INCLUDES};
use input::{Input, Relations};
pub use view::{view, views};

pub fn routes() -> Routes {
    let by_name = "/api/v2/organizations/{organization_name}/workspaces/{workspace_name}";
    let by_id = "/api/v2/workspaces/{workspace_id}";
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/workspaces", list::list)
        .post("/api/v2/organizations/{organization_name}/workspaces", create)
        .get(by_name, show)
        .patch(by_name, update)
        .delete(by_name, delete)
        .post(
            "/api/v2/organizations/{organization_name}/workspaces/{workspace_name}/actions/safe-delete",
            safe_delete,
        )
        .get(by_id, show)
        .patch(by_id, update)
        .delete(by_id, delete)
        .post("/api/v2/workspaces/{workspace_id}/actions/safe-delete", safe_delete)
        .get("/api/v2/workspaces/{workspace_id}/resources", resources::list)
        .post("/api/v2/workspaces/{workspace_id}/actions/lock", lock)
        .post("/api/v2/workspaces/{workspace_id}/actions/unlock", unlock)
        .post("/api/v2/workspaces/{workspace_id}/actions/force-unlock", force_unlock)
        .merge(state_sharing::routes())
}

async fn show(workspace: May<can::ReadWorkspace>, query: Query) -> Result<Document> {
    let cx = workspace.cx;
    let view = view(&cx, workspace.granted.into_inner()).await?;
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

async fn create(
    caller: Named<can::CreateWorkspaceIn, Project, can::ReadOrganization>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &caller.cx;
    body.attributes.check_tag_names(&[])?;
    let mut change = input::change(body.attributes, body.relationships)?;
    let project = workspaces::destination(cx, &caller.base, change.project_id.take()).await?;
    let row = workspaces::create(cx, &caller.check(project)?, change).await?;
    Ok(Document::one(&view(cx, row).await?).created())
}

async fn update(
    workspace: May<can::UpdateWorkspace>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    if body.attributes.has_tag_names() {
        let shown = workspaces::details_of(&workspace.cx, (**workspace).clone()).await?;
        body.attributes.check_tag_names(&shown.tag_names)?;
    }
    let change = input::change(body.attributes, body.relationships)?;
    let row = Box::pin(workspaces::update(&workspace.cx, &workspace, change)).await?;
    Ok(Document::one(&view(&workspace.cx, row).await?))
}

/// Whether or not it still manages resources.
async fn delete(
    both: May<can::ForceDeleteWorkspace, (Workspace, Arc<Organization>)>,
) -> Result<Empty> {
    deletions::workspace_by_force(&both.cx, &both).await?;
    Ok(Empty)
}

async fn safe_delete(workspace: May<can::DestroyWorkspace>) -> Result<Empty> {
    deletions::workspace_safely(&workspace.cx, &workspace).await?;
    Ok(Empty)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    reason: Option<String>,
}

async fn lock(workspace: May<can::LockWorkspace>, body: Plain<Reason>) -> Result<Document> {
    let row = locks::lock(&workspace.cx, &workspace, body.0.reason).await?;
    Ok(Document::one(&view(&workspace.cx, row).await?))
}

async fn unlock(workspace: May<can::UnlockWorkspace>) -> Result<Document> {
    let row = locks::unlock(&workspace.cx, &workspace).await?;
    Ok(Document::one(&view(&workspace.cx, row).await?))
}

async fn force_unlock(workspace: May<can::ForceUnlockWorkspace>) -> Result<Document> {
    let row = locks::force_unlock(&workspace.cx, &workspace).await?;
    Ok(Document::one(&view(&workspace.cx, row).await?))
}
