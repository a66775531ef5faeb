//! Uploaded configurations.

use sea_orm::entity::prelude::*;

use crate::{
    StatusTimestamps, Timestamp,
    column::words,
    id::{ConfigurationVersionId, UserId, WorkspaceId},
};

words! {
    Status {
        Pending = "pending",
        Fetching = "fetching",
        Uploaded = "uploaded",
        Archived = "archived",
        Errored = "errored",
        /// The archive cannot be read, but restored.
        BackingDataSoftDeleted = "backing_data_soft_deleted",
        BackingDataPermanentlyDeleted = "backing_data_permanently_deleted",
    }
}

words! {
    Source {
        Api = "tfe-api",
        Ui = "tfe-ui",
        Terraform = "terraform",
        TerraformCloud = "terraform+cloud",
        Github = "github",
        Gitlab = "gitlab",
        Bitbucket = "bitbucket",
        AzureDevops = "ado",
        Forgejo = "forgejo",
        Gitea = "gitea",
        Git = "git",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "configuration_versions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ConfigurationVersionId,
    pub workspace_id: WorkspaceId,
    pub status: Status,
    pub source: Source,
    pub speculative: bool,
    /// Does not become the workspace's current one until its run is confirmed.
    pub provisional: bool,
    pub auto_queue_runs: bool,
    pub error: Option<String>,
    pub error_message: Option<String>,
    /// Bytes of the archive, once uploaded.
    pub size: Option<i64>,
    pub status_timestamps: StatusTimestamps,
    pub created_by_id: Option<UserId>,
    pub created_at: Timestamp,
    /// Since when the archive can only be restored.
    pub soft_deleted_at: Option<Timestamp>,
}

super::standalone!();
