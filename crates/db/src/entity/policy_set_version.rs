//! Uploaded archives of policies.

use sea_orm::entity::prelude::*;

use serde::{Deserialize, Serialize};

use super::policy::Enforcement;
use crate::{
    Json, StatusTimestamps, Timestamp,
    column::words,
    id::{PolicySetId, PolicySetVersionId, UserId},
};

words! {
    Status {
        Pending = "pending",
        Ingressing = "ingressing",
        Ready = "ready",
        Errored = "errored",
        Canceled = "canceled",
    }
}

/// A policy as the archive declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    pub name: String,
    pub description: Option<String>,
    pub query: Option<String>,
    pub enforcement_level: Enforcement,
}

/// The commit of a repository that a version is made of; the names are those of the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ingress {
    pub commit_sha: String,
    pub commit_url: Option<String>,
    pub identifier: String,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_set_versions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicySetVersionId,
    pub policy_set_id: PolicySetId,
    pub status: Status,
    pub error: Option<String>,
    pub error_message: Option<String>,
    pub policies: Json<Vec<Declared>>,
    pub status_timestamps: StatusTimestamps,
    pub created_by_id: Option<UserId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Absent for what was uploaded.
    pub ingress: Option<Json<Ingress>>,
    pub source: Option<super::configuration_version::Source>,
}

super::standalone!();
