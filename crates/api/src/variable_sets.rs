//! `/varsets`: of an organization, a project or a workspace

mod input;
mod scopes;
mod variables;
mod view;

use domain::{
    can,
    variable_sets::{self, Filter, Owner, Relation, Set},
};
use jsonapi::{Body, Document, Empty, Error, Query};
use serde::Deserialize;

use crate::{May, Named, Result, Routes, includes::INCLUDES, paging::paging};
use input::{Input, Relations};
pub use view::views;

pub fn routes() -> Routes {
    let one = "/api/v2/varsets/{varset_id}";
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/varsets", list)
        .post("/api/v2/organizations/{organization_name}/varsets", create)
        .get("/api/v2/projects/{project_id}/varsets", list_of_project)
        .get("/api/v2/workspaces/{workspace_id}/varsets", list_of_workspace)
        .get("/api/v2/workspaces/{workspace_id}/applicable-varsets", list_applicable)
        .get(one, show)
        .patch(one, update)
        // The documents name PUT beside PATCH, the OpenAPI document POST.
        .put(one, update)
        .post(one, update)
        .delete(one, delete)
        .merge(scopes::routes())
        .merge(variables::routes())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListParameters {
    q: Option<String>,
    filter: Filters,
    scope: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    global: Option<bool>,
}

fn unknown_scope(allowed: &str) -> Error {
    Error::bad_request("invalid query parameter", format!("scope must be one of: {allowed}"))
        .parameter("scope")
}

async fn list(
    organization: May<can::ReadOrganization>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let cx = &organization.cx;
    let filter = Filter {
        search: query.own.q.clone(),
        is_global: query.own.filter.global,
        owned: match query.own.scope.as_deref() {
            None => false,
            Some("owned") => true,
            Some(_) => return Err(unknown_scope("owned").into()),
        },
    };
    let page = variable_sets::list(cx, &organization, filter, paging(&query)).await?;
    let sets = variable_sets::with_owners(cx, page.items).await?;
    Document::page(&views(cx, sets).await?, page.total, &query, &INCLUDES, cx).await
}

async fn list_of_project(
    project: May<can::ReadProject>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let cx = &project.cx;
    let relation = match query.own.scope.as_deref() {
        None | Some("all") => Relation::All,
        Some("applied") => Relation::Applied,
        Some("shared") => Relation::Shared,
        Some("owned") => Relation::Owned,
        Some(_) => return Err(unknown_scope("applied, shared, owned, all").into()),
    };
    let search = query.own.q.as_deref();
    let page =
        variable_sets::list_of_project(cx, &project, relation, search, paging(&query)).await?;
    let sets = variable_sets::with_owners(cx, page.items).await?;
    Document::page(&views(cx, sets).await?, page.total, &query, &INCLUDES, cx).await
}

async fn list_of_workspace(
    workspace: May<can::ReadVariables>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let cx = &workspace.cx;
    let search = query.own.q.as_deref();
    let page = variable_sets::list_of_workspace(cx, &workspace, search, paging(&query)).await?;
    let sets = variable_sets::with_owners(cx, page.items).await?;
    Document::page(&views(cx, sets).await?, page.total, &query, &INCLUDES, cx).await
}

async fn list_applicable(
    workspace: May<can::ReadVariables>,
    query: Query<ListParameters>,
) -> Result<Document> {
    let cx = &workspace.cx;
    let search = query.own.q.as_deref();
    let page = variable_sets::list_applicable(cx, &workspace, search, paging(&query)).await?;
    let sets = variable_sets::with_owners(cx, page.items).await?;
    Document::page(&views(cx, sets).await?, page.total, &query, &INCLUDES, cx).await
}

async fn show(set: May<can::ReadVariableSets, Set>, query: Query) -> Result<Document> {
    let cx = set.cx;
    let view = view::view(&cx, set.granted.into_inner()).await?;
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

async fn create(
    caller: Named<can::ManageVariableSets, Owner, can::ReadOrganization>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &caller.cx;
    let parent = body.relationships.parent()?;
    let owner = variable_sets::find_owner(cx, &caller.base, parent.as_ref()).await?;
    let owner = caller.check(owner)?;
    let change = input::change(body.attributes, body.relationships)?;
    let set = variable_sets::create(cx, &owner, change).await?;
    Ok(Document::one(&view::view(cx, set).await?).created())
}

async fn update(
    set: May<can::ManageVariableSets, Set>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let change = input::change(body.attributes, body.relationships)?;
    let changed = variable_sets::update(&set.cx, &set, change).await?;
    Ok(Document::one(&view::view(&set.cx, changed).await?))
}

async fn delete(set: May<can::ManageVariableSets, Set>) -> Result<Empty> {
    variable_sets::delete(&set.cx, &set).await?;
    Ok(Empty)
}
