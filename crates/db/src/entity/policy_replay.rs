//! Draft policies asked about plans of runs that are over.

use sea_orm::entity::prelude::*;

use serde::{Deserialize, Serialize};

pub use super::policy::Kind;
use crate::{
    Json, Timestamp,
    column::words,
    id::{PolicyReplayId, UserId},
};

words! {
    Status {
        Pending = "pending",
        Running = "running",
        Finished = "finished",
        Canceled = "canceled",
    }
}

/// How many plans there are, and what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub errored: u64,
    /// Of these workspaces, that whoever asked may not read.
    pub hidden: u64,
    pub total: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_replays")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicyReplayId,
    pub organization_name: String,
    pub created_by_id: Option<UserId>,
    pub kind: Kind,
    pub status: Status,
    /// Sealed JSON.
    pub draft: String,
    pub counts: Json<Counts>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

super::standalone!();
