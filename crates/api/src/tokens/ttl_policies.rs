//! `/organizations/:name/token-ttl-policies`: how long tokens may live in an organization that limits it.

use domain::{
    Page, Timestamp, accounts, can, entity::token_ttl_policy::TokenType, row::TokenTtlPolicy,
};
use jsonapi::{Body, Document, Query, Resource, Typed};
use serde::{Deserialize, Serialize};

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    const PATH: &str = "/api/v2/organizations/{organization_name}/token-ttl-policies";
    Routes::default().get(PATH, list).patch(PATH, update)
}

struct View {
    organization_id: String,
    row: TokenTtlPolicy,
}

impl Resource for View {
    const TYPE: &'static str = "organization-token-ttl-policies";

    /// An organization has exactly one of each type, even before it is set.
    fn id(&self) -> String {
        format!("{}-{}", self.organization_id, self.row.token_type)
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes {
            token_type: TokenType,
            max_ttl_ms: i64,
            created_at: Timestamp,
            updated_at: Timestamp,
        }
        let row = &self.row;
        Attributes {
            token_type: row.token_type,
            max_ttl_ms: row.max_ttl_ms,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    fn path(&self) -> Option<String> {
        None
    }
}

async fn all(organization: &May<can::ManageTokenTtl>) -> Result<Vec<View>> {
    let rows = accounts::ttl_policies(&organization.cx, organization).await?;
    let view = |row| View { organization_id: organization.id.to_string(), row };
    Ok(rows.into_iter().map(view).collect())
}

async fn list(organization: May<can::ManageTokenTtl>, query: Query) -> Result<Document> {
    let page = Page::of(all(&organization).await?, paging(&query));
    Document::page(&page.items, page.total, &query, &INCLUDES, &organization.cx).await
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Input {
    token_ttl_policies: Vec<Limit>,
}

impl Typed for Input {
    const TYPE: &'static str = "organization-token-ttl-policies";
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Limit {
    token_type: TokenType,
    max_ttl_ms: i64,
}

async fn update(organization: May<can::ManageTokenTtl>, body: Body<Input>) -> Result<Document> {
    let limits = body.attributes.token_ttl_policies.into_iter();
    let limits = limits.map(|limit| (limit.token_type, limit.max_ttl_ms)).collect();
    accounts::set_ttl_policies(&organization.cx, &organization, limits).await?;
    Ok(Document::list(&all(&organization).await?))
}
