//! Who has confirmed a run that needs several people's yes.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{RunConfirmationId, RunId, UserId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run_confirmations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RunConfirmationId,
    pub run_id: RunId,
    pub user_id: UserId,
    pub created_at: Timestamp,
}

super::standalone!();
