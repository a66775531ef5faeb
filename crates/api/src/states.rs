//! `/state-versions`

mod input;
mod list;
pub mod outputs;
mod view;

use axum::{extract::Request, response::Response};
use domain::{
    In,
    archivist::{self, Content, Object},
    can,
    id::StateVersionId,
    row::StateVersion,
    states::{self, Incoming},
};
use jsonapi::{Body, Document, Error, Query, ToOne, Typed};
use serde::Deserialize;

use crate::{May, Result, Routes, archivist::stream, includes::INCLUDES};
pub use view::views;
use view::{View, view};

pub fn routes() -> Routes {
    let of_workspace = "/api/v2/workspaces/{workspace_id}/state-versions";
    Routes::default()
        .get(of_workspace, list::of_workspace)
        .post(of_workspace, create)
        .patch(of_workspace, rollback)
        .get("/api/v2/workspaces/{workspace_id}/current-state-version", current)
        .post("/api/v2/workspaces/{workspace_id}/actions/import-state-version", import)
        .get("/api/v2/state-versions", list::by_name)
        .get("/api/v2/state-versions/{state_version_id}", show)
        .get("/api/v2/state-versions/{state_version_id}/download", download)
        .merge(outputs::routes())
}

async fn create(workspace: May<can::CreateStateVersion>, request: Request) -> Result<Document> {
    let cx = &workspace.cx;
    let mut incoming = Incoming::of_next(cx, &workspace);
    let new = match input::read(request, &mut incoming).await {
        Ok(new) => new,
        Err(error) => {
            incoming.forget().await;
            return Err(error);
        }
    };
    let announced = !incoming.has_state();
    let view = view(cx, states::create(cx, &workspace, new, incoming).await?).await?;
    // Also where the state is there already: the client uploads it all the same.
    let view = if announced { view.with_uploads() } else { view };
    Ok(Document::one(&view).created())
}

/// Ours: a state from before the workspace was here.
async fn import(workspace: May<can::ImportStates>, request: Request) -> Result<Document> {
    let cx = &workspace.cx;
    let mut incoming = Incoming::of_past(cx, &workspace);
    let (new, created_at) = match input::read_past(request, &mut incoming).await {
        Ok(read) => read,
        Err(error) => {
            incoming.forget().await;
            return Err(error);
        }
    };
    let row = states::take_past(cx, &workspace, new, incoming, created_at).await?;
    Ok(Document::one(&view(cx, row).await?).created())
}

async fn show(version: May<can::ReadState, In<StateVersion>>, query: Query) -> Result<Document> {
    let cx = &version.cx;
    let view = view(cx, version.row.clone()).await?;
    Document::one_with(&view, &query, &INCLUDES, cx).await
}

async fn current(workspace: May<can::ReadState>, query: Query) -> Result<Document> {
    let cx = &workspace.cx;
    let view = view(cx, states::current(cx, &workspace).await?).await?;
    Document::one_with(&view, &query, &INCLUDES, cx).await
}

async fn download(version: May<can::ReadState, In<StateVersion>>) -> Result<Response> {
    let object = Object { content: Content::State, id: version.row.id.to_string() };
    let download = archivist::read(&version.cx, &object).await?;
    Ok(stream(download, "application/json"))
}

#[derive(Default, Deserialize)]
struct Rollback {}

impl Typed for Rollback {
    const TYPE: &'static str = "state-versions";
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct RollbackRelations {
    rollback_state_version: Option<ToOne<StateVersionId>>,
}

async fn rollback(
    workspace: May<can::CreateStateVersion>,
    body: Body<Rollback, RollbackRelations>,
) -> Result<Document> {
    let cx = &workspace.cx;
    let named = body.relationships.rollback_state_version;
    let named =
        named.map(|one| one.of_kind("state-versions", "rollback-state-version")).transpose()?;
    let to = named.flatten().ok_or_else(|| {
        Error::unprocessable(
            "/data/relationships/rollback-state-version",
            "rollback-state-version is required",
        )
    })?;
    let view: View = view(cx, Box::pin(states::rollback(cx, &workspace, &to)).await?).await?;
    Ok(Document::one(&view).created())
}
