//! What people say about runs.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{CommentId, EventId, RunId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "comments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CommentId,
    pub run_id: RunId,
    /// The event that tells of it.
    pub event_id: EventId,
    pub body: String,
    pub created_at: Timestamp,
}

super::standalone!();
