//! Services that are asked about runs.

use sea_orm::entity::prelude::*;

use super::task_stage::Stage;
use crate::{Json, Timestamp, column::words, id::RunTaskId};

words! {
    /// What follows when it is against a run; the stricter word comes later.
    Enforcement {
        Advisory = "advisory",
        Mandatory = "mandatory",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run_tasks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RunTaskId,
    pub organization_name: String,
    pub name: String,
    pub description: Option<String>,
    pub url: String,
    /// Sealed.
    pub hmac_key: Option<String>,
    pub enabled: bool,
    /// It is asked in all workspaces of the organization.
    pub global_enabled: bool,
    pub global_stages: Json<Vec<Stage>>,
    pub global_enforcement_level: Enforcement,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

super::standalone!();
