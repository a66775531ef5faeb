//! What opens a connection.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{OauthClientId, OauthTokenId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OauthTokenId,
    pub oauth_client_id: OauthClientId,
    /// Who the provider says that it is.
    pub service_provider_user: Option<String>,
    /// Sealed; empty where a repository is open to all.
    pub access_token: String,
    /// Made by hand, not by the provider's pages.
    pub is_personal: bool,
    /// Sealed.
    pub refresh_token: Option<String>,
    pub expires_at: Option<Timestamp>,
    /// Somebody is renewing it.
    pub renewing_until: Option<Timestamp>,
    /// Sealed.
    pub ssh_key: Option<String>,
    pub ssh_known_hosts: Option<String>,
    /// What last went wrong, until something goes well.
    pub trouble: Option<String>,
    pub troubled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
