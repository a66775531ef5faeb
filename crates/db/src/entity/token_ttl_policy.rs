//! How long tokens of one type may live in an organization.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, column::words};

words! {
    TokenType { Organization = "organization", Team = "team", User = "user", AuditTrails = "audit_trails" }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token_ttl_policies")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_name: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_type: TokenType,
    /// Milliseconds.
    pub max_ttl_ms: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
