//! Agents that have introduced themselves.

use sea_orm::entity::prelude::*;

use crate::{
    Json, Timestamp,
    id::{AgentId, AgentPoolId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AgentId,
    pub agent_pool_id: Option<AgentPoolId>,
    pub name: String,
    pub version: String,
    /// Stays the same over the restarts of one agent.
    pub instance: String,
    /// The engines that it has at hand.
    pub engines: Json<Vec<String>>,
    pub last_ping_at: Timestamp,
    /// As it says itself: the address by which it reaches the server.
    pub ip_address: Option<String>,
    /// It said goodbye.
    pub has_exited: bool,
    pub created_at: Timestamp,
}

super::standalone!();
