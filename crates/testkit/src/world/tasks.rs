//! A run task that a workspace has, one that none has, and a result that one of them owes a run; and what is sent to the
//! routes about them.

use crate::{Client, Server};
use domain::{
    Json, StatusTimestamps, Timestamp,
    entity::{run_task, task_result, task_result_body, task_result_outcome, task_stage::Stage},
    id::{TaskResultId, TaskResultOutcomeId},
};
use serde_json::{Value, json};

use super::{Names, Sent, related, resource};

/// By which the run task comes back.
pub const TOKEN: &str = "a-run-task-that-is-asked";

/// Disabled, so that nobody is tried.
fn task(name: &str) -> Value {
    resource(
        "tasks",
        &json!({
            "category": "task", "name": name, "url": "https://example.com/", "enabled": false,
            "description": "Looks at all",
        }),
    )
}

pub async fn in_world(
    server: &Server,
    owner: &Client<'_>,
    names: &Names,
) -> [(&'static str, String); 5] {
    let path = "/organizations/acme/tasks";
    let attached = owner.post(path, task("scan")).await.is_created().id();
    let spare = owner.post(path, task("spare")).await.is_created().id();
    let new = attachment(&attached);
    let path = format!("/workspaces/{}/tasks", names["workspace_id"]);
    let attachment = owner.post(path, new).await.is_created().id();
    let [result, outcome] = asked(server, names, &attached).await;
    [
        ("task_id", attached),
        ("spare_task", spare),
        ("workspace_task_id", attachment),
        ("task_result_id", result),
        ("task_result_outcome_id", outcome),
    ]
}

fn attachment(task: &str) -> Value {
    related(
        resource("workspace-tasks", &json!({ "enforcement-level": "advisory" })),
        &json!({ "task": { "data": { "type": "tasks", "id": task } } }),
    )
}

/// As if a run had come to its stage, which takes an agent.
async fn asked(server: &Server, names: &Names, task: &str) -> [String; 2] {
    let (now, id) = (server.app.now(), TaskResultId::fresh());
    let tx = server.db.write().await.unwrap();
    tx.insert(task_result::Model {
        id: id.clone(),
        task_stage_id: names["task_stage_id"].parse().unwrap(),
        run_task_id: task.parse().unwrap(),
        workspace_task_id: None,
        task_name: "scan".into(),
        task_url: "https://example.com/".into(),
        hmac_key: None,
        stage: Stage::PostPlan,
        enforcement_level: run_task::Enforcement::Advisory,
        is_speculative: false,
        status: task_result::Status::Running,
        message: None,
        url: None,
        token: None,
        token_hash: Some(crypto_hash()),
        token_ends_at: Some(Timestamp(now.0 + 3_600_000)),
        silent_until: None,
        ends_at: None,
        status_timestamps: StatusTimestamps::default(),
        created_at: now,
        updated_at: now,
    })
    .await
    .unwrap();
    let outcome = TaskResultOutcomeId::fresh();
    tx.insert(task_result_outcome::Model {
        id: outcome.clone(),
        task_result_id: id.clone(),
        outcome_id: "X-1".into(),
        description: "An open port".into(),
        url: None,
        tags: Json::default(),
        body_size: 5,
        created_at: now,
    })
    .await
    .unwrap();
    let content = server.keyring.seal("task_result_bodies.content", outcome.as_str(), b"# All");
    tx.insert(task_result_body::Model { outcome_id: outcome.clone(), content }).await.unwrap();
    tx.commit().await.unwrap();
    [id.to_string(), outcome.to_string()]
}

fn crypto_hash() -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(TOKEN))
}

/// What the operations on run tasks take.
pub fn body(names: &Names, method: &str, path: &str) -> Option<Sent> {
    Some(match (method, path) {
        ("DELETE", "/tasks/{task_id}" | "/workspaces/{workspace_id}/tasks/{workspace_task_id}") => {
            Sent::Nothing
        }
        ("POST", "/organizations/{organization_name}/tasks") => Sent::Json(task("another")),
        ("PATCH", "/tasks/{task_id}") => {
            Sent::Json(resource("tasks", &json!({ "description": "Looks at some" })))
        }
        ("POST", "/workspaces/{workspace_id}/tasks") => {
            Sent::Json(attachment(&names["spare_task"]))
        }
        ("PATCH", "/workspaces/{workspace_id}/tasks/{workspace_task_id}") => {
            let change = json!({ "enforcement-level": "mandatory", "stages": ["pre_plan"] });
            Sent::Json(resource("workspace-tasks", &change))
        }
        ("PATCH", "/task-results/{task_result_id}/callback") => Sent::Json(resource(
            "task-results",
            &json!({ "status": "running", "message": "At it" }),
        )),
        _ => return None,
    })
}
