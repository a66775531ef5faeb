//! Private keys by which an engine fetches modules from Git.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::SshKeyId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ssh_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SshKeyId,
    pub organization_name: String,
    pub name: String,
    /// Sealed.
    pub value: String,
    pub created_at: Timestamp,
}

super::standalone!();
