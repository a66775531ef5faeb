//! The text of an outcome, read on its own.

use sea_orm::entity::prelude::*;

use crate::id::TaskResultOutcomeId;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task_result_bodies")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub outcome_id: TaskResultOutcomeId,
    /// Sealed Markdown.
    pub content: String,
}

super::standalone!();
