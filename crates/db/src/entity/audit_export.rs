//! How far the audit trail has been told to an address.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_exports")]
pub struct Model {
    /// Hex SHA-256: what lets one in may stand in it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub address: String,
    /// Of the last entry that was taken there.
    pub number: i64,
    pub told_at: Timestamp,
}

super::standalone!();
