//! What a run keeps from its plan to its apply whatever is changed meanwhile, and saved plans that a new state outdates.

use std::time::Duration;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

async fn status(client: &Client<'_>, id: &str) -> String {
    let run = client.get(format!("/runs/{id}")).await.is_ok();
    run.attribute("status").as_str().unwrap().to_owned()
}

fn body(kind: &str, attributes: Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

async fn variable(
    owner: &Client<'_>,
    ws: &Workspace,
    key: &str,
    value: &str,
    kind: &str,
) -> String {
    let new =
        body("vars", json!({ "key": key, "value": value, "category": kind, "sensitive": true }));
    owner.post(format!("/workspaces/{}/vars", ws.id), new).await.is_created().id()
}

/// What an engine gets to see of a workspace.
fn seen(job: &Value) -> Value {
    let of = |name: &str| job[name].clone();
    json!([
        of("organization"),
        of("workspace"),
        of("project"),
        of("engine"),
        of("working_directory"),
        of("variables"),
        of("structured_output"),
        of("configuration_url").as_str().map(str::len),
    ])
}

#[tokio::test]
async fn an_apply_gets_what_its_plan_got_whatever_was_changed_in_between() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let path = format!("/workspaces/{}", ws.id);
    upload(&owner, &ws, false).await;
    let kept = variable(&owner, &ws, "region", "eu", "terraform").await;
    let gone = variable(&owner, &ws, "SECRET", "planned-with-this", "env").await;
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    let plan = agent.must_claim().await;
    plan.execute().await;
    assert!(!server.everything().await.contains("planned-with-this"), "it is sealed");

    let project = server.project("elsewhere").await;
    let change = json!({ "data": { "type": "workspaces", "attributes": {
        "name": "renamed", "working-directory": "other", "terraform-version": "latest",
        "execution-mode": "local", "structured-run-output-enabled": true, "auto-apply": true,
    }, "relationships": { "project": { "data": { "type": "projects", "id": project.id } } } } });
    owner.patch(&path, change).await.is_ok();
    owner
        .patch(format!("{path}/vars/{kept}"), body("vars", json!({ "value": "us" })))
        .await
        .is_ok();
    owner.delete(format!("{path}/vars/{gone}")).await.is_no_content();
    variable(&owner, &ws, "new", "one", "terraform").await;

    owner.post(format!("/runs/{id}/actions/apply"), json!({})).await.is_accepted();
    server.advance().await;
    let apply = agent.must_claim().await;
    assert!(apply.is_apply());
    assert_eq!(seen(&apply.json), seen(&plan.json));
    assert_eq!(apply.json["workspace"], "networking");
    assert_eq!(apply.json["variables"].as_array().unwrap().len(), 2);
    assert_eq!(server.row_counts().await["run_circumstances"], 1);
    apply.start().await;
    apply.save_state(1, 1).await;
    apply.outcome("finished", true).await;
    assert_eq!(status(&owner, &id).await, "applied");
    assert_eq!(
        server.row_counts().await["run_circumstances"],
        0,
        "what was kept goes with the end of the run"
    );
}

#[tokio::test]
async fn a_run_that_was_not_planned_when_its_workspace_became_local_is_executed_by_nobody() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let path = format!("/workspaces/{}", ws.id);
    owner.patch(&path, body("workspaces", json!({ "execution-mode": "local" }))).await.is_ok();
    server.advance().await;
    assert!(agent.claim().await.is_none());
    let cx = owner.cx().await;
    let found = domain::runs::find(&cx, &id.parse().unwrap()).await.unwrap();
    let found = cx.check::<domain::can::ReadRun, _>(found).unwrap();
    let why = domain::runs::waits_for(&cx, &found).await.unwrap().unwrap();
    assert!(why.contains("execution mode is local"), "{why}");
    owner.patch(&path, body("workspaces", json!({ "execution-mode": "remote" }))).await.is_ok();
    server.advance().await;
    assert_eq!(agent.must_claim().await.run(), id);
}

async fn saved(server: &Server, agent: &Agent<'_>, ws: &Workspace) -> String {
    // Never applied by itself, whatever it is sent: so it says, too.
    let new = run(ws, json!({ "save-plan": true, "auto-apply": true }));
    let made = server.owner().post("/runs", new).await.is_created();
    assert_eq!(made.attribute("auto-apply"), false);
    let id = made.id();
    server.advance().await;
    agent.must_claim().await.execute().await;
    assert_eq!(status(&server.owner(), &id).await, "planned_and_saved");
    id
}

/// A run in the workspace that makes a new state.
async fn apply(server: &Server, agent: &Agent<'_>, ws: &Workspace, serial: u64) {
    let new = run(ws, json!({ "auto-apply": true }));
    server.owner().post("/runs", new).await.is_created();
    server.advance().await;
    agent.must_claim().await.execute().await;
    server.advance().await;
    let apply = agent.must_claim().await;
    apply.start().await;
    assert_eq!(apply.save_state(serial, 1).await, 200);
    apply.outcome("finished", true).await;
    apply.finish().await;
}

#[tokio::test]
async fn a_saved_plan_that_another_run_made_stale_is_discarded_and_says_why() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let id = saved(&server, &agent, &ws).await;
    apply(&server, &agent, &ws, 1).await;
    assert_eq!(status(&owner, &id).await, "discarded");
    let comments = owner.get(format!("/runs/{id}/comments")).await.is_ok();
    assert!(comments.attributes("body")[0].as_str().unwrap().contains("state of the workspace"));
    owner.post(format!("/runs/{id}/actions/apply"), json!({})).await.is_conflict();
}

#[tokio::test]
async fn a_saved_plan_stays_as_long_as_the_state_does() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    apply(&server, &agent, &ws, 1).await;
    let (first, second) = (saved(&server, &agent, &ws).await, saved(&server, &agent, &ws).await);
    let other = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    owner.post(format!("/runs/{other}/actions/discard"), json!({})).await.is_accepted();
    assert_eq!(status(&owner, &first).await, "planned_and_saved");
    owner.post(format!("/runs/{first}/actions/apply"), json!({})).await.is_accepted();
    server.advance().await;
    let apply = agent.must_claim().await;
    apply.start().await;
    assert_eq!(apply.save_state(2, 2).await, 200);
    assert_eq!(status(&owner, &second).await, "discarded");
    apply.outcome("finished", true).await;
    assert_eq!(status(&owner, &first).await, "applied");
}

#[tokio::test]
async fn a_plan_is_not_saved_on_a_state_that_changed_while_it_was_made() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({ "save-plan": true }))).await.is_created().id();
    server.advance().await;
    let plan = agent.must_claim().await;
    plan.start().await;
    apply(&server, &agent, &ws, 1).await;
    plan.outcome("finished", true).await;
    assert_eq!(status(&owner, &id).await, "discarded");
}

#[tokio::test]
async fn a_confirmed_saved_plan_is_never_applied_to_another_state_and_blocks_nobody() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let id = saved(&server, &agent, &ws).await;
    // Queued later, but it holds the workspace.
    let holder = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    agent.must_claim().await.execute().await;
    for run in [&id, &holder] {
        server.pass(Duration::from_secs(1));
        owner.post(format!("/runs/{run}/actions/apply"), json!({})).await.is_accepted();
    }
    server.advance().await;
    let apply = agent.must_claim().await;
    assert_eq!(apply.run(), holder);
    assert!(agent.claim().await.is_none());
    apply.start().await;
    apply.save_state(1, 1).await;
    assert_eq!(status(&owner, &id).await, "discarded");
    apply.outcome("finished", true).await;
    server.advance().await;
    assert!(agent.claim().await.is_none());
}
