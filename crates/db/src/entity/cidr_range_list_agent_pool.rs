//! Agent pools that a list of networks is assigned to.

use sea_orm::entity::prelude::*;

use crate::id::{AgentPoolId, CidrRangeListId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "cidr_range_list_agent_pools")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub cidr_range_list_id: CidrRangeListId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub agent_pool_id: AgentPoolId,
}

super::standalone!();
