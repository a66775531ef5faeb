//! Which installation this is: one row.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "installations")]
pub struct Model {
    /// Always [`ONE`].
    #[sea_orm(primary_key, auto_increment = false)]
    pub one: i64,
    pub id: String,
    /// Whether the blobs carry the id as well.
    pub blobs_marked: bool,
}

/// The key of the only row.
pub const ONE: i64 = 1;

super::standalone!();
