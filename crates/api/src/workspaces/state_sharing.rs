//! `/workspaces/:id/relationships/remote-state-consumers`

use domain::{can, workspaces};
use jsonapi::{Document, Empty, Identifiers, Query};
use serde::Deserialize;

use super::views;
use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    let path = "/api/v2/workspaces/{workspace_id}/relationships/remote-state-consumers";
    Routes::default().get(path, list).patch(path, replace).post(path, add).delete(path, remove)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListParameters {
    show_only_configured: bool,
}

async fn list(
    workspace: May<can::ReadWorkspace>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let cx = &workspace.cx;
    let paging = paging(&query);
    let only_configured = query.own.show_only_configured;
    let page = workspaces::consumers(cx, &workspace, only_configured, paging).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn replace(workspace: May<can::ReplaceStateConsumers>, body: Identifiers) -> Result<Empty> {
    workspaces::replace_consumers(&workspace.cx, &workspace, body.parsed("workspaces")?).await?;
    Ok(Empty)
}

async fn add(workspace: May<can::UpdateWorkspace>, body: Identifiers) -> Result<Empty> {
    workspaces::add_consumers(&workspace.cx, &workspace, body.parsed("workspaces")?).await?;
    Ok(Empty)
}

async fn remove(workspace: May<can::UpdateWorkspace>, body: Identifiers) -> Result<Empty> {
    workspaces::remove_consumers(&workspace.cx, &workspace, body.parsed("workspaces")?).await?;
    Ok(Empty)
}
