//! The result of an assessment, as if an agent had told of it.

use crate::Server;
use domain::{
    Json,
    entity::{assessment, assessment_result, workspace},
    id::{AssessmentId, AssessmentResultId, RunId},
    row::Workspace,
};

use super::Sent;

pub async fn in_world(server: &Server, ws: &Workspace, run: RunId) -> [(&'static str, String); 1] {
    let now = server.app.now();
    let tx = server.db.write().await.unwrap();
    let of = AssessmentId::fresh();
    let artifacts = ["json-plan", "provider-schemas", "log"];
    tx.insert(assessment::Model {
        id: of.clone(),
        workspace_id: ws.id.clone(),
        run_id: run,
        status: assessment::Status::Finished,
        artifacts: Json(artifacts.map(str::to_owned).into()),
        created_at: now,
        started_at: Some(now),
        ended_at: Some(now),
    })
    .await
    .unwrap();
    let id = AssessmentResultId::fresh();
    let found = br#"{"drifted":["null_resource.one"],"undrifted":1,"checks":[]}"#;
    tx.insert(assessment_result::Model {
        findings: server.keyring.seal("assessment_results.findings", id.as_str(), found),
        id: id.clone(),
        assessment_id: of,
        workspace_id: ws.id.clone(),
        succeeded: true,
        drifted: true,
        all_checks_succeeded: true,
        resources_drifted: Some(1),
        resources_undrifted: Some(1),
        checks_passed: Some(0),
        checks_failed: Some(0),
        checks_errored: Some(0),
        checks_unknown: Some(0),
        error_message: None,
        drift_told_at: None,
        checks_told_at: None,
        created_at: now,
    })
    .await
    .unwrap();
    let mut row = tx.lock::<workspace::Entity>(ws.id.clone()).await.unwrap().unwrap();
    row.current_assessment_result_id = Some(id.clone());
    row.last_assessment_result_at = Some(now);
    tx.update(row).await.unwrap();
    tx.commit().await.unwrap();
    [("assessment_result_id", id.to_string())]
}

pub fn body(method: &str, path: &str) -> Option<Sent> {
    (method == "POST" && path == "/workspaces/{workspace_id}/actions/assess")
        .then_some(Sent::Nothing)
}
