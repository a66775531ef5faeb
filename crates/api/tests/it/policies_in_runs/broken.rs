//! Evaluations that break down, and policies and plans that are gone.

use std::time::Duration;

use serde_json::json;
use testkit::{Answer, Server};

use super::{AGAINST, FOR, again, attach, evaluate, outcomes, plan, planned, stage, unjudged};
use crate::{
    agent::Agent,
    policies, policy_sets,
    repositories::connect_policy_set,
    runs::{run, upload},
};

#[tokio::test]
async fn an_evaluation_that_a_crash_interrupted_is_repeated_once_its_time_is_over() {
    let server = Server::start().await;
    server.stop_clock();
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", AGAINST, json!({ "name": "all" })).await;
    let made = unjudged(&server, &ws, json!({}), true).await;
    // As another server leaves it behind that is killed in the middle.
    begin(&server, &made, 1).await;
    assert_eq!(evaluate(&server).await, 0, "somebody else has it");
    let run = again(&server, &made).await;
    assert_eq!(run.attribute("status"), "post_plan_running");
    server.pass(Duration::from_secs(46));
    assert_eq!(evaluate(&server).await, 1);
    assert_eq!(evaluate(&server).await, 0, "once is enough");
    let run = again(&server, &made).await;
    assert_eq!(run.attribute("status"), "errored");
}

#[tokio::test]
async fn an_evaluation_that_kills_servers_is_given_up() {
    let server = Server::start().await;
    server.stop_clock();
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", FOR, json!({ "name": "all" })).await;
    let made = unjudged(&server, &ws, json!({}), true).await;
    begin(&server, &made, 3).await;
    server.pass(Duration::from_secs(46));
    assert_eq!(evaluate(&server).await, 1);
    let run = again(&server, &made).await;
    assert_eq!(run.attribute("status"), "errored");
    let said = outcomes(&owner, &stage(&owner, &run).await, "").await;
    assert!(said[0]["attributes"]["error"].as_str().unwrap().contains("never came to an end"));
}

/// Marks the stage of a run as begun, so often.
async fn begin(server: &Server, run: &Answer, attempts: i64) {
    let id = run.data()["relationships"]["task-stages"]["data"][0]["id"].clone();
    let id: domain::id::TaskStageId = id.as_str().unwrap().parse().unwrap();
    let tx = server.db.write().await.unwrap();
    let row = tx.lock::<domain::entity::task_stage::Entity>(id).await.unwrap();
    let mut row = row.unwrap();
    row.status = domain::entity::task_stage::Status::Running;
    row.attempts = attempts;
    row.leased_until = Some(server.app.now().plus_seconds(45));
    tx.update(row).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_plan_without_its_json_cannot_be_judged() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", FOR, json!({ "name": "all" })).await;
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    let job = agent.must_claim().await;
    job.start().await;
    job.outcome("finished", true).await;
    assert_eq!(evaluate(&server).await, 0, "it may still come");
    job.finish().await;
    assert_eq!(evaluate(&server).await, 1);
    let run = owner.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(run.attribute("status"), "errored");
}

#[tokio::test]
async fn a_run_whose_sentinel_policies_are_gone_goes_on() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let policy = policies::body(json!({ "name": "tags" }));
    let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
    let mut set = policy_sets::body(json!({ "name": "all", "global": true }));
    set["data"]["relationships"] = json!({ "policies": policy_sets::ids("policies", &[&policy]) });
    let set = owner.post("/organizations/acme/policy-sets", set).await.is_created().id();
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    owner.delete(format!("/policy-sets/{set}")).await.is_no_content();
    plan(&agent, true).await;
    let shown = owner.get(format!("/runs/{id}?include=policy_checks")).await.is_ok();
    assert_eq!(shown.attribute("status"), "policy_checked");
    assert_eq!(shown.json()["included"][0]["attributes"]["status"], "passed");
    assert_eq!(shown.attribute("actions")["is-confirmable"], true);
}

#[tokio::test]
async fn a_set_of_a_repository_that_nobody_reads_stops_the_run() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let repo = json!({ "identifier": "acme/policies", "oauth-token-id": "ot-1" });
    let set = policy_sets::body(json!({ "name": "all", "kind": "opa", "global": true }));
    let set = owner.post("/organizations/acme/policy-sets", set).await.is_created().id();
    connect_policy_set(&server, &set, repo).await;
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let said = outcomes(&owner, &stage(&owner, &run).await, "").await;
    assert!(said[0]["attributes"]["error"].as_str().unwrap().contains("repository"));
}

#[tokio::test]
async fn what_is_gone_of_a_policy_or_a_plan_ends_the_run_at_once_and_is_told() {
    for lost in ["code", "version", "plan"] {
        let server = Server::start().await;
        let owner = server.owner();
        let ws = server.workspace("networking").await;
        if lost == "version" {
            let set = policy_sets::body(json!({ "name": "all", "kind": "opa", "global": true }));
            let set = owner.post("/organizations/acme/policy-sets", set).await.is_created().id();
            let made = owner.post(format!("/policy-sets/{set}/versions"), ()).await.is_created();
            let archive = policy_sets::archive(&[
                (
                    "policies.hcl",
                    "policy \"a\" {\n query = \"data.example.rule\"\n enforcement_level = \"mandatory\"\n}",
                ),
                ("a.rego", FOR),
            ]);
            let address = made.data()["links"]["upload"].as_str().unwrap().to_owned();
            owner.put(address, archive).await.is_ok();
            server.lose_blob(testkit::Blob::PolicySet, &made.id()).await;
        } else {
            attach(&owner, &ws, "mandatory", FOR, json!({ "name": "all" })).await;
        }
        if lost == "code" {
            let code = server.words("SELECT code_id FROM policies").await;
            server.lose_blob(testkit::Blob::PolicyCode, &code[0]).await;
        }
        let made = unjudged(&server, &ws, json!({}), true).await;
        if lost == "plan" {
            let plan = made.related("plan");
            server.lose_blob(testkit::Blob::PlanJson, plan.as_str().unwrap()).await;
        }
        assert_eq!(evaluate(&server).await, 1, "{lost}");
        let run = again(&server, &made).await;
        assert_eq!(run.attribute("status"), "errored", "{lost}");
        let said = outcomes(&owner, &stage(&owner, &run).await, "").await;
        let error = said[0]["attributes"]["error"].as_str().unwrap();
        assert!(error.contains("damaged"), "{lost}: {error}");
    }
}

#[tokio::test]
async fn an_evaluation_whose_policies_cannot_be_read_at_all_is_given_up_too() {
    let server = Server::start().await;
    server.stop_clock();
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", FOR, json!({ "name": "all" })).await;
    let made = unjudged(&server, &ws, json!({}), true).await;
    // By a server of another version.
    server.execute("UPDATE policies SET enforcement_level = 'sometimes'").await;
    for _ in 0..4 {
        evaluate(&server).await;
        server.pass(Duration::from_secs(46));
    }
    let run = again(&server, &made).await;
    assert_eq!(run.attribute("status"), "errored");
}
