//! A run, and what is sent to the routes about runs.

use crate::{Client, Server};
use domain::{
    StatusTimestamps,
    entity::cost_estimate::{Model, Status},
    id::CostEstimateId,
};
use serde_json::{Value, json};

use super::{Names, Sent, related, resource, text};

pub async fn in_world(owner: &Client<'_>, workspace: &str) -> [(&'static str, String); 4] {
    let run = owner.post("/runs", run_in(workspace)).await.is_created();
    let events = owner.get(format!("/runs/{}/run-events", run.id())).await.is_ok();
    [
        ("run_id", run.id()),
        ("plan_id", text(&run.related("plan"))),
        ("apply_id", text(&run.related("apply"))),
        ("run_event_id", text(&events.data()[0]["id"])),
    ]
}

/// What a run would cost, as if somebody had said so.
pub async fn estimate(server: &Server, run: &str) -> String {
    let id = CostEstimateId::fresh();
    let tx = server.db.write().await.unwrap();
    tx.insert(Model {
        id: id.clone(),
        run_id: run.parse().unwrap(),
        status: Status::Finished,
        error_message: None,
        matched: 1,
        unmatched: 0,
        prior_monthly_cost: Some("0.0".into()),
        proposed_monthly_cost: Some("12.5".into()),
        delta_monthly_cost: Some("12.5".into()),
        status_timestamps: StatusTimestamps::default(),
        created_at: server.app.now(),
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id.to_string()
}

pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    Some(match (method, path) {
        ("POST", "/runs") => Sent::Json(run_in(&names["workspace_id"])),
        ("POST", "/plan-exports") => Sent::Json(related(
            resource("plan-exports", &json!({ "data-type": "sentinel-mock-bundle-v0" })),
            &json!({ "plan": { "data": { "type": "plans", "id": names["plan_id"] } } }),
        )),
        ("DELETE", "/plan-exports/{plan_export_id}")
        | ("POST", "/runs/{run_id}/actions/force-execute") => Sent::Nothing,
        (
            "POST",
            "/admin/runs/{run_id}/actions/force-cancel"
            | "/runs/{run_id}/actions/apply"
            | "/runs/{run_id}/actions/discard"
            | "/runs/{run_id}/actions/cancel"
            | "/runs/{run_id}/actions/force-cancel",
        ) => Sent::Json(json!({ "comment": "because" })),
        _ => return None,
    })
}

pub fn run_in(workspace: &str) -> Value {
    related(
        resource(
            "runs",
            &json!({
                "message": "once", "refresh": true, "target-addrs": ["null_resource.one"],
                "variables": [{ "key": "colour", "value": "\"blue\"" }],
            }),
        ),
        &json!({ "workspace": { "data": { "type": "workspaces", "id": workspace } } }),
    )
}
