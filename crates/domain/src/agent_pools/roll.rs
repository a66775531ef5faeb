//! The agents of a pool: who is there, who works, and who is not heard of any more.

use std::collections::HashSet;

use db::{
    Timestamp,
    entity::{agent, job},
    id::AgentId,
    page,
    sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect},
};
use serde_json::json;

use crate::{
    Ctx, Error, Found, Granted, Happened, In, Order, Page, Paging, Result, Subject, can,
    row::{Agent, AgentPool, Organization},
};

/// An agent that claims nothing for this long is not there: it asks twice a minute.
const HEARD_OF_SECONDS: i64 = 90;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Idle,
    Busy,
    /// Not heard of for a while.
    Unknown,
    /// It said goodbye.
    Exited,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Unknown => "unknown",
            Self::Exited => "exited",
        }
    }
}

/// An agent with what it does.
#[derive(Clone, Debug)]
pub struct HeldAgent {
    pub agent: Agent,
    pub status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentSort {
    Name,
    CreatedAt,
    LastPingAt,
}

/// The agents of a pool that were heard of since a time, if one is given.
pub async fn agents(
    cx: &Ctx,
    pool: &Granted<can::ReadAgentPools, In<AgentPool, Organization>>,
    since: Option<Timestamp>,
    (sort, order): (AgentSort, Order),
    paging: Paging,
) -> Result<Page<HeldAgent>> {
    use agent::Column as C;
    let mut query = agent::Entity::find().filter(C::AgentPoolId.eq(&pool.id));
    if let Some(since) = since {
        query = query.filter(C::LastPingAt.gte(since));
    }
    let query = match sort {
        AgentSort::Name => query.order_by(C::Name, order.into()),
        AgentSort::CreatedAt => query.order_by(C::CreatedAt, order.into()),
        AgentSort::LastPingAt => query.order_by(C::LastPingAt, order.into()),
    };
    let query = query.order_by_asc(C::Id);
    let page = page(cx.read(), query, paging).await?;
    Ok(Page { total: page.total, items: with_status(cx, page.items).await? })
}

async fn with_status(cx: &Ctx, agents: Vec<Agent>) -> Result<Vec<HeldAgent>> {
    let busy: Vec<AgentId> = job::Entity::find()
        .select_only()
        .column(job::Column::AgentId)
        .filter(job::Column::AgentId.is_in(agents.iter().map(|agent| &agent.id)))
        .filter(job::Column::Status.ne(job::Status::Finished))
        .filter(job::Column::LeasedUntil.gt(cx.now()))
        .into_tuple()
        .all(cx.read())
        .await?;
    let busy: HashSet<_> = busy.into_iter().collect();
    let lately = cx.now().plus_seconds(-HEARD_OF_SECONDS);
    Ok(agents
        .into_iter()
        .map(|agent| {
            let status = if busy.contains(&agent.id) {
                Status::Busy
            } else if agent.has_exited {
                Status::Exited
            } else if agent.last_ping_at < lately {
                Status::Unknown
            } else {
                Status::Idle
            };
            HeldAgent { agent, status }
        })
        .collect())
}

/// The agent, with the organization of its pool. Those of the site are in none.
pub async fn find_agent(cx: &Ctx, id: &AgentId) -> Result<Found<In<HeldAgent, Organization>>> {
    let row = agent::Entity::find_by_id(id.clone()).one(cx.read()).await?;
    let row = row.ok_or(Error::NotFound)?;
    let pool = row.agent_pool_id.clone().ok_or(Error::NotFound)?;
    let of = super::find(cx, &pool).await?.into_unchecked().of;
    let mut held = with_status(cx, vec![row]).await?;
    Ok(Found::new(In { row: held.swap_remove(0), of }))
}

/// Strikes an agent off the roll.
///
/// # Errors
/// PreconditionFailed while it is there.
pub async fn delete_agent(
    cx: &Ctx,
    agent: &Granted<can::ManageAgentPools, In<HeldAgent, Organization>>,
) -> Result<()> {
    if matches!(agent.row.status, Status::Idle | Status::Busy) {
        let status = agent.row.status.as_str();
        return Err(Error::PreconditionFailed(format!(
            "The agent is {status}. Only one that has ended can be deleted."
        )));
    }
    let tx = cx.write().await?;
    let id = agent.row.agent.id.clone();
    let row = tx.lock::<agent::Entity>(id).await?.ok_or(Error::NotFound)?;
    let subject = Subject {
        kind: "agents",
        id: row.id.as_str(),
        organization: Some(&agent.of.name),
        ..Subject::default()
    };
    tx.emit(Happened::AgentDeleted, subject, json!({ "name": row.name })).await?;
    tx.delete(row).await?;
    tx.commit().await
}
