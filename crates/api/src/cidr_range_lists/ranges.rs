//! `/cidr-ranges`: the networks of a list.

use domain::{
    Timestamp, can,
    cidr_range_lists::{
        self,
        ranges::{self, Change, Held},
    },
    row::CidrRange,
};
use jsonapi::{Body, Document, Empty, Field, Query, Relationships, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    let of_list = "/api/v2/cidr-range-lists/{cidr_range_list_id}/relationships/cidr-ranges";
    Routes::default()
        .get(of_list, list)
        .post(of_list, create)
        .get("/api/v2/cidr-ranges/{cidr_range_id}", show)
        .patch("/api/v2/cidr-ranges/{cidr_range_id}", update)
        .delete("/api/v2/cidr-ranges/{cidr_range_id}", delete)
}

/// A range on the wire, with the name of its organization.
pub struct View(pub CidrRange, pub String);

impl Resource for View {
    const TYPE: &'static str = "cidr-ranges";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            range: &'a str,
            description: Option<&'a str>,
            enabled: bool,
            updated_at: Timestamp,
        }
        let Self(row, _) = self;
        Attributes {
            range: &row.range,
            description: row.description.as_deref(),
            enabled: row.enabled,
            updated_at: row.updated_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let Self(row, organization) = self;
        let related = format!("/api/v2/organizations/{organization}");
        to.one_with_link("organization", "organizations", Some(organization), related);
        let list = &row.cidr_range_list_id;
        let related = format!("/api/v2/cidr-range-lists/{list}");
        to.one_with_link("cidr-range-list", "cidr-range-lists", Some(list), related);
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/cidr-ranges/{}", self.0.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Input {
    range: Option<String>,
    #[serde(deserialize_with = "jsonapi::prose")]
    description: Field<String>,
    enabled: Option<bool>,
}

impl Typed for Input {
    const TYPE: &'static str = "cidr-ranges";
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        Self {
            range: input.range,
            description: input.description.into_change(),
            enabled: input.enabled,
        }
    }
}

async fn list(
    of: May<can::ManageCidrRangeLists, cidr_range_lists::Held>,
    query: Query,
) -> Result<Document> {
    let cx = &of.cx;
    let page = ranges::list(cx, &of, paging(&query)).await?;
    let page = page.map(|row| View(row, of.organization_name.clone()));
    Document::page(&page.items, page.total, &query, &INCLUDES, cx).await
}

async fn create(
    of: May<can::ManageCidrRangeLists, cidr_range_lists::Held>,
    body: Body<Input>,
) -> Result<Document> {
    let row = ranges::create(&of.cx, &of, body.attributes.into()).await?;
    Ok(Document::one(&View(row, of.organization_name.clone())).created())
}

async fn show(held: May<can::ManageCidrRangeLists, Held>, query: Query) -> Result<Document> {
    let cx = held.cx;
    let Held { row, of } = held.granted.into_inner();
    Document::one_with(&View(row, of.name), &query, &INCLUDES, &cx).await
}

async fn update(held: May<can::ManageCidrRangeLists, Held>, body: Body<Input>) -> Result<Document> {
    let row = ranges::update(&held.cx, &held, body.attributes.into()).await?;
    Ok(Document::one(&View(row, held.of.name.clone())))
}

async fn delete(held: May<can::ManageCidrRangeLists, Held>) -> Result<Empty> {
    ranges::delete(&held.cx, &held).await?;
    Ok(Empty)
}
