//! What an assessment has found.

use sea_orm::entity::prelude::*;

use crate::{
    Timestamp,
    id::{AssessmentId, AssessmentResultId, WorkspaceId},
};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "assessment_results")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AssessmentResultId,
    pub assessment_id: AssessmentId,
    pub workspace_id: WorkspaceId,
    /// It came to its end, whatever it has found.
    pub succeeded: bool,
    pub drifted: bool,
    pub all_checks_succeeded: bool,
    /// Numbers are absent where nobody knows them.
    pub resources_drifted: Option<i64>,
    pub resources_undrifted: Option<i64>,
    pub checks_passed: Option<i64>,
    pub checks_failed: Option<i64>,
    pub checks_errored: Option<i64>,
    pub checks_unknown: Option<i64>,
    pub error_message: Option<String>,
    /// Sealed: addresses of what has drifted, and each object with conditions.
    pub findings: String,
    /// When somebody was last told of the drift that is still there, and of the checks that still fail.
    pub drift_told_at: Option<Timestamp>,
    pub checks_told_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

super::standalone!();
