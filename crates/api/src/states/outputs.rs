//! `/state-version-outputs`, and the same outputs as a workspace shows them.

use std::collections::HashMap;

use domain::{
    In, can,
    row::{StateVersion, StateVersionOutput},
    states::{self, Output},
};
use jsonapi::{Document, Object, Query, Resource};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/workspaces/{workspace_id}/current-state-version-outputs", current)
        .get("/api/v2/state-versions/{state_version_id}/outputs", list)
        .get("/api/v2/state-version-outputs/{state_version_output_id}", show)
}

/// An output of a state version.
pub struct View(pub Output);

/// An output of a workspace: the same thing under another name.
pub struct OfWorkspace(pub Output);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    name: &'a str,
    sensitive: bool,
    r#type: &'a str,
    detailed_type: &'a Value,
    value: Option<&'a RawValue>,
}

impl Resource for View {
    const TYPE: &'static str = "state-version-outputs";

    fn id(&self) -> String {
        self.0.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let Output { row, value } = &self.0;
        Attributes {
            name: &row.name,
            sensitive: row.sensitive,
            r#type: &row.kind,
            detailed_type: &row.detailed_type,
            value: value.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct OfWorkspaceAttributes<'a> {
    name: &'a str,
    sensitive: bool,
    output_type: &'a str,
    value: Option<&'a RawValue>,
}

impl Resource for OfWorkspace {
    const TYPE: &'static str = "workspace-outputs";

    fn id(&self) -> String {
        self.0.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let Output { row, value } = &self.0;
        OfWorkspaceAttributes {
            name: &row.name,
            sensitive: row.sensitive,
            output_type: &row.kind,
            value: value.as_deref(),
        }
    }

    fn path(&self) -> Option<String> {
        None
    }
}

/// Whole where no page is asked for: the command line never asks for a second one (CLI protocol, gotcha 20).
async fn current(workspace: May<can::ReadStateOutputs>, query: Query) -> Result<Document> {
    let cx = &workspace.cx;
    let paging = query.is_paged.then(|| paging(&query));
    let page = states::current_outputs(cx, &workspace, paging).await?.map(View);
    if paging.is_none() {
        return Ok(Document::list(&page.items));
    }
    Document::page(&page.items, page.total, &query, &INCLUDES, cx).await
}

/// For includes: the outputs of each, beside its id.
pub fn by_owner<R: Resource>(
    found: HashMap<impl ToString, Vec<Output>>,
    view: fn(Output) -> R,
) -> Vec<(String, Vec<Object>)> {
    let objects = |outputs: Vec<Output>| {
        outputs.into_iter().map(|output| Object::new(&view(output))).collect()
    };
    found.into_iter().map(|(id, outputs)| (id.to_string(), objects(outputs))).collect()
}

async fn list(
    version: May<can::ReadStateOutputs, In<StateVersion>>,
    query: Query,
) -> Result<Document> {
    let paging = paging(&query);
    let page = states::list_outputs(&version.cx, &version, paging).await?.map(View);
    Document::page(&page.items, page.total, &query, &INCLUDES, &version.cx).await
}

async fn show(output: May<can::ReadStateOutputs, In<StateVersionOutput>>) -> Result<Document> {
    Ok(Document::one(&View(states::reveal(&output.cx, &output)?)))
}
