//! What the policies of one set said about one run.

use sea_orm::entity::prelude::*;

use super::policy_evaluation::ResultCount;
use crate::{
    Json,
    id::{PolicyEvaluationId, PolicySetOutcomeId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_set_outcomes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicySetOutcomeId,
    pub policy_evaluation_id: PolicyEvaluationId,
    /// Counts from 0.
    pub position: i64,
    pub policy_set_name: String,
    pub policy_set_description: Option<String>,
    pub policy_tool_version: String,
    pub overridable: bool,
    /// Why none of its policies could be asked.
    pub error: Option<String>,
    /// Sealed JSON.
    pub outcomes: String,
    pub result_count: Json<ResultCount>,
}

super::standalone!();
