//! Passwords that were tried without success, by account and where they came from.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_attempts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: UserId,
    /// A network, a browser that is known, or oneself.
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin: String,
    pub attempts: i64,
    pub attempted_at: Timestamp,
}

super::standalone!();
