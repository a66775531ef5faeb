//! `/tasks` of organizations, and `/workspaces/:id/tasks`

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{
    Client, Server,
    world::{related, resource},
};

use crate::notifications::{Recipient, crypto_of, loopback};

const PATH: &str = "/organizations/acme/tasks";

pub fn task(name: &str, url: &str) -> Value {
    resource(
        "tasks",
        &json!({ "category": "task", "name": name, "url": url, "hmac-key": "hunter2" }),
    )
}

/// One that nobody is tried for.
fn disabled(name: &str) -> Value {
    let mut task = task(name, "https://example.com/");
    task["data"]["attributes"]["enabled"] = json!(false);
    task
}

pub fn attachment(task: &str, attributes: &Value) -> Value {
    related(
        resource("workspace-tasks", attributes),
        &json!({ "task": { "data": { "type": "tasks", "id": task } } }),
    )
}

/// Has a run task asked about the runs of a workspace.
pub async fn attach(
    client: &Client<'_>,
    ws: &Workspace,
    task: &str,
    stages: &[&str],
    level: &str,
) -> String {
    let attributes = json!({ "stages": stages, "enforcement-level": level });
    let path = format!("/workspaces/{}/tasks", ws.id);
    client.post(path, attachment(task, &attributes)).await.is_created().id()
}

#[tokio::test]
async fn a_run_task_is_made_shown_changed_and_deleted() {
    let server = Server::start_with(loopback).await;
    let owner = server.owner();
    let service = Recipient::new().await;
    let mut new = task("scan", &service.url);
    new["data"]["attributes"]["global-configuration"] = json!({
        "enabled": true, "stages": ["post_plan", "pre_plan"], "enforcement-level": "mandatory",
    });
    let made = owner.post(PATH, new).await.is_created();
    assert!(made.id().starts_with("task-"));
    assert_eq!(made.attribute("hmac-key"), Value::Null);
    assert_eq!(made.attribute("category"), "task");
    assert_eq!(made.attribute("global-configuration")["stages"], json!(["post_plan", "pre_plan"]));
    assert_eq!(made.related("organization"), "acme");
    let path = format!("/tasks/{}", made.id());
    assert_eq!(owner.get(PATH).await.is_ok().data()[0], made.data());
    assert_eq!(server.member().get(&path).await.is_ok().data(), made.data());
    let change = resource(
        "tasks",
        &json!({
            "name": "scanner", "description": "Looks at all", "enabled": false,
            "global-configuration": { "enabled": false },
        }),
    );
    owner.patch(&path, change).await.is_ok();
    let changed = owner.get(&path).await.is_ok();
    assert_eq!(changed.attribute("name"), "scanner");
    assert_eq!(changed.attribute("description"), "Looks at all");
    assert_eq!(changed.attribute("global-configuration")["enforcement-level"], "mandatory");
    assert!(!server.everything().await.contains("hunter2"), "keys are sealed");
    server.member().delete(&path).await.is_not_found();
    owner.delete(&path).await.is_no_content();
    owner.get(&path).await.is_not_found();
}

#[tokio::test]
async fn a_service_is_tried_when_it_is_to_be_asked_and_only_then() {
    let server = Server::start_with(loopback).await;
    let owner = server.owner();
    let service = Recipient::answering(&[200, 401, 503, 200]).await;
    let made = owner.post(PATH, task("scan", &service.url)).await.is_created();
    let heard = service.heard().await;
    let signature = crypto_of("hunter2", &heard[0].body);
    assert_eq!(heard[0].signature.as_deref(), Some(signature.as_str()));
    let trial = heard[0].json();
    assert_eq!(trial["access_token"], "test-token");
    assert_eq!((&trial["payload_version"], &trial["is_speculative"]), (&json!(1), &json!(false)));
    assert!(domain::Timestamp::parse(trial["run_created_at"].as_str().unwrap()).is_some());

    let path = format!("/tasks/{}", made.id());
    let key = resource("tasks", &json!({ "hmac-key": "another" }));
    owner.patch(&path, &key).await.is_unprocessable("/data/attributes/url");
    let refused = owner.patch(&path, &key).await.is_unprocessable("/data/attributes/url");
    assert!(refused.error().contains("503"), "{refused}");
    owner.patch(&path, resource("tasks", &json!({ "description": "x" }))).await.is_ok();
    assert_eq!(service.heard().await.len(), 3, "a description is not tried");
    owner.patch(&path, resource("tasks", &json!({ "enabled": false }))).await.is_ok();
    assert_eq!(service.heard().await.len(), 3, "what is not to be asked is not tried");
    owner.patch(&path, resource("tasks", &json!({ "enabled": true }))).await.is_ok();
    assert_eq!(service.heard().await.len(), 4);
}

#[tokio::test]
async fn wrong_run_tasks_are_refused() {
    // Whose network nobody has allowed.
    let server = Server::start().await;
    let owner = server.owner();
    let service = Recipient::new().await;
    for (name, value) in [
        ("name", json!(null)),
        ("name", json!("two words")),
        ("name", json!("")),
        ("url", json!(null)),
        ("url", json!("ftp://example.com")),
        ("url", json!(service.url)),
        ("category", json!("advisory")),
        ("category", json!(null)),
        ("description", json!("x".repeat(301))),
        ("hmac-key", json!("x".repeat(1025))),
        ("params", json!({ "a": 1 })),
        ("global-configuration/stages", json!({ "enabled": true })),
        ("global-configuration/stages", json!({ "stages": ["plan"] })),
        ("global-configuration/enforcement-level", json!({ "enforcement-level": "hard" })),
    ] {
        let mut wrong = task("scan", "https://example.com/");
        let attribute = name.split('/').next().unwrap();
        wrong["data"]["attributes"]["enabled"] = json!(name == "url");
        wrong["data"]["attributes"][attribute] = value;
        let refused = owner.post(PATH, wrong).await;
        refused.is_unprocessable(&format!("/data/attributes/{name}"));
    }
    assert!(service.heard().await.is_empty());
    let pool = related(
        disabled("scan"),
        &json!({ "agent-pool": { "data": { "type": "agent-pools", "id": "apool-none" } } }),
    );
    let refused = owner.post(PATH, pool).await.is_unprocessable("/data/relationships/agent-pool");
    assert!(refused.error().contains("The provided agent pool does not exist"), "{refused}");
    assert_eq!(owner.get(PATH).await.is_ok().data(), json!([]));
    owner.post(PATH, disabled("scan")).await.is_created();
    owner.post(PATH, disabled("scan")).await.is_unprocessable("/data/attributes/name");
}

#[tokio::test]
async fn a_run_task_is_attached_shown_changed_and_detached() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let (owner, custom) = (server.owner(), server.admin_of(&ws));
    let task = owner.post(PATH, disabled("scan")).await.is_created().id();
    let path = format!("/workspaces/{}/tasks", ws.id);
    let old = attachment(&task, &json!({ "enforcement-level": "advisory", "stage": "pre_plan" }));
    let made = custom.post(&path, &old).await.is_created();
    assert!(made.id().starts_with("wstask-"));
    assert_eq!(made.attribute("stages"), json!(["pre_plan"]));
    assert_eq!((made.related("task"), made.related("workspace")), (json!(task), json!(ws.id)));
    custom.post(&path, &old).await.is_unprocessable("/data/relationships/task");
    let one = format!("{path}/{}", made.id());
    assert_eq!(server.reader(&ws).get(&one).await.is_ok().data(), made.data());
    assert_eq!(custom.get(&path).await.is_ok().data()[0], made.data());
    let change = json!({ "enforcement-level": "mandatory", "stages": ["post_apply", "pre_apply"] });
    custom.patch(&one, resource("workspace-tasks", &change)).await.is_ok();
    let changed = custom.get(&one).await.is_ok();
    assert_eq!(changed.attribute("stage"), "post_apply", "the first of them");
    assert_eq!(changed.attribute("enforcement-level"), "mandatory");
    for (attribute, value) in [
        ("enforcement-level", json!("hard-mandatory")),
        ("stages", json!([])),
        ("stages", json!(["cost_estimation"])),
    ] {
        let wrong = resource("workspace-tasks", &json!({ attribute: value }));
        custom.patch(&one, wrong).await.is_unprocessable(&format!("/data/attributes/{attribute}"));
    }
    let said = |stage: &str| {
        resource("workspace-tasks", &json!({ "stage": stage, "stages": ["pre_apply"] }))
    };
    custom.patch(&one, said("post_plan")).await.is_unprocessable("/data/attributes/stage");
    custom.patch(&one, said("pre_apply")).await.is_ok();
    let none = resource("workspace-tasks", &json!({ "enforcement-level": "advisory" }));
    custom.post(&path, none).await.is_unprocessable("/data/relationships/task");
    let elsewhere = server.workspace("storage").await;
    owner.get(format!("/workspaces/{}/tasks/{}", elsewhere.id, made.id())).await.is_not_found();
    server.writer(&ws).patch(&one, resource("workspace-tasks", &json!({}))).await.is_not_found();

    let with = owner.get(format!("/tasks/{task}?include=workspace_tasks.workspace")).await.is_ok();
    let kinds: Vec<_> =
        with.json()["included"].as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
    assert_eq!(kinds, ["workspace-tasks", "workspaces"]);
    let member = server.member().get(format!("/tasks/{task}")).await.is_ok();
    let hidden = &member.data()["relationships"]["workspace-tasks"]["data"];
    assert_eq!(*hidden, json!([]), "nobody is told of workspaces that they may not see");
    let listed = owner.get(format!("/tasks/{task}/relationships/workspace-tasks")).await.is_ok();
    assert_eq!(listed.data()[0]["id"], made.id());

    let refused = owner.delete(format!("/tasks/{task}")).await.is_conflict();
    assert!(refused.error().contains("1 workspaces"), "{refused}");
    custom.delete(&one).await.is_no_content();
    custom.get(&one).await.is_not_found();
    owner.delete(format!("/tasks/{task}")).await.is_no_content();
}

#[tokio::test]
async fn a_run_task_of_another_organization_cannot_be_attached() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let foreigner = server.foreigner();
    let path = "/organizations/elsewhere/tasks";
    let task = foreigner.post(path, disabled("scan")).await.is_created().id();
    let new = attachment(&task, &json!({ "enforcement-level": "advisory" }));
    server.owner().post(format!("/workspaces/{}/tasks", ws.id), new).await.is_not_found();
}
