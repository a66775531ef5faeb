//! Projects: groups of workspaces.

use sea_orm::entity::prelude::*;

use super::workspace::ExecutionMode;
use crate::{
    Timestamp,
    id::{AgentPoolId, ProjectId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "projects")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProjectId,
    pub organization_name: String,
    pub name: String,
    pub description: Option<String>,
    pub auto_destroy_activity_duration: Option<String>,
    /// Inherits the organization's where absent.
    pub default_execution_mode: Option<ExecutionMode>,
    pub default_agent_pool_id: Option<AgentPoolId>,
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::organization::Entity",
        from = "Column::OrganizationName",
        to = "super::organization::Column::Name"
    )]
    Organization,
}

impl Related<super::organization::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Organization.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
