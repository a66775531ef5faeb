//! One of the things that a service has found.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Json, Timestamp,
    column::words,
    id::{TaskResultId, TaskResultOutcomeId},
};

words! {
    /// How bad it is.
    Level {
        None = "none",
        Info = "info",
        Warning = "warning",
        Error = "error",
    }
}

/// A word about an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    pub label: String,
    pub level: Level,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task_result_outcomes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskResultOutcomeId,
    pub task_result_id: TaskResultId,
    /// The service's own name for it.
    pub outcome_id: String,
    pub description: String,
    pub url: Option<String>,
    /// By what they are about.
    pub tags: Json<BTreeMap<String, Vec<Tag>>>,
    /// Bytes of its text; 0 if it has none.
    pub body_size: i64,
    pub created_at: Timestamp,
}

super::standalone!();
