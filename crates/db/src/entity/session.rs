//! Browsers that are signed in.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// Hex SHA-256 of the cookie.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    pub user_id: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// By the person, not by a page that reads itself anew; noted now and then.
    pub used_at: Timestamp,
    /// The password was right, and a code is still to come.
    pub awaits_code: bool,
    /// Whom its person, an administrator of the site, looks at the server as.
    pub impersonated_id: Option<UserId>,
    pub impersonated_until: Option<Timestamp>,
    pub impersonation_reason: Option<String>,
}

super::standalone!();
