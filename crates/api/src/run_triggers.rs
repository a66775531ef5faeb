//! `/run-triggers`, and those of a workspace

use domain::{
    Ctx, Timestamp, can,
    id::WorkspaceId,
    row::Workspace,
    run_triggers::{self, Direction, Trigger},
};
use jsonapi::{Body, Document, Empty, Error, Query, Relationships, Resource, ToOne, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, parameters::Filtered};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/workspaces/{workspace_id}/run-triggers", list)
        .post("/api/v2/workspaces/{workspace_id}/run-triggers", create)
        .get("/api/v2/run-triggers/{run_trigger_id}", show)
        .delete("/api/v2/run-triggers/{run_trigger_id}", delete)
}

/// A trigger on the wire.
struct View(Trigger);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    workspace_name: &'a str,
    sourceable_name: &'a str,
    created_at: Timestamp,
}

impl Resource for View {
    const TYPE: &'static str = "run-triggers";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes {
            workspace_name: &self.0.of.workspace.name,
            sourceable_name: &self.0.of.source.name,
            created_at: self.0.created_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        for (name, id) in [("workspace", &self.0.workspace_id), ("sourceable", &self.0.source_id)] {
            to.one_with_link(name, "workspaces", Some(id), format!("/api/v2/workspaces/{id}"));
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Filters {
    run_trigger: OfTrigger,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OfTrigger {
    r#type: Option<String>,
}

async fn list(workspace: May<can::ReadRun>, query: Query<Filtered<Filters>>) -> Result<Document> {
    let cx = &workspace.cx;
    let direction = match query.own.filter.run_trigger.r#type.as_deref() {
        Some("inbound") => Direction::Inbound,
        Some("outbound") => Direction::Outbound,
        _ => {
            let detail = "filter[run-trigger][type] is required: inbound or outbound";
            return Err(Error::bad_request("invalid query parameter", detail)
                .parameter("filter[run-trigger][type]")
                .into());
        }
    };
    let page = run_triggers::list(cx, &workspace, direction, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn show(trigger: May<can::ReadRunTrigger, Trigger>, query: Query) -> Result<Document> {
    let view = View(trigger.granted.into_inner());
    Document::one_with(&view, &query, &INCLUDES, &trigger.cx).await
}

#[derive(Default, Deserialize)]
struct Input {}

impl Typed for Input {
    const TYPE: &'static str = "run-triggers";
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relations {
    sourceable: Option<ToOne<WorkspaceId>>,
}

/// The source is named in the body, so its permission is checked here.
async fn create(
    workspace: May<can::UpdateWorkspace>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let cx: &Ctx = &workspace.cx;
    let source = body.relationships.sourceable;
    let source = source.map(|one| one.of_kind("workspaces", "sourceable")).transpose()?.flatten();
    let source = source.ok_or_else(|| {
        Error::unprocessable("/data/relationships/sourceable", "sourceable is required")
    })?;
    let source = domain::workspaces::find(cx, &source).await?;
    let source = cx.check::<can::ReadRun, Workspace>(source)?;
    let trigger = run_triggers::create(cx, &workspace, &source).await?;
    Ok(Document::one(&View(trigger)).created())
}

async fn delete(trigger: May<can::UpdateWorkspace, Trigger>) -> Result<Empty> {
    run_triggers::delete(&trigger.cx, &trigger).await?;
    Ok(Empty)
}
