//! `/policy-evaluations`, `/task-stages/:id/policy-evaluations`

use domain::{
    In, StatusTimestamps, Timestamp, can,
    entity::{
        policy::Kind,
        policy_evaluation::{ResultCount, Status},
    },
    policy_evaluations,
    row::{PolicyEvaluation, TaskStage},
};
use jsonapi::{Document, Query, Relationships, Resource};
use serde::Serialize;

use crate::{May, Result, Routes, includes::INCLUDES, paging::paging};

pub fn routes() -> Routes {
    Routes::default()
        .get("/api/v2/task-stages/{task_stage_id}/policy-evaluations", list)
        .get("/api/v2/policy-evaluations/{policy_evaluation_id}", show)
}

/// An evaluation on the wire.
pub struct View(pub PolicyEvaluation);

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Attributes<'a> {
    status: Status,
    policy_kind: Kind,
    result_count: ResultCount,
    status_timestamps: &'a StatusTimestamps,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Resource for View {
    const TYPE: &'static str = "policy-evaluations";

    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn attributes(&self) -> impl Serialize {
        let row = &self.0;
        Attributes {
            status: row.status,
            policy_kind: row.kind,
            result_count: row.result_count.0,
            status_timestamps: &row.status_timestamps,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    fn relationships(&self, to: &mut Relationships) {
        to.one("policy-attachable", "task-stages", Some(&self.0.task_stage_id));
        let outcomes = format!("/api/v2/policy-evaluations/{}/policy-set-outcomes", self.0.id);
        to.link("policy-set-outcomes", outcomes);
    }
}

async fn list(stage: May<can::ReadRun, In<TaskStage>>, query: Query) -> Result<Document> {
    let page = policy_evaluations::evaluations_of(&stage.cx, &stage, paging(&query)).await?;
    let views: Vec<_> = page.items.into_iter().map(View).collect();
    Document::page(&views, page.total, &query, &INCLUDES, &stage.cx).await
}

async fn show(
    evaluation: May<can::ReadRun, In<PolicyEvaluation>>,
    query: Query,
) -> Result<Document> {
    let view = View(evaluation.granted.into_inner().row);
    Document::one_with(&view, &query, &INCLUDES, &evaluation.cx).await
}
