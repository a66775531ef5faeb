//! An agent of the site, and what agents send.

use crate::Client;
use http::Method;
use serde_json::{Value, json};

use super::{Names, Sent, states::STATE, text};

pub async fn in_world(agent: &Client<'_>) -> [(&'static str, String); 3] {
    let register = agent.raw(Method::POST, "/agent/v1/register", register().to_string()).await;
    [
        ("site_agent", text(&register.is_ok().json()["agent_id"])),
        ("job_id", "job-1111111111111111".to_owned()),
        ("artifact", "plan-json".to_owned()),
    ]
}

pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    Some(match (method, path) {
        (
            "POST",
            "/agent/v1/jobs/{job_id}/start"
            | "/agent/v1/jobs/{job_id}/heartbeat"
            | "/agent/v1/jobs/{job_id}/finish",
        ) => Sent::Nothing,
        ("POST", "/agent/v1/register") => Sent::Json(register()),
        ("POST", "/agent/v1/jobs/claim") => {
            Sent::Json(json!({ "agent_id": names["site_agent"], "wait_seconds": 0 }))
        }
        ("PUT", "/agent/v1/jobs/{job_id}/log") => Sent::Bytes(b"\x02Terraform\n"),
        (
            "PUT",
            "/agent/v1/jobs/{job_id}/state"
            | "/agent/v1/jobs/{job_id}/recovered-state"
            | "/agent/v1/jobs/{job_id}/artifacts/{artifact}",
        ) => Sent::Bytes(STATE.as_bytes()),
        ("POST", "/agent/v1/jobs/{job_id}/outcome") => Sent::Json(json!({
            "result": "finished", "message": null, "has_changes": true,
            "counts": { "additions": 1, "changes": 0, "destructions": 0, "imports": 0 },
            "generated_configuration": false,
        })),
        ("POST", "/agent/v1/leave") => Sent::Json(json!({ "agent_id": names["site_agent"] })),
        _ => return None,
    })
}

/// Its engine becomes a known tool version.
pub fn register() -> Value {
    json!({
        "name": "builder", "version": "1.0.0", "instance": "i-1",
        "engines": [{ "kind": "terraform", "version": "1.9.0" }],
    })
}
