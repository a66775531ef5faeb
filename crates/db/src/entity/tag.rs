//! The tags of an organization, each known once.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::TagId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tags")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TagId,
    pub organization_name: String,
    pub name: String,
    pub created_at: Timestamp,
}

super::standalone!();
