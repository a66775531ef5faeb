//! OAuth codes on their way from the consent page to `terraform login`.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{TokenId, UserId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "authorization_codes")]
pub struct Model {
    /// Hex SHA-256 of the code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    pub user_id: UserId,
    pub client_id: String,
    pub redirect_uri: String,
    /// PKCE, S256.
    pub code_challenge: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// What the code was exchanged for.
    pub token_id: Option<TokenId>,
}

super::standalone!();
