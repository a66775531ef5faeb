//! `/agents`: who works for a pool.

use domain::{
    In, Order, Timestamp,
    agent_pools::{self, AgentSort, HeldAgent},
    can,
    row::{AgentPool, Organization},
};
use jsonapi::{Document, Empty, Query, Resource};
use serde::{Deserialize, Serialize};

use crate::{
    May, Result, Routes,
    includes::INCLUDES,
    paging::paging,
    parameters::{Filtered, sorted},
};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/agent-pools/{agent_pool_id}/agents", list)
        .get("/api/v2/agents/{agent_id}", show)
        .delete("/api/v2/agents/{agent_id}", delete)
}

struct View(HeldAgent);

impl Resource for View {
    const TYPE: &'static str = "agents";

    fn id(&self) -> String {
        self.0.agent.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        #[derive(Serialize)]
        #[serde(rename_all = "kebab-case")]
        struct Attributes<'a> {
            name: &'a str,
            status: &'a str,
            ip_address: Option<&'a str>,
            last_ping_at: Timestamp,
            created_at: Timestamp,
        }
        let HeldAgent { agent, status } = &self.0;
        Attributes {
            name: &agent.name,
            status: status.as_str(),
            ip_address: agent.ip_address.as_deref(),
            last_ping_at: agent.last_ping_at,
            created_at: agent.created_at,
        }
    }

    fn path(&self) -> Option<String> {
        Some(format!("/api/v2/agents/{}", self.0.agent.id))
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Filters {
    last_ping_since: Option<Timestamp>,
}

async fn list(
    pool: May<can::ReadAgentPools, In<AgentPool, Organization>>,
    query: Query<Filtered<Filters>>,
) -> Result<Document> {
    let keys = [
        ("name", AgentSort::Name),
        ("created-at", AgentSort::CreatedAt),
        ("last-ping-at", AgentSort::LastPingAt),
    ];
    let sort = sorted(&query, &keys)?.unwrap_or((AgentSort::CreatedAt, Order::Ascending));
    let since = query.own.filter.last_ping_since;
    let paging = paging(&query);
    let page = agent_pools::agents(&pool.cx, &pool, since, sort, paging).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &pool.cx).await
}

async fn show(agent: May<can::ReadAgentPools, In<HeldAgent, Organization>>) -> Result<Document> {
    Ok(Document::one(&View(agent.granted.into_inner().row)))
}

async fn delete(agent: May<can::ManageAgentPools, In<HeldAgent, Organization>>) -> Result<Empty> {
    agent_pools::delete_agent(&agent.cx, &agent).await?;
    Ok(Empty)
}
