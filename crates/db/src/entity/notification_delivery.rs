//! What was sent to whom, and what they answered.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;

use crate::{
    Json, Timestamp,
    id::{NotificationConfigurationId, NotificationDeliveryId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_deliveries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NotificationDeliveryId,
    pub configuration_id: NotificationConfigurationId,
    /// A trigger, or `verification`.
    pub cause: String,
    /// Sealed; absent for mail.
    pub url: Option<String>,
    /// Absent where there was no answer.
    pub code: Option<i64>,
    pub headers: Json<BTreeMap<String, Vec<String>>>,
    pub body: String,
    pub successful: bool,
    pub sent_at: Timestamp,
}

super::standalone!();
