//! `/policy-sets`: which policies count, and where

mod input;
mod members;
mod parameters;
mod versions;
mod view;

use domain::{
    In, can,
    policy_sets::{self, Filter},
    row::{Organization, PolicySet},
};
use jsonapi::{Body, Document, Empty, Query};
use serde::Deserialize;

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, policies};
use input::{Input, Relations};
pub use versions::View as VersionView;
pub use view::views;

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/policy-sets", list)
        .post("/api/v2/organizations/{organization_name}/policy-sets", create)
        .get("/api/v2/policy-sets/{policy_set_id}", show)
        .patch("/api/v2/policy-sets/{policy_set_id}", update)
        .delete("/api/v2/policy-sets/{policy_set_id}", delete)
        .merge(members::routes())
        .merge(parameters::routes())
        .merge(versions::routes())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    filter: Filters,
    search: policies::Search,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    kind: Option<String>,
    versioned: Option<bool>,
}

async fn list(organization: May<can::ReadPolicies>, query: Query<Parameters>) -> Result<Document> {
    let cx = &organization.cx;
    let Some(kind) = policies::kind(query.own.filter.kind.as_deref()) else {
        return Document::page::<view::View, _, _, _>(&[], 0, &query, &INCLUDES, cx).await;
    };
    let Filters { versioned, .. } = query.own.filter;
    let filter = Filter { kind, versioned, search: query.own.search.name.clone() };
    let page = policy_sets::list(cx, &organization, filter, paging(&query)).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn create(
    organization: May<can::ManagePolicies>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let cx = &organization.cx;
    let relations = body.relationships.read()?;
    let row = policy_sets::create(cx, &organization, body.attributes.into(), relations).await?;
    Ok(Document::one(&view::view(cx, row).await?).created())
}

async fn show(
    set: May<can::ReadPolicies, In<PolicySet, Organization>>,
    query: Query,
) -> Result<Document> {
    let view = view::view(&set.cx, set.granted.into_inner().row).await?;
    Document::one_with(&view, &query, &INCLUDES, &set.cx).await
}

async fn update(
    set: May<can::ManagePolicies, In<PolicySet, Organization>>,
    body: Body<Input, Relations>,
) -> Result<Document> {
    let row = policy_sets::update(&set.cx, &set, body.attributes.into()).await?;
    Ok(Document::one(&view::view(&set.cx, row).await?))
}

async fn delete(set: May<can::ManagePolicies, In<PolicySet, Organization>>) -> Result<Empty> {
    policy_sets::delete(&set.cx, &set).await?;
    Ok(Empty)
}
