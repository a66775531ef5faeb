//! Agents that have introduced themselves.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Json, Timestamp,
    id::{AgentId, AgentPoolId},
};

/// What an agent can do, in words that this server need not know all of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Abilities {
    /// The version of the protocol that it speaks.
    pub protocol: u32,
    /// Kinds of jobs.
    pub jobs: Vec<String>,
    /// Kinds of engines that it can fetch and run, beside those that it has at hand.
    pub engines: Vec<String>,
    /// In the words of the engines' own releases: `linux`, `amd64`.
    pub os: String,
    pub arch: String,
}

/// What agents could do before they said.
impl Default for Abilities {
    fn default() -> Self {
        Self {
            protocol: 1,
            jobs: vec!["plan".into(), "apply".into()],
            engines: vec!["terraform".into(), "tofu".into()],
            os: "linux".into(),
            arch: "amd64".into(),
        }
    }
}

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
    pub abilities: Json<Abilities>,
    pub last_ping_at: Timestamp,
    /// As it says itself: the address by which it reaches the server.
    pub ip_address: Option<String>,
    /// It said goodbye.
    pub has_exited: bool,
    pub created_at: Timestamp,
}

super::standalone!();
