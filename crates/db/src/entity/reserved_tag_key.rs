//! Tag keys that an organization gives a meaning of its own.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::ReservedTagKeyId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reserved_tag_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReservedTagKeyId,
    pub organization_name: String,
    pub tag_key: String,
    /// Whether workspaces must keep the value that their project gives.
    pub disable_overrides: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
