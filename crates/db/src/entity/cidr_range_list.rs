//! Lists of networks from which callers of an organization, or agents of its pools, are let in.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, column::words, id::CidrRangeListId};

words! {
    /// For whom a list counts.
    EnforcementScope {
        /// Whoever asks for something of the organization, but for agents.
        Organization = "organization",
        AllAgentPools = "all_agent_pools",
        /// Those that it is assigned to.
        SelectedAgentPools = "selected_agent_pools",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cidr_range_lists")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CidrRangeListId,
    pub organization_name: String,
    pub name: String,
    pub description: String,
    pub enforcement_scope: EnforcementScope,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
