//! Repositories at a provider that workspaces or policy sets take their files from.

use sea_orm::entity::prelude::*;

use crate::{Json, Timestamp, id::RepositoryId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "repositories")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RepositoryId,
    pub organization_name: String,
    /// The id of the OAuth token or of the installation of a GitHub App by which it is reached.
    pub connection: String,
    /// One of the words of `service-provider`.
    pub provider: String,
    /// As it was connected: `owner/name`.
    pub identifier: String,
    /// The last part of the address that the provider calls.
    pub webhook_id: String,
    /// Sealed: with what it signs there.
    pub webhook_secret: String,
    /// The provider's own id of the hook that was made there.
    pub hook_id: Option<String>,
    /// Why there is none: somebody has to make it by hand.
    pub hook_error: Option<String>,
    /// The provider's own id of the repository, which stays when that is renamed.
    pub provider_id: Option<String>,
    pub default_branch: Option<String>,
    pub clone_url: Option<String>,
    pub page_url: Option<String>,
    /// What people call it there, as the provider says.
    pub display: Option<String>,
    /// Where branches and tags pointed to when somebody last looked, by their full names.
    pub refs: Option<Json<std::collections::BTreeMap<String, String>>>,
    /// When somebody looks again.
    pub poll_at: Timestamp,
    pub poll_failures: i64,
    /// Somebody works off what happened there, one after the other, until then at the latest.
    pub busy_until: Timestamp,
    /// What last went wrong.
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
