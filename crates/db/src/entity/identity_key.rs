//! Keys by which runs are vouched for.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identity_keys")]
pub struct Model {
    /// Its thumbprint (RFC 7638).
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    /// Sealed.
    pub private_key: String,
    /// As in a JSON Web Key.
    pub n: String,
    pub e: String,
    pub created_at: Timestamp,
}

super::standalone!();
