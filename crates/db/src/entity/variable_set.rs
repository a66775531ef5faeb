//! Sets of variables that many workspaces have.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{ProjectId, VariableSetId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "variable_sets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VariableSetId,
    pub organization_name: String,
    /// The project that owns it; without one, the organization does.
    pub project_id: Option<ProjectId>,
    pub name: String,
    pub description: String,
    /// All workspaces of the organization have it.
    pub is_global: bool,
    /// Its values win over those that are set closer to the run.
    pub is_priority: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
