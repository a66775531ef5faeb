//! Projects whose workspaces may use a connection.

use sea_orm::entity::prelude::*;

use crate::id::{OauthClientId, ProjectId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "oauth_client_projects")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub oauth_client_id: OauthClientId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub project_id: ProjectId,
}

super::standalone!();
