//! What was last said of a commit at its provider.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{CommitStatusId, RepositoryId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "commit_statuses")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CommitStatusId,
    pub repository_id: RepositoryId,
    pub commit_sha: String,
    /// Under which it stands there.
    pub context: String,
    /// State, words and link, to be compared with.
    pub said: String,
    pub said_at: Timestamp,
}

super::standalone!();
