//! What the engine inside a run may do at the server, and for how long

use std::time::Duration;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::{
    agent::{Agent, Job},
    runs::{run, upload},
};

/// A job of a fresh run of this workspace, with a client that shows what its engine shows.
async fn engine<'a>(
    server: &'a Server,
    agent: &'a Agent<'a>,
    ws: &Workspace,
) -> (Job<'a>, Client<'a>) {
    let owner = server.owner();
    upload(&owner, ws, false).await;
    owner.post("/runs", run(ws, json!({}))).await.is_created();
    server.advance().await;
    let job = agent.must_claim().await;
    let client = bearer(server, &job);
    (job, client)
}

fn bearer<'a>(server: &'a Server, job: &Job<'_>) -> Client<'a> {
    server.bearer(job.json["access"]["token"].as_str().unwrap())
}

fn named(workspaces: &[&Workspace]) -> Value {
    let data: Vec<_> =
        workspaces.iter().map(|ws| json!({ "type": "workspaces", "id": ws.id })).collect();
    json!({ "data": data })
}

#[tokio::test]
async fn it_reads_the_states_that_are_shared_with_it_and_no_others() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let [ws, shared, other] = [
        server.workspace("networking").await,
        server.workspace("shared").await,
        server.workspace("other").await,
    ];
    for owned in [&ws, &shared, &other] {
        crate::states::push(&server.owner(), owned, 1).await;
    }
    let consumers = format!("/workspaces/{}/relationships/remote-state-consumers", shared.id);
    server.owner().post(consumers, named(&[&ws])).await.is_no_content();
    let (_, engine) = engine(&server, &agent, &ws).await;

    // As `terraform_remote_state` asks, call by call.
    engine.get("/organizations/acme/entitlement-set").await.is_ok();
    for readable in [&ws, &shared] {
        engine.get(format!("/organizations/acme/workspaces/{}", readable.name)).await.is_ok();
        let current = format!("/workspaces/{}/current-state-version", readable.id);
        let current = engine.get(current).await.is_ok();
        let address = current.attribute("hosted-state-download-url");
        engine.get(address.as_str().unwrap()).await.is_ok();
        let outputs = format!("/workspaces/{}/current-state-version-outputs", readable.id);
        engine.get(outputs).await.is_ok();
    }
    engine.get("/organizations/acme/workspaces/other").await.is_not_found();
    engine.get(format!("/workspaces/{}/current-state-version", other.id)).await.is_not_found();
    // The command line tries this where it finds no workspace.
    let new = json!({ "data": { "type": "workspaces", "attributes": { "name": "other" } } });
    engine.post("/organizations/acme/workspaces", new).await.is_not_found();
}

#[tokio::test]
async fn it_changes_nothing() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let (job, engine) = engine(&server, &agent, &ws).await;
    engine.get(format!("/runs/{}", job.run())).await.is_ok();
    engine.post(format!("/runs/{}/actions/cancel", job.run()), ()).await.is_not_found();
    engine.post(format!("/workspaces/{}/actions/lock", ws.id), ()).await.is_not_found();
    engine.post("/runs", run(&ws, json!({}))).await.is_not_found();
    engine.get("/account/details").await;
    engine
        .post("/agent/v1/jobs/claim", json!({ "agent_id": "agent-1", "wait_seconds": 0 }))
        .await
        .is_not_found();
}

#[tokio::test]
async fn what_it_shows_is_good_for_as_long_as_the_job_is_held() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let own = format!("/workspaces/{}", ws.id);
    let (plan, engine) = engine(&server, &agent, &ws).await;
    engine.get(&own).await.is_ok();
    assert_eq!(plan.start().await, 204);
    engine.get(&own).await.is_ok();
    assert_eq!(plan.outcome("finished", true).await, 204);
    engine.get(&own).await.is_unauthorized();

    let path = format!("/runs/{}/actions/apply", plan.run());
    server.owner().post(path, ()).await.is_accepted();
    server.advance().await;
    let apply = agent.must_claim().await;
    assert_ne!(apply.json["access"]["token"], plan.json["access"]["token"]);
    bearer(&server, &apply).get(&own).await.is_ok();
    engine.get(&own).await.is_unauthorized();
}

#[tokio::test]
async fn a_lost_job_takes_its_token_with_it() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let own = format!("/workspaces/{}", ws.id);
    let (job, engine) = engine(&server, &agent, &ws).await;
    assert_eq!(job.start().await, 204);
    server.pass(Duration::from_secs(61));
    engine.get(&own).await.is_unauthorized();
    domain::agents::sweep(&server.system()).await.unwrap();
    let again = agent.must_claim().await;
    engine.get(&own).await.is_unauthorized();
    bearer(&server, &again).get(&own).await.is_ok();
}

#[tokio::test]
async fn it_is_told_where_the_services_are_if_it_cannot_ask() {
    let server = Server::start_with(|options| {
        options.settings.public_url = "http://statehouse.test:8080".into();
    })
    .await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let (job, _) = engine(&server, &agent, &ws).await;
    let access = &job.json["access"];
    assert_eq!(access["host"], "statehouse.test:8080");
    assert_eq!(access["services"]["tfe.v2"], "http://statehouse.test:8080/api/v2/");

    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let (job, _) = engine(&server, &agent, &ws).await;
    assert_eq!(job.json["access"]["host"], "statehouse.test");
    assert_eq!(job.json["access"]["services"], json!({}));
}

#[tokio::test]
async fn the_key_of_the_workspace_goes_to_the_agent_alone() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let new = json!({ "data": { "type": "ssh-keys", "attributes": {
        "name": "deploy", "value": "open sesame" } } });
    let key = owner.post("/organizations/acme/ssh-keys", new).await.is_created().id();
    let (without, _) = engine(&server, &agent, &ws).await;
    assert_eq!(without.json["ssh_key"], Value::Null);
    without.execute().await;
    owner.post(format!("/runs/{}/actions/discard", without.run()), ()).await.is_accepted();

    let assign = json!({ "data": { "type": "workspaces", "attributes": { "id": key } } });
    let path = format!("/workspaces/{}/relationships/ssh-key", ws.id);
    owner.patch(path, assign).await.is_ok();
    let (with, _) = engine(&server, &agent, &ws).await;
    assert_eq!(with.json["ssh_key"], "open sesame");
}
