//! People.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    pub username: String,
    pub email: String,
    /// Argon2id; absent for people who sign in elsewhere.
    pub password_hash: Option<String>,
    pub is_site_admin: bool,
    pub is_suspended: bool,
    /// Passwords tried since the last right one.
    pub sign_in_attempts: i64,
    pub sign_in_attempted_at: Timestamp,
    pub created_at: Timestamp,
}

super::standalone!();
