//! A schedule and a freeze that holds nobody up.

use crate::Client;
use serde_json::json;

use super::{Sent, resource};

pub async fn in_world(owner: &Client<'_>, workspace: &str) -> [(&'static str, String); 2] {
    let schedules = format!("/workspaces/{workspace}/run-schedules");
    let schedule = owner.post(schedules, schedule()).await.is_created();
    let freeze = owner.post("/organizations/acme/freezes", freeze()).await.is_created();
    [("run_schedule_id", schedule.id()), ("freeze_id", freeze.id())]
}

fn schedule() -> serde_json::Value {
    resource(
        "run-schedules",
        &json!({
            "kind": "plan", "cron": "0 6 * * mon", "time-zone": "Europe/Vienna", "message": "weekly",
            "enabled": true,
        }),
    )
}

fn freeze() -> serde_json::Value {
    resource(
        "freezes",
        &json!({
            "name": "the party", "starts-at": "2199-12-31T20:00:00Z", "ends-at": "2200-01-01T06:00:00Z",
            "time-zone": "UTC",
        }),
    )
}

pub fn body(method: &str, path: &str) -> Option<Sent> {
    Some(match (method, path) {
        ("POST", "/workspaces/{workspace_id}/run-schedules")
        | ("PATCH", "/run-schedules/{run_schedule_id}") => Sent::Json(schedule()),
        ("POST", "/organizations/{organization_name}/freezes")
        | ("PATCH", "/freezes/{freeze_id}") => Sent::Json(freeze()),
        ("POST", "/runs/{run_id}/actions/break-freeze") => {
            Sent::Json(json!({ "comment": "the house is on fire" }))
        }
        ("DELETE", "/run-schedules/{run_schedule_id}" | "/freezes/{freeze_id}") => Sent::Nothing,
        _ => return None,
    })
}
