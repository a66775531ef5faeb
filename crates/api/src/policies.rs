//! `/policies`, and their code

use axum::{
    body::Body as Raw,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Ctx, In, Order, Timestamp,
    archivist::{self, Content},
    can,
    entity::policy::{Enforcement, Kind},
    id::PolicySetId,
    policies::{self, Change, Enforce, Filter},
    row::{Organization, Policy},
};
use jsonapi::{Body, Document, Empty, Field, Links, Query, Relationships, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, parameters::sorted};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/policies", list)
        .post("/api/v2/organizations/{organization_name}/policies", create)
        .get("/api/v2/policies/{policy_id}", show)
        .patch("/api/v2/policies/{policy_id}", update)
        .delete("/api/v2/policies/{policy_id}", delete)
        .put("/api/v2/policies/{policy_id}/upload", upload)
        .get("/api/v2/policies/{policy_id}/download", download)
}

/// A policy on the wire.
pub struct View {
    row: Policy,
    sets: Vec<PolicySetId>,
}

/// With the sets that they are in, read at once.
pub async fn views(cx: &Ctx, rows: Vec<Policy>) -> Result<Vec<View>> {
    let mut sets = policies::sets_of(cx, &rows).await?;
    Ok(rows
        .into_iter()
        .map(|row| View { sets: sets.remove(&row.id).unwrap_or_default(), row })
        .collect())
}

async fn view(cx: &Ctx, row: Policy) -> Result<View> {
    Ok(views(cx, vec![row]).await?.swap_remove(0))
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    name: &'a str,
    description: Option<&'a str>,
    kind: Kind,
    query: Option<&'a str>,
    enforcement_level: Enforcement,
    /// Empty until there is code.
    enforce: Vec<Enforced<'a>>,
    policy_set_count: usize,
    /// Of the code.
    updated_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Enforced<'a> {
    path: &'a str,
    mode: Enforcement,
}

impl Resource for View {
    const TYPE: &'static str = "policies";

    fn id(&self) -> String {
        self.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.row;
        let enforced = Enforced { path: &row.path, mode: row.enforcement_level };
        Attributes {
            name: &row.name,
            description: row.description.as_deref(),
            kind: row.kind,
            query: row.query.as_deref(),
            enforcement_level: row.enforcement_level,
            enforce: row.code_id.iter().map(|_| Enforced { ..enforced }).collect(),
            policy_set_count: self.sets.len(),
            updated_at: row.code_updated_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let organization = &self.row.organization_name;
        let related = format!("/api/v2/organizations/{organization}");
        to.one_with_link("organization", "organizations", Some(organization), related);
        to.many("policy-sets", "policy-sets", &self.sets);
    }

    fn links(&self, to: &mut Links) {
        let here = format!("/api/v2/policies/{}", self.row.id);
        to.add("upload", format!("{here}/upload"));
        if self.row.code_id.is_some() {
            to.add("download", format!("{here}/download"));
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    name: Option<String>,
    #[serde(deserialize_with = "jsonapi::prose")]
    description: Field<String>,
    kind: Option<Kind>,
    #[serde(deserialize_with = "jsonapi::prose")]
    query: Field<String>,
    enforcement_level: Option<Enforcement>,
    enforce: Option<Vec<EnforceInput>>,
}

impl Typed for Input {
    const TYPE: &'static str = "policies";
}

#[derive(Deserialize)]
struct EnforceInput {
    #[serde(default)]
    path: String,
    mode: Enforcement,
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        let enforce = |input: EnforceInput| Enforce { path: input.path, mode: input.mode };
        Self {
            name: input.name,
            description: input.description.into_change(),
            kind: input.kind,
            query: input.query.into_change(),
            enforcement_level: input.enforcement_level,
            enforce: input.enforce.map(|all| all.into_iter().map(enforce).collect()),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    filter: Filters,
    search: Search,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    kind: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Search {
    pub name: Option<String>,
}

/// The kind that a list is filtered by; `None` for one that nobody has, and so for an empty list.
pub fn kind(word: Option<&str>) -> Option<Option<Kind>> {
    match word.filter(|word| !word.is_empty()) {
        None => Some(None),
        Some(word) => word.parse().ok().map(Some),
    }
}

async fn list(organization: May<can::ReadPolicies>, query: Query<Parameters>) -> Result<Document> {
    let cx = &organization.cx;
    let Some(kind) = kind(query.own.filter.kind.as_deref()) else {
        return Document::page::<View, _, _, _>(&[], 0, &query, &INCLUDES, cx).await;
    };
    let order = sorted(&query, &[("name", ())])?.map_or(Order::Ascending, |((), order)| order);
    let filter = Filter { kind, search: query.own.search.name.clone() };
    let page = policies::list(cx, &organization, filter, order, paging(&query)).await?;
    let views = views(cx, page.items).await?;
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn create(organization: May<can::ManagePolicies>, body: Body<Input>) -> Result<Document> {
    let cx = &organization.cx;
    let row = policies::create(cx, &organization, body.attributes.into()).await?;
    Ok(Document::one(&view(cx, row).await?).created())
}

async fn show(
    policy: May<can::ReadPolicies, In<Policy, Organization>>,
    query: Query,
) -> Result<Document> {
    let view = view(&policy.cx, policy.granted.into_inner().row).await?;
    Document::one_with(&view, &query, &INCLUDES, &policy.cx).await
}

async fn update(
    policy: May<can::ManagePolicies, In<Policy, Organization>>,
    body: Body<Input>,
) -> Result<Document> {
    let row = policies::update(&policy.cx, &policy, body.attributes.into()).await?;
    Ok(Document::one(&view(&policy.cx, row).await?))
}

async fn delete(policy: May<can::ManagePolicies, In<Policy, Organization>>) -> Result<Empty> {
    policies::delete(&policy.cx, &policy).await?;
    Ok(Empty)
}

async fn upload(
    policy: May<can::ManagePolicies, In<Policy, Organization>>,
    code: Raw,
) -> Result<Document> {
    let cx = &policy.cx;
    let row = Box::pin(policies::receive(cx, &policy, code.into_data_stream())).await?;
    Ok(Document::one(&view(cx, row).await?))
}

async fn download(policy: May<can::ReadPolicies, In<Policy, Organization>>) -> Result<Response> {
    let id = policy.code_id.as_ref().ok_or(domain::Error::NotFound)?;
    let address = archivist::address(&policy.cx, Content::PolicyCode, id);
    Ok(Redirect::temporary(&address).into_response())
}
