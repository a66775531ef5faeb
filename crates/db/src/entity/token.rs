//! API tokens; only their hashes are kept.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    column::words,
    id::{AgentPoolId, TeamId, TokenId, UserId},
};

words! {
    Kind { User = "user", Team = "team", Organization = "organization", Agent = "agent", AuditTrails = "audit-trails" }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TokenId,
    /// Hex SHA-256 of the token.
    pub hash: String,
    pub kind: Kind,
    pub user_id: Option<UserId>,
    pub team_id: Option<TeamId>,
    pub organization_name: Option<String>,
    pub agent_pool_id: Option<AgentPoolId>,
    pub description: Option<String>,
    pub created_by_id: Option<UserId>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    /// Minted for a team by somebody who could as its member only; ends when they leave it.
    pub is_members: bool,
}

super::standalone!();
