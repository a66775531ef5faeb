//! `/cidr-range-lists`: from where an organization and its agent pools are reached.

pub mod ranges;

use domain::{
    Ctx, Timestamp, can,
    cidr_range_lists::{self, Change, Details, Held},
    entity::cidr_range_list::EnforcementScope,
    row::CidrRangeList,
};
use jsonapi::{
    Body, Document, Empty, Field, Identifiers, Query, Relationships, Resource, Typed, Unsupported,
};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging, parameters::text};

pub fn routes() -> Routes {
    let pools = "/api/v2/cidr-range-lists/{cidr_range_list_id}/relationships/agent-pools";
    Routes::default()
        .get("/api/v2/organizations/{organization_name}/cidr-range-lists", list)
        .post("/api/v2/organizations/{organization_name}/cidr-range-lists", create)
        .get("/api/v2/cidr-range-lists/{cidr_range_list_id}", show)
        .patch("/api/v2/cidr-range-lists/{cidr_range_list_id}", update)
        .delete("/api/v2/cidr-range-lists/{cidr_range_list_id}", delete)
        .post(pools, assign)
        .delete(pools, unassign)
        .merge(ranges::routes())
}

/// A list on the wire.
pub struct View(Details);

pub async fn views(cx: &Ctx, rows: Vec<CidrRangeList>) -> Result<Vec<View>> {
    Ok(cidr_range_lists::details(cx, rows).await?.into_iter().map(View).collect())
}

async fn view(cx: &Ctx, row: CidrRangeList) -> Result<View> {
    Ok(views(cx, vec![row]).await?.swap_remove(0))
}

impl Resource for View {
    const TYPE: &'static str = "cidr-range-lists";

    fn id(&self) -> String {
        self.0.list.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            name: &'a str,
            description: &'a str,
            enforcement_scope: EnforcementScope,
            updated_at: Timestamp,
        }
        let list = &self.0.list;
        Attributes {
            name: &list.name,
            description: &list.description,
            enforcement_scope: list.enforcement_scope,
            updated_at: list.updated_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        let Details { list, ranges, agent_pools } = &self.0;
        let organization = &list.organization_name;
        let related = format!("/api/v2/organizations/{organization}");
        to.one_with_link("organization", "organizations", Some(organization), related);
        let related = format!("/api/v2/cidr-range-lists/{}/relationships/cidr-ranges", list.id);
        to.many_with_link("cidr-ranges", "cidr-ranges", ranges, related);
        to.many("agent-pools", "agent-pools", agent_pools);
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/cidr-range-lists/{}", self.0.list.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Search {
    q: Option<String>,
}

async fn list(
    organization: May<can::ManageCidrRangeLists>,
    query: Query<Search>,
) -> Result<Document> {
    let cx = &organization.cx;
    let search = text(query.own.q.as_deref());
    let page = cidr_range_lists::list(cx, &organization, search.as_deref(), paging(&query)).await?;
    Document::page(&views(cx, page.items).await?, page.total, &query, &INCLUDES, cx).await
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Input {
    name: Option<String>,
    #[serde(deserialize_with = "jsonapi::prose")]
    description: Field<String>,
    enforcement_scope: Option<EnforcementScope>,
}

impl Typed for Input {
    const TYPE: &'static str = "cidr-range-lists";
    const UNSUPPORTED: &'static [Unsupported] = &[
        ("relationships/agent-pools", "are assigned by requests to relationships/agent-pools"),
        ("relationships/cidr-ranges", "are added by requests to relationships/cidr-ranges"),
    ];
}

impl From<Input> for Change {
    fn from(input: Input) -> Self {
        Self {
            name: input.name,
            description: input.description.into_change().map(Option::unwrap_or_default),
            enforcement_scope: input.enforcement_scope,
        }
    }
}

async fn create(
    organization: May<can::ManageCidrRangeLists>,
    body: Body<Input>,
) -> Result<Document> {
    let cx = &organization.cx;
    let row = cidr_range_lists::create(cx, &organization, body.attributes.into()).await?;
    Ok(Document::one(&view(cx, row).await?).created())
}

async fn show(held: May<can::ManageCidrRangeLists, Held>, query: Query) -> Result<Document> {
    let cx = held.cx;
    let view = view(&cx, held.granted.into_inner().row).await?;
    Document::one_with(&view, &query, &INCLUDES, &cx).await
}

async fn update(held: May<can::ManageCidrRangeLists, Held>, body: Body<Input>) -> Result<Document> {
    let row = cidr_range_lists::update(&held.cx, &held, body.attributes.into()).await?;
    Ok(Document::one(&view(&held.cx, row).await?))
}

async fn delete(held: May<can::ManageCidrRangeLists, Held>) -> Result<Empty> {
    cidr_range_lists::delete(&held.cx, &held).await?;
    Ok(Empty)
}

async fn assign(held: May<can::ManageCidrRangeLists, Held>, body: Identifiers) -> Result<Empty> {
    cidr_range_lists::assign(&held.cx, &held, body.parsed("agent-pools")?).await?;
    Ok(Empty)
}

async fn unassign(held: May<can::ManageCidrRangeLists, Held>, body: Identifiers) -> Result<Empty> {
    cidr_range_lists::unassign(&held.cx, &held, body.parsed("agent-pools")?).await?;
    Ok(Empty)
}
