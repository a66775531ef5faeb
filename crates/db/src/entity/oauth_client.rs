//! An organization's connection to those who keep repositories.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, id::OauthClientId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_clients")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OauthClientId,
    pub organization_name: String,
    pub name: Option<String>,
    /// One of the words of the crate `vcs`.
    pub service_provider: String,
    pub http_url: String,
    pub api_url: String,
    /// What the provider calls this server by.
    pub consumer_key: Option<String>,
    /// Sealed.
    pub secret: Option<String>,
    pub rsa_public_key: Option<String>,
    pub ado_entra_tenant_id: Option<String>,
    /// In the address that browsers come back to.
    pub uuid: String,
    /// Of use in all projects; otherwise in those that are listed.
    pub organization_scoped: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
