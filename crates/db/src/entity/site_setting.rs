//! Settings of the whole site that somebody has decided, by name.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "site_settings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// As text; sealed where it is a secret.
    pub value: String,
    pub changed_at: Option<Timestamp>,
    /// The id of the person, or what else it was.
    pub changed_by: Option<String>,
}

super::standalone!();
