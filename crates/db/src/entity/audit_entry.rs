//! Who did what, in a chain: each entry is hashed with the one before it.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{EventId, OrganizationId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    /// From 1, without a gap.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub event_id: EventId,
    pub at: Timestamp,
    /// Absent for what concerns the site.
    pub organization_id: Option<OrganizationId>,
    /// JSON, as it was hashed and is shown.
    pub body: String,
    /// Hex SHA-256 of the hash before it, a line feed, its number, a line feed and its body.
    pub hash: String,
}

super::standalone!();
