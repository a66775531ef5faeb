//! People.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    pub username: String,
    /// Confirmed by whoever reads its mail, or by a site administrator.
    pub email: Option<String>,
    /// What they say is theirs.
    pub unconfirmed_email: Option<String>,
    /// Argon2id; absent for people who sign in elsewhere.
    pub password_hash: Option<String>,
    pub is_site_admin: bool,
    pub is_suspended: bool,
    pub created_at: Timestamp,
    /// Made by an invitation that nobody has accepted so far.
    pub is_awaited: bool,
    /// How often they were invited to the site: only the newest address that accepts is good.
    pub invitations: i64,
    /// Since when they sign in with a second factor.
    pub second_factor_at: Option<Timestamp>,
}

super::standalone!();
