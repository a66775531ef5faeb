//! Every status in which a run can stay has somebody who ends it, or a time that does.

use std::time::Duration;

use domain::{runs, workspaces::Change};
use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::{
    agent::Agent,
    policies_in_runs::{AGAINST, PLAN, attach},
    runs::{run, upload},
};

async fn status(client: &Client<'_>, id: &str) -> String {
    let run = client.get(format!("/runs/{id}")).await.is_ok();
    run.attribute("status").as_str().unwrap().to_owned()
}

/// Brings a run of its own into a status.
async fn bring(server: &Server, agent: &Agent<'_>, wanted: &str) -> String {
    let owner = server.owner();
    let ws = server.workspace(wanted).await;
    upload(&owner, &ws, false).await;
    if wanted.starts_with("post_plan") {
        let set = json!({ "name": wanted, "overridable": true });
        attach(&owner, &ws, "mandatory", AGAINST, set).await;
    }
    let attributes = json!({ "save-plan": wanted == "planned_and_saved" });
    let id = owner.post("/runs", run(&ws, attributes)).await.is_created().id();
    if wanted == "pending" {
        return id;
    }
    server.advance().await;
    if wanted == "plan_queued" {
        return id;
    }
    let plan = agent.must_claim().await;
    plan.start().await;
    if wanted == "planning" {
        return id;
    }
    plan.outcome("finished", true).await;
    plan.artifact("json-plan", PLAN).await;
    plan.finish().await;
    if wanted == "post_plan_awaiting_decision" {
        domain::policy_evaluations::evaluate_waiting(&server.system()).await.unwrap();
    }
    if matches!(wanted, "confirmed" | "apply_queued" | "applying") {
        owner.post(format!("/runs/{id}/actions/apply"), json!({})).await.is_accepted();
    }
    if matches!(wanted, "apply_queued" | "applying") {
        server.advance().await;
    }
    if wanted == "applying" {
        agent.must_claim().await.start().await;
    }
    id
}

#[tokio::test]
async fn a_person_can_end_a_run_in_every_status_in_which_it_stays() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let owner = server.owner();
    for wanted in [
        "pending",
        "plan_queued",
        "planning",
        "post_plan_running",
        "post_plan_awaiting_decision",
        "planned",
        "planned_and_saved",
        "confirmed",
        "apply_queued",
        "applying",
    ] {
        let id = Box::pin(bring(&server, &agent, wanted)).await;
        assert_eq!(status(&owner, &id).await, wanted);
        let shown = owner.get(format!("/runs/{id}")).await.is_ok();
        let may = |action: &str| shown.attribute("actions")[action] == true;
        let action = if may("is-discardable") { "discard" } else { "cancel" };
        owner.post(format!("/runs/{id}/actions/{action}"), json!({})).await.is_accepted();
        if matches!(wanted, "planning" | "applying") {
            // The engine is asked to stop. Where it does not, it is killed; where nobody is heard of, it counts as lost.
            server.pass(Duration::from_mins(1));
            owner.post(format!("/runs/{id}/actions/force-cancel"), json!({})).await.is_accepted();
            server.pass(Duration::from_mins(1));
            domain::agents::sweep(&server.system()).await.unwrap();
        }
        let ended = status(&owner, &id).await;
        assert!(["discarded", "canceled"].contains(&ended.as_str()), "{wanted}: {ended}");
    }
}

#[tokio::test]
async fn a_canceled_run_says_from_when_on_it_can_be_forced_whatever_it_was_doing() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let agent = Agent::register(&server).await;
    let owner = server.owner();
    for wanted in ["pending", "plan_queued", "planning", "confirmed", "apply_queued", "applying"] {
        let id = Box::pin(bring(&server, &agent, wanted)).await;
        owner.post(format!("/runs/{id}/actions/cancel"), json!({})).await.is_accepted();
        let shown = owner.get(format!("/runs/{id}")).await.is_ok();
        assert_eq!(shown.attribute("canceled-at"), now.iso8601(), "{wanted}");
        let at = shown.attribute("force-cancel-available-at");
        assert_eq!(at, now.plus_seconds(60).iso8601(), "{wanted}");
    }
}

#[tokio::test]
async fn a_run_whose_configuration_never_comes_holds_up_nobody_and_ends_after_an_hour() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let body = json!({ "data": { "type": "configuration-versions", "attributes": {
        "auto-queue-runs": false } } });
    let path = format!("/workspaces/{}/configuration-versions", ws.id);
    let announced = owner.post(&path, &body).await.is_created();
    let waiting = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let mut other = run(&ws, json!({}));
    let uploaded = upload(&owner, &ws, false).await;
    other["data"]["relationships"]["configuration-version"] =
        json!({ "data": { "type": "configuration-versions", "id": uploaded } });
    let other = owner.post("/runs", other).await.is_created().id();
    server.advance().await;
    assert_eq!(status(&owner, &waiting).await, "pending");
    assert_eq!(status(&owner, &other).await, "plan_queued");
    let shown = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(shown.related("current-run"), other);
    agent.must_claim().await.execute().await;

    server.pass(Duration::from_hours(1));
    runs::end_hopeless(&server.system()).await.unwrap();
    assert_eq!(status(&owner, &waiting).await, "pending");
    server.pass(Duration::from_secs(1));
    runs::end_hopeless(&server.system()).await.unwrap();
    let ended = owner.get(format!("/runs/{waiting}?include=plan")).await.is_ok();
    assert_eq!(ended.attribute("status"), "errored");
    let log = ended.json()["included"][0]["attributes"]["log-read-url"].clone();
    let log = owner.get(log.as_str().unwrap()).await.is_ok();
    assert!(log.text().contains("not uploaded within an hour"), "{log}");
    // What comes too late is kept, and waits for the next run.
    let address = announced.attribute("upload-url");
    owner.put(address.as_str().unwrap(), vec![0x1f, 0x8b, 8, 0]).await.is_ok();
}

#[tokio::test]
async fn a_configuration_that_comes_after_its_run_gives_it_its_turn() {
    let server = Server::start().await;
    let _agent = Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let body = json!({ "data": { "type": "configuration-versions", "attributes": {
        "auto-queue-runs": false } } });
    let path = format!("/workspaces/{}/configuration-versions", ws.id);
    let announced = owner.post(&path, &body).await.is_created();
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let address = announced.attribute("upload-url");
    owner.put(address.as_str().unwrap(), vec![0x1f, 0x8b, 8, 0]).await.is_ok();
    let shown = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(shown.related("current-run"), id);
    server.advance().await;
    assert_eq!(status(&owner, &id).await, "plan_queued");
}

#[tokio::test]
async fn a_phase_that_goes_on_for_much_too_long_ends_although_its_agent_is_there() {
    let server = Server::start_with(|options| {
        options.settings.site.add("apply-timeout", "1h", "the test".into()).unwrap();
    })
    .await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let owner = server.owner();
    let id = Box::pin(bring(&server, &agent, "apply_queued")).await;
    let apply = agent.must_claim().await;
    apply.start().await;
    // An hour for the phase and one more for what it leaves; heartbeats all the time.
    for _ in 0..120 {
        server.pass(Duration::from_mins(1));
        assert_eq!(apply.cancel_order().await, "no");
        domain::agents::sweep(&server.system()).await.unwrap();
    }
    server.pass(Duration::from_mins(1));
    assert_eq!(apply.cancel_order().await, "force");
    assert_eq!(status(&owner, &id).await, "applying");
    server.pass(Duration::from_secs(1));
    domain::agents::sweep(&server.system()).await.unwrap();
    assert_eq!(status(&owner, &id).await, "errored");
    assert_eq!(apply.outcome("finished", true).await, 410);
}

async fn connect(owner: &Client<'_>, target: &str, source: &str) {
    let body = json!({ "data": { "type": "run-triggers", "relationships": {
        "sourceable": { "data": { "type": "workspaces", "id": source } } } } });
    owner.post(format!("/workspaces/{target}/run-triggers"), body).await.is_created();
}

/// Does all that can be done without anybody's yes; the plans all want to change something.
async fn let_go(server: &Server, agent: &Agent<'_>) {
    for _ in 0..100 {
        domain::events::read(&server.system()).await.unwrap();
        domain::run_triggers::work(&server.system()).await.unwrap();
        server.advance().await;
        let Some(job) = agent.claim().await else { return };
        job.execute().await;
    }
    panic!("it has no end");
}

async fn newest(owner: &Client<'_>, workspace: &str) -> Value {
    let runs = owner.get(format!("/workspaces/{workspace}/runs")).await.is_ok();
    runs.data()[0].clone()
}

#[tokio::test]
async fn workspaces_that_trigger_each_other_wait_for_somebody_when_it_comes_back() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let owner = server.owner();
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        let change = Change {
            name: Some(name.into()),
            auto_apply: Some(true),
            auto_apply_run_trigger: Some(true),
            ..Change::default()
        };
        let ws = server.workspace_with(change).await;
        upload(&owner, &ws, false).await;
        ids.push(ws);
    }
    for (target, source) in [(1, 0), (2, 1), (0, 2)] {
        connect(&owner, ids[target].id.as_str(), ids[source].id.as_str()).await;
    }
    owner.post("/runs", run(&ids[0], json!({}))).await.is_created();
    let_go(&server, &agent).await;
    let back = newest(&owner, ids[0].id.as_str()).await;
    assert_eq!(back["attributes"]["status"], "planned");
    assert_eq!(back["attributes"]["auto-apply"], false);
    let why = back["attributes"]["message"].as_str().unwrap();
    assert!(why.contains("waits for somebody") && why.contains("come back"), "{why}");
    for ws in &ids[1..] {
        let run = newest(&owner, ws.id.as_str()).await;
        assert_eq!(run["attributes"]["status"], "applied");
        assert_eq!(run["attributes"]["auto-apply"], true);
    }
}

#[tokio::test]
async fn a_chain_of_more_than_twenty_runs_waits_for_somebody() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let owner = server.owner();
    let mut ids: Vec<String> = Vec::new();
    for number in 0..23 {
        let change = Change {
            name: Some(format!("ws{number}")),
            auto_apply: Some(true),
            auto_apply_run_trigger: Some(true),
            ..Change::default()
        };
        let ws = server.workspace_with(change).await;
        upload(&owner, &ws, false).await;
        if let Some(source) = ids.last() {
            connect(&owner, ws.id.as_str(), source).await;
        } else {
            owner.post("/runs", run(&ws, json!({}))).await.is_created();
        }
        ids.push(ws.id.to_string());
    }
    let_go(&server, &agent).await;
    for id in &ids[..21] {
        assert_eq!(newest(&owner, id).await["attributes"]["status"], "applied");
    }
    let last = newest(&owner, &ids[21]).await;
    assert_eq!(last["attributes"]["status"], "planned");
    let why = last["attributes"]["message"].as_str().unwrap();
    assert!(why.contains("chain of more than 20"), "{why}");
}
