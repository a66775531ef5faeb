//! `/reserved-tag-keys`, which the documents also call `/reserved-tags`

use domain::{
    In, Timestamp, can,
    row::{Organization, ReservedTagKey},
    tags::{self, ReservedChange},
};
use jsonapi::{Body, Document, Empty, Query, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/reserved-tag-keys", list)
        .post("/api/v2/organizations/{organization_name}/reserved-tag-keys", create)
        .patch("/api/v2/reserved-tag-keys/{reserved_tag_key_id}", update)
        .delete("/api/v2/reserved-tag-keys/{reserved_tag_key_id}", delete)
        .patch("/api/v2/reserved-tags/{reserved_tag_key_id}", update)
        .delete("/api/v2/reserved-tags/{reserved_tag_key_id}", delete)
}

/// A reserved key on the wire.
struct View(ReservedTagKey);

impl Resource for View {
    const TYPE: &'static str = "reserved-tag-keys";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            key: &'a str,
            disable_overrides: bool,
            created_at: Timestamp,
            updated_at: Timestamp,
        }
        let row = &self.0;
        Attributes {
            key: &row.tag_key,
            disable_overrides: row.disable_overrides,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/reserved-tag-keys/{}", self.0.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    key: Option<String>,
    disable_overrides: Option<bool>,
}

impl Typed for Input {
    const TYPE: &'static str = "reserved-tag-keys";
}

impl From<Input> for ReservedChange {
    fn from(input: Input) -> Self {
        Self { key: input.key, disable_overrides: input.disable_overrides }
    }
}

async fn list(organization: May<can::ReadOrganization>, query: Query) -> Result<Document> {
    let paging = paging(&query);
    let page = tags::list_reserved(&organization.cx, &organization, paging).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &organization.cx).await
}

async fn create(organization: May<can::ManageTags>, body: Body<Input>) -> Result<Document> {
    let change = body.attributes.into();
    let row = tags::create_reserved(&organization.cx, &organization, change).await?;
    Ok(Document::one(&View(row)).created())
}

async fn update(
    key: May<can::ManageTags, In<ReservedTagKey, Organization>>,
    body: Body<Input>,
) -> Result<Document> {
    let row = tags::update_reserved(&key.cx, &key, body.attributes.into()).await?;
    Ok(Document::one(&View(row)))
}

async fn delete(key: May<can::ManageTags, In<ReservedTagKey, Organization>>) -> Result<Empty> {
    tags::delete_reserved(&key.cx, &key).await?;
    Ok(Empty)
}
