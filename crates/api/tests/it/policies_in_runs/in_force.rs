//! Which sets count for a run, and where command lines find them.

use serde_json::{Value, json};
use testkit::Server;

use super::{AGAINST, FOR, attach, evaluate, plan, planned};
use crate::{
    agent::Agent,
    policy_sets,
    runs::{run, upload},
};

#[tokio::test]
async fn a_set_counts_where_it_is_said_to() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let id = attach(&owner, &ws, "mandatory", AGAINST, json!({ "name": "all" })).await;
    let set = format!("/policy-sets/{id}");
    let own = policy_sets::ids("workspaces", &[ws.id.as_str()]);
    let project = policy_sets::ids("projects", &[ws.project_id.as_str()]);
    let status = async || {
        let run = planned(&server, &ws, json!({}), true).await;
        if run.attribute("actions")["is-discardable"] == true {
            owner
                .post(format!("/runs/{}/actions/discard", run.id()), json!({}))
                .await
                .is_accepted();
        }
        run.attribute("status").as_str().unwrap().to_owned()
    };
    let add = async |relation: &str, body: &Value| {
        owner.post(format!("{set}/relationships/{relation}"), body).await.is_no_content();
    };
    let remove = async |relation: &str, body: &Value| {
        owner.delete_with(format!("{set}/relationships/{relation}"), body).await.is_no_content();
    };
    assert_eq!(status().await, "errored", "it names the workspace");
    add("workspace-exclusions", &own).await;
    assert_eq!(status().await, "planned", "it excludes the workspace");
    remove("workspace-exclusions", &own).await;
    remove("workspaces", &own).await;
    assert_eq!(status().await, "planned", "it names nothing");
    add("projects", &project).await;
    assert_eq!(status().await, "errored", "it names the project");
    remove("projects", &project).await;
    let selectors =
        json!({ "data": [{ "tag-key": "env", "tag-value": "prod", "is-exclude": false }] });
    owner.post(format!("{set}/tag-selectors"), &selectors).await.is_no_content();
    assert_eq!(status().await, "planned", "the tag is missing");
    let tags = json!({ "data": [{ "type": "tag-bindings", "attributes": { "key": "env", "value": "prod" } }] });
    owner.patch(format!("/workspaces/{}/tag-bindings", ws.id), tags).await.is_ok();
    assert_eq!(status().await, "errored", "the tag is there");
    owner.delete_with(format!("{set}/tag-selectors"), &selectors).await.is_no_content();
    owner.patch(&set, policy_sets::body(json!({ "global": true }))).await.is_ok();
    assert_eq!(status().await, "errored", "it is global");
    let excluding =
        json!({ "data": [{ "tag-key": "env", "tag-value": "prod", "is-exclude": true }] });
    owner.post(format!("{set}/tag-selectors"), &excluding).await.is_no_content();
    assert_eq!(status().await, "planned", "its tag is excluded");
    owner.delete_with(format!("{set}/tag-selectors"), &excluding).await.is_no_content();
    assert_eq!(status().await, "errored", "it is global again");
    add("project-exclusions", &project).await;
    assert_eq!(status().await, "planned", "the project is excluded");
}

#[tokio::test]
async fn policies_attached_while_a_run_is_planned_count() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    upload(&owner, &ws, false).await;
    let made = owner.post("/runs", run(&ws, json!({}))).await.is_created();
    assert_eq!(made.data()["relationships"]["task-stages"]["data"], json!([]));
    server.advance().await;
    attach(&owner, &ws, "mandatory", AGAINST, json!({ "name": "all" })).await;
    plan(&agent, true).await;
    evaluate(&server).await;
    let run = owner.get(format!("/runs/{}?include=task_stages", made.id())).await.is_ok();
    assert_eq!(run.attribute("status"), "errored");
    assert_eq!(run.json()["included"][0]["attributes"]["status"], "failed");
}

#[tokio::test]
async fn command_lines_find_the_stage_before_the_plan_and_it_ends_with_the_run() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", FOR, json!({ "name": "all" })).await;
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let shown = owner.get(format!("/runs/{id}?include=task_stages")).await.is_ok();
    assert_eq!(shown.json()["included"][0]["attributes"]["status"], "pending");
    owner.post(format!("/runs/{id}/actions/cancel"), json!({})).await.is_accepted();
    let stages = owner.get(format!("/runs/{id}/task-stages")).await.is_ok();
    assert_eq!(stages.attributes("status"), ["unreachable"]);
}
