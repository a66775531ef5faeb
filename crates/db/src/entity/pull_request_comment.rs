//! The comment that stands below a pull request at its provider.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{PullRequestCommentId, RepositoryId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pull_request_comments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PullRequestCommentId,
    pub repository_id: RepositoryId,
    pub number: i64,
    /// The provider's own id of it.
    pub comment: String,
    /// The digest of what it says, to be compared with.
    pub said: String,
    pub said_at: Timestamp,
}

super::standalone!();
