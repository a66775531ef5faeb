//! What policies do to runs: an agent plans, the server evaluates, and the run goes on, waits or ends.

mod broken;
mod code;
mod in_force;
mod network;
mod verdicts;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

use crate::{
    agent::Agent,
    policies, policy_sets,
    runs::{run, upload},
};

pub const PLAN: &str =
    r#"{"resource_changes":[{"address":"terraform_data.a","change":{"actions":["create"]}}]}"#;
pub const AGAINST: &str = "package example\nrule contains msg if {\n some c in input.plan.resource_changes\n msg := sprintf(\"no %s in %s\", [c.address, input.run.workspace.name])\n}";
pub const FOR: &str = r#"package example rule["not allowed"] { false }"#;

/// A set with one policy, on a workspace.
pub async fn attach(
    owner: &Client<'_>,
    ws: &Workspace,
    level: &str,
    code: &str,
    set: Value,
) -> String {
    let name = set["name"].as_str().unwrap().to_owned();
    let policy = policies::body(json!({
        "name": name, "kind": "opa", "query": "data.example.rule", "enforcement-level": level,
    }));
    let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
    owner.put(format!("/policies/{policy}/upload"), code.to_owned()).await.is_ok();
    let mut new = policy_sets::body(set);
    new["data"]["attributes"]["kind"] = json!("opa");
    new["data"]["relationships"] = json!({
        "policies": policy_sets::ids("policies", &[&policy]),
        "workspaces": policy_sets::ids("workspaces", &[ws.id.as_str()]),
    });
    owner.post("/organizations/acme/policy-sets", new).await.is_created().id()
}

/// Queues a run, plans it, and evaluates its policies.
pub async fn planned(
    server: &Server,
    ws: &Workspace,
    attributes: Value,
    has_changes: bool,
) -> Answer {
    let made = unjudged(server, ws, attributes, has_changes).await;
    evaluate(server).await;
    again(server, &made).await
}

/// Queues a run and plans it, so that policies are what comes next. The run as it was made.
pub async fn unjudged(
    server: &Server,
    ws: &Workspace,
    attributes: Value,
    has_changes: bool,
) -> Answer {
    let owner = server.owner();
    let agent = Agent::register(server).await;
    upload(&owner, ws, false).await;
    let made = owner.post("/runs", run(ws, attributes)).await.is_created();
    server.advance().await;
    plan(&agent, has_changes).await;
    made
}

/// The run as it is now.
pub async fn again(server: &Server, run: &Answer) -> Answer {
    server.owner().get(format!("/runs/{}", run.id())).await.is_ok()
}

pub async fn plan(agent: &Agent<'_>, has_changes: bool) {
    let job = agent.must_claim().await;
    job.start().await;
    assert_eq!(job.outcome("finished", has_changes).await, 204);
    assert_eq!(job.artifact("json-plan", PLAN).await, 204);
    job.finish().await;
}

pub async fn evaluate(server: &Server) -> usize {
    domain::policy_evaluations::evaluate_waiting(&server.system()).await.unwrap()
}

pub async fn stage(owner: &Client<'_>, run: &Answer) -> Answer {
    let id = run.data()["relationships"]["task-stages"]["data"][0]["id"].clone();
    let id = id.as_str().unwrap();
    owner.get(format!("/task-stages/{id}?include=policy_evaluations")).await.is_ok()
}

pub async fn outcomes(owner: &Client<'_>, stage: &Answer, query: &str) -> Value {
    let evaluation = stage.json()["included"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/policy-evaluations/{evaluation}/policy-set-outcomes?{query}");
    owner.get(path).await.is_ok().data()
}
