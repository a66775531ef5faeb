//! Whose runs may read the state of a workspace that does not share it with all.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::WorkspaceId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "remote_state_consumers")]
pub struct Model {
    /// Whose state it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: WorkspaceId,
    /// Who may read it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub consumer_id: WorkspaceId,
    pub created_at: Timestamp,
}

super::standalone!();
