//! What providers have sent.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{RepositoryId, WebhookDeliveryId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookDeliveryId,
    pub repository_id: RepositoryId,
    /// As the provider calls it: the same for each attempt.
    pub delivery: String,
    /// SHA-256 of the body, by which it is known under another name.
    pub digest: String,
    pub event: String,
    /// JSON; empty once it was worked off.
    pub body: String,
    pub received_at: Timestamp,
    pub done_at: Option<Timestamp>,
    pub attempts: i64,
    pub error: Option<String>,
}

super::standalone!();
