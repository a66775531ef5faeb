//! Agents of an organization's own, under one name.

use sea_orm::entity::prelude::*;

use super::run_limits::RunLimits;
use crate::{Json, Timestamp, id::AgentPoolId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agent_pools")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AgentPoolId,
    pub organization_name: String,
    pub name: String,
    /// Every workspace of the organization may use it, but for those that are excluded.
    pub organization_scoped: bool,
    /// Of what runs on its agents.
    pub run_limits: Json<RunLimits>,
    pub created_at: Timestamp,
}

super::standalone!();
