//! A variable set that the workspace has, a trigger between the workspaces, a comment on the run, a notification of the
//! workspace, and what can be sent to them.

use crate::Client;
use serde_json::{Value, json};

use super::{Names, Sent, related, resource, workspaces::variable};

pub async fn in_world(owner: &Client<'_>, names: &Names) -> [(&'static str, String); 5] {
    let of_ws = |rest: &str| format!("/workspaces/{}/{rest}", names["workspace_id"]);
    let set = resource("varsets", &json!({ "name": "credentials" }));
    let set = related(set, &json!({ "workspaces": many("workspaces", &names["workspace_id"]) }));
    let set = owner.post("/organizations/acme/varsets", set).await.is_created().id();
    let new = resource("vars", &json!({ "key": "account", "category": "env" }));
    let of_set =
        owner.post(format!("/varsets/{set}/relationships/vars"), new).await.is_created().id();
    let source = related(
        resource("run-triggers", &json!({})),
        &json!({ "sourceable": one("workspaces", &names["neighbour"]) }),
    );
    let trigger = owner.post(of_ws("run-triggers"), source).await;
    let comment = resource("comments", &json!({ "body": "Looks good" }));
    let comment =
        owner.post(format!("/runs/{}/comments", names["run_id"]), comment).await.is_created().id();
    let mail = json!({ "name": "mail", "destination-type": "email", "enabled": false });
    let mail = resource("notification-configurations", &mail);
    let notification = owner.post(of_ws("notification-configurations"), mail).await;
    [
        ("notification_configuration_id", notification.is_created().id()),
        ("varset_id", set),
        ("varset_variable_id", of_set),
        ("run_trigger_id", trigger.is_created().id()),
        ("comment_id", comment),
    ]
}

fn one(kind: &str, id: &str) -> Value {
    json!({ "data": { "type": kind, "id": id } })
}

fn many(kind: &str, id: &str) -> Value {
    json!({ "data": [{ "type": kind, "id": id }] })
}

/// Nobody may be asked at such an address.
fn notification(trigger: &str) -> Value {
    json!({
        "name": "chat", "destination-type": "generic", "enabled": false,
        "url": "http://127.0.0.1:9/hook", "token": "hunter2", "triggers": [trigger],
    })
}

/// What the operations on variable sets, run triggers, comments and notifications take.
pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    let attributes = |kind: &str, attributes: Value| Sent::Json(resource(kind, &attributes));
    Some(match (method, path) {
        (
            "DELETE",
            "/varsets/{varset_id}"
            | "/varsets/{varset_id}/relationships/vars/{varset_variable_id}"
            | "/run-triggers/{run_trigger_id}"
            | "/notification-configurations/{notification_configuration_id}",
        )
        | (
            "POST",
            "/notification-configurations/{notification_configuration_id}/actions/verify"
            | "/notification-configurations/{notification_configuration_id}/actions/enable",
        ) => Sent::Nothing,
        (
            "POST",
            "/workspaces/{workspace_id}/notification-configurations"
            | "/projects/{project_id}/notification-configurations",
        ) => attributes("notification-configurations", notification("run:completed")),
        ("POST", "/teams/{team_id}/notification-configurations") => {
            attributes("notification-configurations", notification("change_request:created"))
        }
        ("PATCH", "/notification-configurations/{notification_configuration_id}") => {
            Sent::Json(related(
                resource(
                    "notification-configurations",
                    &json!({
                        "name": "letters", "email-addresses": ["a@example.com"],
                        "triggers": ["run:errored"],
                    }),
                ),
                &json!({ "users": many("users", &names["user_id"]) }),
            ))
        }
        ("POST", "/organizations/{organization_name}/varsets") => {
            let new = resource(
                "varsets",
                &json!({ "name": "regions", "description": "Where", "global": false, "priority": true }),
            );
            let vars = json!({ "data": [{ "type": "vars", "attributes": variable() }] });
            Sent::Json(related(
                new,
                &json!({
                    "vars": vars, "workspaces": many("workspaces", &names["workspace_id"]),
                    "projects": many("projects", &names["project_id"]),
                    "parent": one("projects", &names["project_id"]),
                }),
            ))
        }
        ("PATCH" | "PUT" | "POST", "/varsets/{varset_id}") => Sent::Json(related(
            resource("varsets", &json!({ "description": "Who", "priority": false })),
            &json!({ "workspaces": many("workspaces", &names["neighbour"]) }),
        )),
        ("POST", "/varsets/{varset_id}/relationships/vars") => attributes("vars", variable()),
        ("PATCH", "/varsets/{varset_id}/relationships/vars/{varset_variable_id}") => {
            attributes("vars", json!({ "value": "changed", "sensitive": true }))
        }
        ("POST" | "DELETE", "/varsets/{varset_id}/relationships/workspaces") => {
            Sent::Json(many("workspaces", &names["neighbour"]))
        }
        ("POST" | "DELETE", "/varsets/{varset_id}/relationships/projects") => {
            Sent::Json(many("projects", &names["project_id"]))
        }
        ("PATCH", "/workspaces/{workspace_id}/relationships/vars") => Sent::Json(json!({ "data": [
            { "type": "vars", "id": names["variable_id"], "attributes": { "value": "changed" } },
        ] })),
        ("POST", "/workspaces/{workspace_id}/run-triggers") => Sent::Json(related(
            resource("run-triggers", &json!({})),
            &json!({ "sourceable": one("workspaces", &names["spare"]) }),
        )),
        ("POST", "/runs/{run_id}/comments") => {
            attributes("comments", json!({ "body": "Looks bad" }))
        }
        _ => return None,
    })
}
