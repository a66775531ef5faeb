//! Who has installed the GitHub App that this site is.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, column::words, id::GithubAppInstallationId};

words! {
    Status {
        Active = "active",
        Suspended = "suspended",
        Removed = "removed",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "github_app_installations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GithubAppInstallationId,
    /// GitHub's own.
    pub number: i64,
    /// The organization or user that has installed it.
    pub account: String,
    /// `Organization` or `User`.
    pub kind: Option<String>,
    pub icon_url: Option<String>,
    pub url: Option<String>,
    pub status: Status,
    /// What last went wrong, until something goes well.
    pub trouble: Option<String>,
    pub troubled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
