//! Workspaces that may, or may not, use an agent pool.

use sea_orm::entity::prelude::*;

use crate::{
    column::words,
    id::{AgentPoolId, WorkspaceId},
};

words! {
    Standing {
        /// May use a pool that is not for the whole organization.
        Allowed = "allowed",
        /// May not use one that is.
        Excluded = "excluded",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agent_pool_workspaces")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub agent_pool_id: AgentPoolId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: WorkspaceId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub standing: Standing,
}

super::standalone!();
