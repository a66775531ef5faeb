//! Neighbours of the workspace, a variable, and what is sent to the routes about workspaces.

use crate::{Client, Server};
use serde_json::{Value, json};

use super::{Names, Sent, related, resource};

pub async fn in_world(
    server: &Server,
    owner: &Client<'_>,
    workspace: &str,
) -> [(&'static str, String); 3] {
    let neighbour = server.workspace("neighbour").await;
    let spare = server.workspace("spare").await;
    let new = resource("vars", &json!({ "key": "region", "category": "terraform" }));
    let variable = owner.post(format!("/workspaces/{workspace}/vars"), new).await.is_created();
    [
        ("neighbour", neighbour.id.to_string()),
        ("spare", spare.id.to_string()),
        ("variable_id", variable.id()),
    ]
}

pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    let attributes = |kind: &str, attributes: Value| Sent::Json(resource(kind, &attributes));
    let one = |kind: &str, id: &str| json!({ "data": { "type": kind, "id": id } });
    Some(match (method, path) {
        (
            "DELETE",
            "/admin/workspaces/{workspace_id}"
            | "/organizations/{organization_name}/workspaces/{workspace_name}"
            | "/workspaces/{workspace_id}"
            | "/workspaces/{workspace_id}/vars/{variable_id}"
            | "/vars/{variable_id}",
        )
        | (
            "POST",
            "/organizations/{organization_name}/workspaces/{workspace_name}/actions/safe-delete"
            | "/workspaces/{workspace_id}/actions/safe-delete"
            | "/workspaces/{workspace_id}/actions/unlock"
            | "/workspaces/{workspace_id}/actions/force-unlock",
        ) => Sent::Nothing,
        ("POST", "/organizations/{organization_name}/workspaces") => Sent::Json(related(
            resource(
                "workspaces",
                &json!({
                    "name": "storage", "auto-apply": true, "working-directory": "envs",
                    "terraform-version": "1.9.0", "trigger-prefixes": ["modules"],
                }),
            ),
            &json!({ "project": one("projects", &names["project_id"]) }),
        )),
        (
            "PATCH",
            "/organizations/{organization_name}/workspaces/{workspace_name}"
            | "/workspaces/{workspace_id}",
        ) => attributes("workspaces", json!({ "description": "Cables", "auto-apply": true })),
        ("POST", "/workspaces/{workspace_id}/actions/lock") => {
            Sent::Json(json!({ "reason": "by hand" }))
        }
        ("POST", "/workspaces/{workspace_id}/vars") => attributes("vars", variable()),
        ("POST", "/vars") => {
            let of = json!({ "workspace": one("workspaces", &names["workspace_id"]) });
            Sent::Json(related(resource("vars", &variable()), &of))
        }
        ("PATCH", "/workspaces/{workspace_id}/vars/{variable_id}" | "/vars/{variable_id}") => {
            attributes("vars", json!({ "value": "changed", "hcl": false }))
        }
        ("PATCH", "/workspaces/{workspace_id}/relationships/ssh-key") => {
            attributes("workspaces", json!({ "id": names["ssh_key_id"] }))
        }
        (
            "PATCH" | "POST" | "DELETE",
            "/workspaces/{workspace_id}/relationships/remote-state-consumers",
        ) => Sent::Json(json!({ "data": [{ "type": "workspaces", "id": names["neighbour"] }] })),
        _ => return None,
    })
}

pub fn variable() -> Value {
    json!({ "key": "colour", "value": "blue", "category": "terraform", "description": "Of cables" })
}
