//! What has yet to be done, tried again until it is.

use sea_orm::entity::prelude::*;

use crate::{Json, Timestamp, id::TaskId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskId,
    pub kind: String,
    pub payload: Json<serde_json::Value>,
    pub due_at: Timestamp,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
}

super::standalone!();
