//! Runs that nobody can execute yet: they wait, and say for what.

use std::time::Duration;

use domain::entity::tool_version::Kind;
use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::{
    agent::{Agent, ENGINE},
    runs::{run, upload},
};

async fn queue(server: &Server, name: &str) -> String {
    let (owner, ws) = (server.owner(), server.workspace(name).await);
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({ "auto-apply": true }))).await.is_created().id()
}

/// The run's status, and what it says that it waits for.
async fn waits(server: &Server, run: &str) -> (Value, String) {
    let shown = server.owner().get(format!("/runs/{run}")).await.is_ok();
    let why = &shown.data()["attributes"]["waiting-reason"];
    (shown.attribute("status"), why.as_str().unwrap_or_default().to_owned())
}

async fn is_waiting(server: &Server, run: &str, words: &[&str]) {
    server.advance().await;
    let (status, why) = waits(server, run).await;
    assert_eq!(status, "pending", "{why}");
    for word in words {
        assert!(why.contains(word), "{word}: {why}");
    }
}

async fn wish(client: &Client<'_>, id: &str, attributes: Value) -> testkit::Answer {
    let body = json!({ "data": { "type": "workspaces", "attributes": attributes } });
    client.patch(format!("/workspaces/{id}"), body).await
}

#[tokio::test]
async fn a_run_says_that_no_agent_is_there_until_one_is() {
    let server = Server::start().await;
    let id = queue(&server, "first").await;
    is_waiting(&server, &id, &["No agent of this server is there", "goes on when"]).await;
    let agent = Agent::register(&server).await;
    let (_, why) = waits(&server, &id).await;
    assert_eq!(why, "", "an agent is there");
    server.advance().await;
    assert_eq!(agent.must_claim().await.run(), id);
}

#[tokio::test]
async fn a_run_that_is_queued_says_that_its_agent_is_gone() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let id = queue(&server, "first").await;
    server.advance().await;
    assert_eq!(waits(&server, &id).await, (json!("plan_queued"), String::new()));
    agent.leave().await;
    let (status, why) = waits(&server, &id).await;
    assert_eq!(status, "plan_queued");
    assert!(why.contains("No agent of this server is there"), "{why}");
    let job = {
        let agent = Agent::register(&server).await;
        agent.must_claim().await.json
    };
    assert_eq!((job["run_id"].as_str(), waits(&server, &id).await.1.as_str()), (Some(&*id), ""));
}

#[tokio::test]
async fn a_run_says_that_no_engine_is_known_until_an_agent_has_one() {
    let server = Server::start().await;
    Agent::register_with_abilities(&server, "without", &json!({})).await;
    let id = queue(&server, "first").await;
    is_waiting(&server, &id, &["No Terraform and no OpenTofu", "--engine"]).await;
    let agent = Agent::register(&server).await;
    server.advance().await;
    assert_eq!(agent.must_claim().await.run(), id);
}

#[tokio::test]
async fn a_version_that_an_agent_will_have_may_be_named_and_is_waited_for() {
    let server = Server::start().await;
    domain::tool_versions::learn(&server.system(), &[(Kind::Terraform, ENGINE.into())])
        .await
        .unwrap();
    let (owner, ws) = (server.owner(), server.workspace("first").await);
    wish(&owner, ws.id.as_str(), json!({ "terraform-version": "1.8.4" })).await.is_ok();
    let mut without = Agent::register(&server).await;
    let id = queue(&server, "second").await;
    server.advance().await;
    assert_eq!(without.must_claim().await.run(), id);
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    is_waiting(
        &server,
        &id,
        &["Version 1.8.4 is not known to this server", "when an agent has it"],
    )
    .await;
    without.introduce().await;
    is_waiting(&server, &id, &["1.8.4"]).await;
    let has = json!({ "engines": [{ "kind": "terraform", "version": "1.8.4" }] });
    let has = Agent::register_with_abilities(&server, "two", &has).await;
    server.advance().await;
    let job = has.must_claim().await;
    assert_eq!((job.run(), &job.json["engine"]["version"]), (&*id, &json!("1.8.4")));
}

#[tokio::test]
async fn what_the_agent_at_hand_does_not_have_is_refused_where_it_alone_would_execute() {
    let server = Server::start().await;
    Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("first").await);
    let pointer = "/data/attributes/terraform-version";
    let version = json!({ "terraform-version": "1.8.4" });
    let refused = wish(&owner, ws.id.as_str(), version.clone()).await.is_unprocessable(pointer);
    assert!(refused.error().contains("Terraform 1.15.5"), "it says what there is: {refused}");
    // Nobody here executes the runs of a local workspace, whose version is its own business.
    let local = json!({ "terraform-version": "1.8.4", "execution-mode": "local" });
    wish(&owner, ws.id.as_str(), local).await.is_ok();
    wish(&owner, ws.id.as_str(), json!({ "terraform-version": "latest" })).await.is_ok();
    for wrong in ["eleven", "1.8.4.1", "v1.8.4", "~>", "1.8.4 or so", ""] {
        let wrong = json!({ "terraform-version": wrong });
        wish(&owner, ws.id.as_str(), wrong).await.is_unprocessable(pointer);
    }
}

#[tokio::test]
async fn a_run_says_that_its_version_was_disabled() {
    let server = Server::start().await;
    let ws = server.workspace("first").await;
    Agent::register(&server).await;
    let (owner, admin) = (server.owner(), server.site_admin());
    wish(&owner, ws.id.as_str(), json!({ "terraform-version": ENGINE })).await.is_ok();
    let path = "/admin/terraform-versions";
    let known = admin.get(format!("{path}?filter[version]={ENGINE}")).await.is_ok();
    let id = known.data()[0]["id"].as_str().unwrap().to_owned();
    let enable = |enabled: bool| json!({ "data": { "type": "terraform-versions", "attributes": { "enabled": enabled } } });
    admin.patch(format!("{path}/{id}"), enable(false)).await.is_ok();
    upload(&owner, &ws, false).await;
    let run = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    is_waiting(&server, &run, &["was disabled by an administrator", "enabled again"]).await;
    admin.patch(format!("{path}/{id}"), enable(true)).await.is_ok();
    server.advance().await;
    assert_eq!(waits(&server, &run).await, (json!("plan_queued"), String::new()));
}

#[tokio::test]
async fn a_run_says_that_all_places_are_taken() {
    let server = Server::start_with(|options| options.settings.concurrency = 1).await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let first = queue(&server, "first").await;
    server.pass(Duration::from_secs(1));
    let second = queue(&server, "second").await;
    is_waiting(&server, &second, &["executes 1 at once", "when one is free"]).await;
    let job = agent.must_claim().await;
    assert_eq!(job.run(), first);
    assert_eq!(job.start().await, 204);
    assert_eq!(job.outcome("errored", false).await, 204);
    assert_eq!(job.finish().await, 204);
    server.advance().await;
    assert_eq!(waits(&server, &second).await, (json!("plan_queued"), String::new()));
}

#[tokio::test]
async fn a_run_says_who_has_locked_its_workspace() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let id = queue(&server, "first").await;
    let owner = server.owner();
    let workspace = owner.get("/organizations/acme/workspaces/first").await.is_ok().id();
    let lock = format!("/workspaces/{workspace}/actions/lock");
    owner.post(lock, json!({ "reason": "holiday" })).await.is_ok();
    let name = owner.user().await.username;
    is_waiting(&server, &id, &[&name, "holiday", "goes on when it is unlocked"]).await;
    owner.post(format!("/workspaces/{workspace}/actions/unlock"), ()).await.is_ok();
    let (_, why) = waits(&server, &id).await;
    assert_eq!(why, "");
    server.advance().await;
    assert_eq!(agent.must_claim().await.run(), id);
}
