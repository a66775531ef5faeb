//! What must not be deleted at the moment, whoever may delete it otherwise: what an apply is writing.

use serde_json::json;
use testkit::{Answer, Server};

use crate::{
    agent::{Agent, Job},
    runs::{run, upload},
};

/// A run of `networking` that waits for an agent to apply it.
async fn queue_apply(server: &Server, agent: &Agent<'_>) {
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({ "auto-apply": true }))).await.is_created();
    server.advance().await;
    agent.must_claim().await.execute().await;
    server.advance().await;
}

async fn claimed_apply<'a>(server: &Server, agent: &'a Agent<'_>) -> Job<'a> {
    queue_apply(server, agent).await;
    let apply = agent.must_claim().await;
    assert!(apply.is_apply());
    apply
}

/// Each way to delete something that the workspace is in.
async fn every_deletion(server: &Server) -> Vec<Answer> {
    let owner = server.owner();
    let ws = owner.get("/organizations/acme/workspaces/networking").await.is_ok().id();
    let by_name = "/organizations/acme/workspaces/networking";
    vec![
        owner.post(format!("/workspaces/{ws}/actions/safe-delete"), ()).await,
        owner.post(format!("{by_name}/actions/safe-delete"), ()).await,
        owner.delete(format!("/workspaces/{ws}")).await,
        owner.delete(by_name).await,
        owner.delete("/organizations/acme").await,
    ]
}

async fn is_kept(server: &Server, apply: &Job<'_>) {
    for answer in every_deletion(server).await {
        let said = answer.is_conflict().error();
        assert!(said.contains("is locked by the run") && said.contains(apply.run()), "{said}");
    }
}

#[tokio::test]
async fn nothing_takes_a_workspace_away_from_an_apply_that_is_under_way() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = claimed_apply(&server, &agent).await;
    is_kept(&server, &apply).await;
    assert_eq!(apply.start().await, 204);
    is_kept(&server, &apply).await;
    assert_eq!(apply.save_state(1, 2).await, 200);
    is_kept(&server, &apply).await;
    assert_eq!(apply.outcome("finished", true).await, 204);
    server.owner().delete("/organizations/acme/workspaces/networking").await.is_no_content();
}

#[tokio::test]
async fn a_canceled_apply_is_over_only_when_its_agent_has_brought_all_it_has() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let apply = claimed_apply(&server, &agent).await;
    apply.start().await;
    let cancel = format!("/runs/{}/actions/cancel", apply.run());
    server.owner().post(cancel, ()).await.is_accepted();
    is_kept(&server, &apply).await;
    assert_eq!(apply.outcome("canceled", true).await, 204);
    is_kept(&server, &apply).await;
    assert_eq!(apply.finish().await, 204);
    server.owner().delete("/organizations/acme").await.is_no_content();
}

#[tokio::test]
async fn an_apply_that_no_agent_has_yet_and_a_plan_hold_up_no_deletion() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    queue_apply(&server, &agent).await;
    let owner = server.owner();
    owner.delete("/organizations/acme/workspaces/networking").await.is_no_content();
    assert!(agent.claim().await.is_none(), "nobody begins what nobody wants any more");

    let ws = server.workspace("second").await;
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    let plan = agent.must_claim().await;
    plan.start().await;
    owner.delete("/organizations/acme").await.is_no_content();
    assert_eq!(plan.outcome("finished", true).await, 410);
}
