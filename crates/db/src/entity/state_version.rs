//! State versions; the states themselves are blobs.

use sea_orm::entity::prelude::*;

use crate::{
    Json, JsonText, Timestamp,
    column::words,
    id::{RunId, StateVersionId, UserId, WorkspaceId},
};

words! {
    Status {
        Pending = "pending",
        Finalized = "finalized",
        Discarded = "discarded",
        /// The state cannot be read, but restored.
        BackingDataSoftDeleted = "backing_data_soft_deleted",
        BackingDataPermanentlyDeleted = "backing_data_permanently_deleted",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "state_versions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StateVersionId,
    pub workspace_id: WorkspaceId,
    /// Counts the state versions of a workspace.
    pub number: i64,
    pub serial: i64,
    pub lineage: String,
    /// Hex MD5 of the raw state, as the clients send it.
    pub md5: String,
    /// Bytes of the raw state; 0 while pending.
    pub size: i64,
    pub status: Status,
    /// A snapshot taken before the end of the operation that makes it.
    pub intermediate: bool,
    /// The `version` of the state's format.
    pub state_format: Option<i64>,
    pub terraform_version: Option<String>,
    pub resources_processed: bool,
    pub resources: JsonText,
    pub modules: Json<serde_json::Value>,
    pub providers: Json<serde_json::Value>,
    pub resource_count: i64,
    /// Of its outputs, of which the rows may be yet to come.
    pub output_count: i64,
    pub has_json_state: bool,
    pub run_id: Option<RunId>,
    pub created_by_id: Option<UserId>,
    pub rollback_of_id: Option<StateVersionId>,
    pub created_at: Timestamp,
    /// Since when the state can only be restored.
    pub soft_deleted_at: Option<Timestamp>,
}

super::standalone!();
