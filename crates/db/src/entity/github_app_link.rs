//! Organizations that may use an installation of the GitHub App.

use sea_orm::entity::prelude::*;

use crate::id::GithubAppInstallationId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "github_app_links")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub github_app_installation_id: GithubAppInstallationId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_name: String,
}

super::standalone!();
