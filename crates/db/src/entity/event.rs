//! What happened: one row for each change, written with it.

mod happened;

use sea_orm::entity::prelude::*;

pub use happened::Happened;

use crate::{
    Json, Timestamp,
    id::{EventId, RunId, TokenId, UserId, WorkspaceId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EventId,
    /// In the order in which they were written; [`crate::Write::tell`] gives it.
    pub number: i64,
    pub at: Timestamp,
    pub action: Happened,
    pub actor_kind: String,
    pub actor_id: Option<String>,
    /// The administrator of the site who was that person then.
    pub impersonator_id: Option<UserId>,
    /// By which the actor came.
    pub token_id: Option<TokenId>,
    /// From where, if that is known.
    pub address: Option<String>,
    /// By which request, as the log and the answer named it.
    pub request_id: Option<String>,
    pub organization_name: Option<String>,
    pub workspace_id: Option<WorkspaceId>,
    pub run_id: Option<RunId>,
    pub resource_type: String,
    pub resource_id: String,
    pub detail: Json<serde_json::Value>,
}

super::standalone!();
