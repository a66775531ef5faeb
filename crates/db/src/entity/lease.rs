//! What one of several servers does for all.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::ServerId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub server: Option<ServerId>,
    /// Then another server may take it.
    pub until: Timestamp,
}

super::standalone!();
