//! `/organizations/:org/tags`

use domain::{
    In, Timestamp, can,
    id::WorkspaceId,
    row::{Organization, Tag},
    tags::{self, Known},
};
use jsonapi::{Document, Empty, Identifiers, Query, Relationships, Resource};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{ById, Searched},
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/tags", list)
        .delete("/api/v2/organizations/{organization_name}/tags", delete)
        .post("/api/v2/tags/{tag_id}/relationships/workspaces", add_workspaces)
}

/// A tag as the organization knows it.
struct View(Known);

impl Resource for View {
    const TYPE: &'static str = "tags";

    fn id(&self) -> String {
        self.0.row.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            name: &'a str,
            created_at: Timestamp,
            instance_count: u64,
        }
        let Known { row, workspaces } = &self.0;
        Attributes { name: &row.name, created_at: row.created_at, instance_count: *workspaces }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("organization", "organizations", Some(&self.0.row.organization_name));
    }

    fn path(&self) -> Option<String> {
        None
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Filters {
    exclude: Exclude,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Exclude {
    taggable: ById,
}

async fn list(
    organization: May<can::ReadOrganization>,
    query: Query<Searched<Filters>>,
) -> Result<Document> {
    let cx = &organization.cx;
    // What is no workspace's id leaves nothing out; clients send others.
    let without = query.own.filter.exclude.taggable.id.as_deref();
    let without = without.and_then(|id| id.parse::<WorkspaceId>().ok());
    let paging = paging(&query);
    let search = query.own.q.as_deref();
    let page =
        tags::list_of_organization(cx, &organization, search, without.as_ref(), paging).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, cx).await
}

async fn delete(organization: May<can::ManageTags>, body: Identifiers) -> Result<Empty> {
    tags::delete(&organization.cx, &organization, body.parsed("tags")?).await?;
    Ok(Empty)
}

async fn add_workspaces(
    tag: May<can::ReadOrganization, In<Tag, Organization>>,
    body: Identifiers,
) -> Result<Empty> {
    tags::add_workspaces(&tag.cx, &tag, &body.parsed::<WorkspaceId>("workspaces")?).await?;
    Ok(Empty)
}
