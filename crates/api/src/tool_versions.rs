//! `/admin/terraform-versions`

use domain::{
    In, Site, Timestamp, can,
    entity::tool_version::Archive,
    row::ToolVersion,
    tool_versions::{self, Change, Filter, Used},
};
use jsonapi::{Body, Document, Empty, Field, Query, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/admin/terraform-versions", list)
        .post("/api/v2/admin/terraform-versions", create)
        .get("/api/v2/admin/terraform-versions/{terraform_version_id}", show)
        .patch("/api/v2/admin/terraform-versions/{terraform_version_id}", update)
        .delete("/api/v2/admin/terraform-versions/{terraform_version_id}", delete)
}

/// A version on the wire.
struct View(Used);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    version: &'a str,
    url: Option<&'a str>,
    sha: Option<&'a str>,
    deprecated: bool,
    deprecated_reason: Option<&'a str>,
    official: bool,
    enabled: bool,
    beta: bool,
    usage: u64,
    created_at: Timestamp,
    archs: Vec<Archive>,
}

impl Resource for View {
    const TYPE: &'static str = "terraform-versions";

    fn id(&self) -> String {
        self.0.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.0.row;
        Attributes {
            version: &row.version,
            url: row.url.as_deref(),
            sha: row.sha.as_deref(),
            deprecated: row.deprecated,
            deprecated_reason: row.deprecated_reason.as_deref(),
            official: row.official,
            enabled: row.enabled,
            beta: row.beta,
            usage: self.0.workspaces,
            created_at: row.created_at,
            archs: self.0.archs(),
        }
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/admin/terraform-versions/{}", self.0.row.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListParameters {
    filter: ByVersion,
    search: ByVersion,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ByVersion {
    version: Option<String>,
}

impl ByVersion {
    fn text(&self) -> Option<String> {
        self.version.clone().filter(|text| !text.is_empty())
    }
}

async fn list(site: May<can::ManageSite>, query: Query<ListParameters>) -> Result<Document> {
    let filter = Filter { version: query.own.filter.text(), search: query.own.search.text() };
    let paging = paging(&query);
    let page = tool_versions::list(&site.cx, &site, filter, paging).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &site.cx).await
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    version: Option<String>,
    url: Option<String>,
    sha: Option<String>,
    archs: Option<Vec<Archive>>,
    official: Option<bool>,
    enabled: Option<bool>,
    beta: Option<bool>,
    deprecated: Option<bool>,
    deprecated_reason: Field<String>,
}

impl Typed for Input {
    const TYPE: &'static str = "terraform-versions";
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        Self {
            version: input.version,
            url: input.url.filter(|text| !text.is_empty()),
            sha: input.sha.filter(|text| !text.is_empty()),
            archs: input.archs,
            official: input.official,
            enabled: input.enabled,
            beta: input.beta,
            deprecated: input.deprecated,
            deprecated_reason: input.deprecated_reason.into_change(),
        }
    }
}

async fn create(site: May<can::ManageSite>, body: Body<Input>) -> Result<Document> {
    let used = tool_versions::create(&site.cx, &site, body.attributes.into()).await?;
    Ok(Document::one(&View(used)).created())
}

async fn show(version: May<can::ManageSite, In<ToolVersion, Site>>) -> Result<Document> {
    Ok(Document::one(&View(tool_versions::used(&version.cx, version.granted).await?)))
}

async fn update(
    version: May<can::ManageSite, In<ToolVersion, Site>>,
    body: Body<Input>,
) -> Result<Document> {
    let used = tool_versions::update(&version.cx, &version, body.attributes.into()).await?;
    Ok(Document::one(&View(used)))
}

async fn delete(version: May<can::ManageSite, In<ToolVersion, Site>>) -> Result<Empty> {
    tool_versions::delete(&version.cx, &version).await?;
    Ok(Empty)
}
