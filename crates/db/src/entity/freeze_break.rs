//! A run that may be applied although there is a freeze.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{RunId, UserId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "freeze_breaks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: RunId,
    pub user_id: Option<UserId>,
    pub reason: String,
    pub created_at: Timestamp,
}

super::standalone!();
