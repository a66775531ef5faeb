//! Which commit a configuration version is made of, and how it came.

use sea_orm::entity::prelude::*;

use crate::{
    Json, Timestamp,
    column::words,
    id::{ConfigurationVersionId, IngressAttributesId, RepositoryId, WorkspaceId},
};

words! {
    /// What has happened in the repository. A commit makes one run of each kind.
    Kind {
        Push = "push",
        Tag = "tag",
        PullRequest = "pull-request",
        /// Nothing: the workspace was connected, or somebody wanted the newest.
        Head = "head",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ingress_attributes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: IngressAttributesId,
    #[sea_orm(unique)]
    pub configuration_version_id: ConfigurationVersionId,
    pub workspace_id: WorkspaceId,
    pub repository_id: RepositoryId,
    pub kind: Kind,
    pub commit_sha: String,
    pub commit_message: String,
    pub commit_url: Option<String>,
    pub compare_url: Option<String>,
    pub clone_url: Option<String>,
    pub identifier: String,
    pub branch: String,
    pub on_default_branch: bool,
    pub tag: Option<String>,
    pub pull_request_number: Option<i64>,
    pub pull_request_url: Option<String>,
    pub pull_request_title: Option<String>,
    pub pull_request_body: Option<String>,
    pub sender_username: Option<String>,
    pub sender_avatar_url: Option<String>,
    pub sender_html_url: Option<String>,
    /// Relative to the root; as many as are kept.
    pub changed_files: Json<Vec<String>>,
    /// Whether the repositories inside of it belong to it.
    pub submodules: bool,
    /// Why it made a run, for people.
    pub reason: String,
    /// When the provider told it.
    pub happened_at: Timestamp,
}

super::standalone!();
