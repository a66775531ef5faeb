//! One of an organization's gad gets.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::GadGetId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "gad_gets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GadGetId,
    pub organization_name: String,
    pub name: String,
    pub created_at: Timestamp,
}

super::standalone!();
