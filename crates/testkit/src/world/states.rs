//! Two versions of a state, and what is sent to the routes about states.

use crate::Client;
use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::{Names, Sent, related, resource, text};

pub const STATE: &str = r#"{"version":4,"terraform_version":"1.9.0","serial":1,"lineage":"7f9e8d6c-1a2b","outputs":{"colour":{"value":"blue","type":"string"}},"resources":[]}"#;

pub async fn in_world(owner: &Client<'_>, workspace: &str) -> [(&'static str, String); 3] {
    let of_ws = |rest: &str| format!("/workspaces/{workspace}/{rest}");
    owner.post(of_ws("actions/lock"), ()).await.is_ok();
    let old = owner.post(of_ws("state-versions"), state(1)).await.is_created();
    let current = owner.post(of_ws("state-versions"), state(2)).await.is_created();
    owner.post(of_ws("actions/unlock"), ()).await.is_ok();
    let outputs = owner.get(format!("/state-versions/{}/outputs", current.id())).await.is_ok();
    [
        ("old_state_version", old.id()),
        ("state_version_id", current.id()),
        ("state_version_output_id", text(&outputs.data()[0]["id"])),
    ]
}

pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    Some(match (method, path) {
        ("POST", "/workspaces/{workspace_id}/state-versions") => Sent::Json(state(3)),
        ("PATCH", "/workspaces/{workspace_id}/state-versions") => {
            let old = json!({ "type": "state-versions", "id": names["old_state_version"] });
            Sent::Json(related(
                resource("state-versions", &json!({})),
                &json!({ "rollback-state-version": { "data": old } }),
            ))
        }
        ("POST", "/workspaces/{workspace_id}/actions/import-state-version") => {
            let mut past = state(1);
            past["data"]["attributes"]["created-at"] = json!("2020-02-02T20:20:20Z");
            Sent::Json(past)
        }
        _ => return None,
    })
}

fn state(serial: i64) -> Value {
    let content = STATE.replace("\"serial\":1", &format!("\"serial\":{serial}"));
    resource(
        "state-versions",
        &json!({
            "serial": serial, "md5": hex::encode(Md5::digest(&content)),
            "lineage": "7f9e8d6c-1a2b", "state": STANDARD.encode(&content),
        }),
    )
}
