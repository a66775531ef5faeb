//! How long the data of old configurations and states is kept.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{DataRetentionPolicyId, WorkspaceId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_retention_policies")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DataRetentionPolicyId,
    /// Set unless it is a workspace's.
    pub organization_name: Option<String>,
    pub workspace_id: Option<WorkspaceId>,
    /// Absent: nothing is ever deleted.
    pub delete_after_days: Option<i64>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
