//! What people's authenticators were given.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "second_factors")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// Sealed.
    pub secret: String,
    /// The number of the last half minute whose code was used.
    pub used_step: i64,
    pub created_at: Timestamp,
}

super::standalone!();
