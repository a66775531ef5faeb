//! A run that may be applied although there is a freeze, until the end of the window that was open then.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{FreezeId, RunId, UserId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "freeze_breaks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: RunId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub freeze_id: FreezeId,
    /// Of the window. What ends later is another one.
    pub ends_at: Timestamp,
    pub user_id: Option<UserId>,
    pub reason: String,
    pub created_at: Timestamp,
}

super::standalone!();
