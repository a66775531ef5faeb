//! What is sent to the routes about organizations, their projects and their SSH keys.

use crate::Client;
use serde_json::{Value, json};

use super::{Names, Sent, related, resource};

pub async fn in_world(owner: &Client<'_>) -> [(&'static str, String); 3] {
    let new = resource("projects", &json!({ "name": "Spare" }));
    let spare = owner.post("/organizations/acme/projects", new).await.is_created();
    let new = resource("ssh-keys", &ssh_key());
    let ssh_key = owner.post("/organizations/acme/ssh-keys", new).await.is_created();
    let subscription = owner.get("/organizations/acme/subscription").await.is_ok();
    [
        ("spare_project", spare.id()),
        ("ssh_key_id", ssh_key.id()),
        ("subscription_id", subscription.id()),
    ]
}

pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    let attributes = |kind: &str, attributes: Value| Sent::Json(resource(kind, &attributes));
    Some(match (method, path) {
        (
            "DELETE",
            "/admin/organizations/{organization_name}"
            | "/organizations/{organization_name}"
            | "/projects/{project_id}"
            | "/ssh-keys/{ssh_key_id}",
        ) => Sent::Nothing,
        ("POST", "/organizations") => attributes(
            "organizations",
            json!({ "name": "newcomer", "email": "new@example.com", "session-timeout": 20 }),
        ),
        ("PATCH" | "PUT", "/organizations/{organization_name}") => {
            attributes("organizations", json!({ "email": "other@example.com" }))
        }
        ("PATCH", "/admin/organizations/{organization_name}") => {
            attributes("organizations", json!({ "workspace-limit": 42, "plan-timeout": "1h" }))
        }
        ("POST", "/admin/organizations/{organization_name}/subscription") => Sent::Json(related(
            resource("subscriptions", &json!({ "runs-ceiling": 10 })),
            &json!({ "feature-set": { "data": {
                "type": "feature-sets", "id": domain::subscriptions::EVERYTHING,
            } } }),
        )),
        ("POST", "/organizations/{organization_name}/projects") => {
            attributes("projects", json!({ "name": "Storage", "description": "Disks" }))
        }
        ("PATCH", "/projects/{project_id}") => {
            attributes("projects", json!({ "description": "Disks" }))
        }
        ("POST", "/projects/{project_id}/relationships/workspaces") => {
            let workspace = &names["workspace_id"];
            Sent::Json(json!({ "data": [{ "type": "workspaces", "id": workspace }] }))
        }
        ("POST", "/organizations/{organization_name}/ssh-keys") => {
            attributes("ssh-keys", ssh_key())
        }
        ("PATCH", "/ssh-keys/{ssh_key_id}") => attributes("ssh-keys", json!({ "name": "old" })),
        _ => return None,
    })
}

fn ssh_key() -> Value {
    json!({ "name": "deploy", "value": "-----BEGIN OPENSSH PRIVATE KEY-----" })
}
