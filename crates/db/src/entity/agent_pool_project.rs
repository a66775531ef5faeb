//! Projects whose workspaces may use an agent pool.

use sea_orm::entity::prelude::*;

use crate::id::{AgentPoolId, ProjectId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agent_pool_projects")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub agent_pool_id: AgentPoolId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
}

super::standalone!();
