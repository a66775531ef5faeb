//! What runs were planned with, until they are over.

use sea_orm::entity::prelude::*;

use crate::id::{RunId, StateVersionId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run_circumstances")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: RunId,
    /// The workspace's state at that time; absent if it had none.
    pub state_version_id: Option<StateVersionId>,
    /// Sealed JSON.
    pub content: String,
}

super::standalone!();
