//! What happened with a connection.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    column::words,
    id::{OauthClientId, OauthTokenId, VcsEventId},
};

words! {
    Level { Info = "info", Error = "error" }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "vcs_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VcsEventId,
    pub organization_name: String,
    pub oauth_client_id: Option<OauthClientId>,
    pub oauth_token_id: Option<OauthTokenId>,
    pub level: Level,
    pub message: String,
    pub suggested_action: Option<String>,
    pub created_at: Timestamp,
}

super::standalone!();
