//! `/agent-pools/:id/authentication-tokens`: what agents show to work for a pool.

use domain::{
    In, accounts, can,
    row::{AgentPool, Organization},
};
use jsonapi::{Body, Document, Query};

use crate::{
    May, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    tokens::{Input, View},
};

pub fn routes() -> Routes {
    const PATH: &str = "/api/v2/agent-pools/{agent_pool_id}/authentication-tokens";
    Routes::default().get(PATH, list).post(PATH, create)
}

async fn list(
    pool: May<can::ManageAgentPools, In<AgentPool, Organization>>,
    query: Query,
) -> Result<Document> {
    let page = accounts::agent_tokens(&pool.cx, &pool, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View::from).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &pool.cx).await
}

async fn create(
    pool: May<can::ManageAgentPools, In<AgentPool, Organization>>,
    body: Body<Input>,
) -> Result<Document> {
    let minted = accounts::create_agent_token(&pool.cx, &pool, body.attributes.into()).await?;
    Ok(Document::one(&View::from(minted)).created())
}
