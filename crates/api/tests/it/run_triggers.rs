//! `/run-triggers`, and the runs that they queue

use domain::{events, row::Workspace, run_triggers, workspaces::Change};
use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

fn from(source: &Workspace) -> Value {
    json!({ "data": { "type": "run-triggers", "relationships": {
        "sourceable": { "data": { "type": "workspaces", "id": source.id } } } } })
}

fn of(workspace: &Workspace) -> String {
    format!("/workspaces/{}/run-triggers", workspace.id)
}

async fn connect(server: &Server, workspace: &Workspace, source: &Workspace) -> String {
    server.owner().post(of(workspace), from(source)).await.is_created().id()
}

async fn runs_in(client: &Client<'_>, workspace: &Workspace) -> Vec<Value> {
    let runs = client.get(format!("/workspaces/{}/runs", workspace.id)).await.is_ok();
    runs.data().as_array().unwrap().clone()
}

/// A run in the workspace from beginning to end.
async fn apply(server: &Server, agent: &Agent<'_>, workspace: &Workspace) -> String {
    let new = run(workspace, json!({ "auto-apply": true }));
    let id = server.owner().post("/runs", new).await.is_created().id();
    for _ in 0..2 {
        server.advance().await;
        agent.must_claim().await.execute().await;
    }
    let run = server.owner().get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(run.attribute("status"), "applied");
    id
}

/// Does what follows from what happened.
async fn follow(server: &Server) {
    events::read(&server.system()).await.unwrap();
    run_triggers::work(&server.system()).await.unwrap();
}

#[tokio::test]
async fn a_trigger_is_made_shown_and_deleted() {
    let server = Server::start().await;
    let (target, source) = (server.workspace("web").await, server.workspace("network").await);
    let owner = server.owner();
    let made = owner.post(of(&target), from(&source)).await.is_created();
    assert!(made.id().starts_with("rt-"));
    assert_eq!(made.attribute("workspace-name"), "web");
    assert_eq!(made.attribute("sourceable-name"), "network");
    let one = format!("/run-triggers/{}", made.id());
    assert_eq!(owner.get(&one).await.is_ok().data(), made.data());
    let with = owner.get(format!("{one}?include=workspace,sourceable")).await.is_ok();
    assert_eq!(with.json()["included"].as_array().unwrap().len(), 2);
    owner.delete(&one).await.is_no_content();
    owner.get(&one).await.is_not_found();
    owner.delete(&one).await.is_not_found();
}

#[tokio::test]
async fn triggers_are_listed_by_direction() {
    let server = Server::start().await;
    let (target, source) = (server.workspace("web").await, server.workspace("network").await);
    let id = connect(&server, &target, &source).await;
    let list = async |workspace: &Workspace, direction: &str| {
        let path = format!("{}?filter[run-trigger][type]={direction}", of(workspace));
        server.owner().get(path).await
    };
    assert_eq!(list(&target, "inbound").await.is_ok().data()[0]["id"], id.as_str());
    assert_eq!(list(&target, "outbound").await.is_ok().data(), json!([]));
    assert_eq!(list(&source, "outbound").await.is_ok().data()[0]["id"], id.as_str());
    assert_eq!(list(&source, "inbound").await.is_ok().data(), json!([]));
    list(&source, "oubound").await.is_bad_request();
    server.owner().get(of(&target)).await.is_bad_request();
    let far = list(&target, "inbound&page[number]=999").await.is_ok();
    assert_eq!(far.json()["meta"]["pagination"]["total-count"], 1);
    assert_eq!(far.data(), json!([]));
}

#[tokio::test]
async fn wrong_sources_are_refused() {
    let server = Server::start().await;
    let (target, source) = (server.workspace("web").await, server.workspace("network").await);
    let owner = server.owner();
    let pointer = "/data/relationships/sourceable";
    owner.post(of(&target), from(&target)).await.is_unprocessable(pointer);
    owner.post(of(&target), json!({ "data": {} })).await.is_unprocessable(pointer);
    connect(&server, &target, &source).await;
    owner.post(of(&target), from(&source)).await.is_unprocessable(pointer);
    for number in 1..20 {
        let further = server.workspace(&format!("network-{number}")).await;
        connect(&server, &target, &further).await;
    }
    let one_too_many = server.workspace("network-20").await;
    owner.post(of(&target), from(&one_too_many)).await.is_unprocessable(pointer);
}

#[tokio::test]
async fn triggers_need_an_admin_here_and_a_reader_there() {
    let server = Server::start().await;
    let (target, source) = (server.workspace("web").await, server.workspace("network").await);
    // May not see the source.
    server.admin_of(&target).post(of(&target), from(&source)).await.is_not_found();
    server.writer(&target).post(of(&target), from(&target)).await.is_not_found();
    let one = format!("/run-triggers/{}", connect(&server, &target, &source).await);
    server.reader(&source).get(&one).await.is_ok();
    server.reader(&target).get(&one).await.is_ok();
    server.member().get(&one).await.is_not_found();
    server.admin_of(&source).delete(&one).await.is_not_found();
    server.admin_of(&target).delete(&one).await.is_no_content();
}

#[tokio::test]
async fn an_apply_queues_one_run_in_each_workspace_that_waits_for_it() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let owner = server.owner();
    let (source, manual) = (server.workspace("network").await, server.workspace("web").await);
    let change = Change {
        name: Some("database".into()),
        auto_apply_run_trigger: Some(true),
        ..Change::default()
    };
    let automatic = server.workspace_with(change).await;
    for workspace in [&source, &manual, &automatic] {
        upload(&owner, workspace, false).await;
    }
    connect(&server, &manual, &source).await;
    connect(&server, &automatic, &source).await;
    let cause = apply(&server, &agent, &source).await;
    // A crash between the apply and what follows loses nothing, and whoever comes second changes nothing.
    assert_eq!(runs_in(&owner, &manual).await, [] as [Value; 0]);
    follow(&server).await;
    follow(&server).await;
    for (workspace, auto_apply) in [(&manual, false), (&automatic, true)] {
        let runs = runs_in(&owner, workspace).await;
        assert_eq!(runs.len(), 1);
        let attributes = &runs[0]["attributes"];
        assert_eq!(attributes["auto-apply"], auto_apply);
        assert_eq!(attributes["source"], "tfe-run-trigger");
        assert_eq!(attributes["triggering-source-name"], "network");
        assert!(attributes["message"].as_str().unwrap().contains("network"));
        let relations = &runs[0]["relationships"];
        assert_eq!(relations["triggering-run"]["data"]["id"], cause.as_str());
        assert_eq!(relations["triggering-source"]["data"]["id"], source.id.as_str());
    }
}

#[tokio::test]
async fn a_run_that_was_queued_before_a_crash_is_not_queued_again() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let owner = server.owner();
    let (source, target) = (server.workspace("network").await, server.workspace("web").await);
    upload(&owner, &source, false).await;
    upload(&owner, &target, false).await;
    connect(&server, &target, &source).await;
    let cause = apply(&server, &agent, &source).await;
    follow(&server).await;
    assert_eq!(runs_in(&owner, &target).await.len(), 1);
    // As if the server had stopped before it could strike the task off.
    server
        .execute(&format!(
            "INSERT INTO tasks (id, kind, payload, due_at, attempts, created_at) VALUES \
             ('work-1', 'trigger_run', '{{\"run\":\"{cause}\",\"workspace\":\"{}\"}}', 0, 0, 0)",
            target.id
        ))
        .await;
    follow(&server).await;
    assert_eq!(runs_in(&owner, &target).await.len(), 1);
    assert_eq!(server.row_counts().await["tasks"], 0);
}

#[tokio::test]
async fn a_workspace_that_cannot_run_does_not_hold_up_the_others() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let owner = server.owner();
    let (source, empty) = (server.workspace("network").await, server.workspace("empty").await);
    upload(&owner, &source, false).await;
    connect(&server, &empty, &source).await;
    apply(&server, &agent, &source).await;
    follow(&server).await;
    assert_eq!(runs_in(&owner, &empty).await, [] as [Value; 0]);
    assert_eq!(server.row_counts().await["tasks"], 0);
}
