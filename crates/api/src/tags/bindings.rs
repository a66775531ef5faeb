//! `/workspaces/:id/tag-bindings`, `/projects/:id/tag-bindings`, and what is in force. The documents' spelling adds
//! and changes with PATCH; the one below `/relationships` replaces (official OpenAPI document).

use std::collections::HashMap;

use domain::{
    Timestamp, can,
    id::{ProjectId, WorkspaceId},
    row::TagBinding,
    tags::{self, Effective},
};
use jsonapi::{Document, Empty, Identifiers, Links, Object, Relationships, Resource};
use serde::Serialize;

use super::pairs;
use crate::{May, Result, Routes};

pub fn routes() -> Routes {
    let of_workspace = "/api/v2/workspaces/{workspace_id}/relationships/tag-bindings";
    let of_project = "/api/v2/projects/{project_id}/relationships/tag-bindings";
    Routes::default()
        .get("/api/v2/workspaces/{workspace_id}/tag-bindings", list)
        .patch("/api/v2/workspaces/{workspace_id}/tag-bindings", add_and_show)
        .get("/api/v2/workspaces/{workspace_id}/effective-tag-bindings", effective)
        .get(of_workspace, list)
        .post(of_workspace, add)
        .patch(of_workspace, replace)
        .get("/api/v2/projects/{project_id}/tag-bindings", list_of_project)
        .patch("/api/v2/projects/{project_id}/tag-bindings", add_to_project_and_show)
        .get("/api/v2/projects/{project_id}/effective-tag-bindings", effective_of_project)
        .get(of_project, list_of_project)
        .post(of_project, add_to_project)
        .patch(of_project, replace_in_project)
}

/// A binding on the wire.
struct View(TagBinding);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    key: &'a str,
    value: &'a str,
    created_at: Timestamp,
}

impl<'a> From<&'a TagBinding> for Attributes<'a> {
    fn from(row: &'a TagBinding) -> Self {
        Self { key: &row.tag_key, value: &row.tag_value, created_at: row.created_at }
    }
}

impl Resource for View {
    const TYPE: &'static str = "tag-bindings";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes::from(&self.0)
    }

    fn path(&self) -> Option<String> {
        None
    }
}

/// A binding that is in force.
struct EffectiveView(Effective);

impl Resource for EffectiveView {
    const TYPE: &'static str = "effective-tag-bindings";

    fn id(&self) -> String {
        self.0.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        Attributes::from(&self.0.row)
    }

    fn relationships(&self, to: &mut Relationships) {
        if let Some(project) = &self.0.inherited_from {
            to.one("inherited-from", "projects", Some(project));
        }
    }

    fn path(&self) -> Option<String> {
        None
    }

    fn links(&self, to: &mut Links) {
        if let Some(project) = &self.0.inherited_from {
            to.add("inherited-from", format!("/api/v2/projects/{project}"));
        }
    }
}

/// A project's own are in force on it.
fn own(row: TagBinding) -> EffectiveView {
    EffectiveView(Effective { row, inherited_from: None })
}

/// Those that were named in the order in which they were, before the others.
fn document_in_order(named: &[String], mut rows: Vec<TagBinding>) -> Document {
    let place = |row: &TagBinding| named.iter().position(|key| *key == row.tag_key);
    rows.sort_by_key(|row| place(row).unwrap_or(usize::MAX));
    document(rows)
}

fn document(rows: Vec<TagBinding>) -> Document {
    Document::list(&rows.into_iter().map(View).collect::<Vec<_>>())
}

/// For includes: what is in force, beside the id of its workspace.
pub fn by_workspace(found: HashMap<WorkspaceId, Vec<Effective>>) -> Vec<(String, Vec<Object>)> {
    let objects =
        |rows: Vec<Effective>| rows.into_iter().map(|row| Object::new(&EffectiveView(row)));
    found.into_iter().map(|(id, rows)| (id.to_string(), objects(rows).collect())).collect()
}

/// For includes: what is in force, beside the id of its project.
pub fn by_project(found: HashMap<ProjectId, Vec<TagBinding>>) -> Vec<(String, Vec<Object>)> {
    let objects = |rows: Vec<TagBinding>| rows.into_iter().map(|row| Object::new(&own(row)));
    found.into_iter().map(|(id, rows)| (id.to_string(), objects(rows).collect())).collect()
}

async fn list(workspace: May<can::ReadWorkspace>) -> Result<Document> {
    Ok(document(tags::bindings(&workspace.cx, &workspace).await?))
}

async fn effective(workspace: May<can::ReadWorkspace>) -> Result<Document> {
    let rows = tags::effective(&workspace.cx, &workspace).await?;
    Ok(Document::list(&rows.into_iter().map(EffectiveView).collect::<Vec<_>>()))
}

async fn add(workspace: May<can::ManageWorkspaceTags>, body: Identifiers) -> Result<Empty> {
    tags::add(&workspace.cx, &workspace, pairs(&body.0, "/data")?).await?;
    Ok(Empty)
}

/// Answers all of them, which the command line reads.
async fn add_and_show(
    workspace: May<can::ManageWorkspaceTags>,
    body: Identifiers,
) -> Result<Document> {
    let bindings = pairs(&body.0, "/data")?;
    let named: Vec<_> = bindings.iter().map(|binding| binding.key.clone()).collect();
    tags::add(&workspace.cx, &workspace, bindings).await?;
    Ok(document_in_order(&named, tags::bindings(&workspace.cx, &workspace).await?))
}

async fn replace(workspace: May<can::ManageWorkspaceTags>, body: Identifiers) -> Result<Empty> {
    tags::replace_in_workspace(&workspace.cx, &workspace, pairs(&body.0, "/data")?).await?;
    Ok(Empty)
}

async fn list_of_project(project: May<can::ReadProject>) -> Result<Document> {
    Ok(document(tags::project_bindings(&project.cx, &project).await?))
}

async fn effective_of_project(project: May<can::ReadProject>) -> Result<Document> {
    let rows = tags::project_bindings(&project.cx, &project).await?;
    Ok(Document::list(&rows.into_iter().map(own).collect::<Vec<_>>()))
}

async fn add_to_project(project: May<can::UpdateProject>, body: Identifiers) -> Result<Empty> {
    tags::add_to_project(&project.cx, &project, pairs(&body.0, "/data")?).await?;
    Ok(Empty)
}

async fn add_to_project_and_show(
    project: May<can::UpdateProject>,
    body: Identifiers,
) -> Result<Document> {
    let bindings = pairs(&body.0, "/data")?;
    let named: Vec<_> = bindings.iter().map(|binding| binding.key.clone()).collect();
    tags::add_to_project(&project.cx, &project, bindings).await?;
    Ok(document_in_order(&named, tags::project_bindings(&project.cx, &project).await?))
}

async fn replace_in_project(project: May<can::UpdateProject>, body: Identifiers) -> Result<Empty> {
    tags::replace_in_project(&project.cx, &project, pairs(&body.0, "/data")?).await?;
    Ok(Empty)
}
