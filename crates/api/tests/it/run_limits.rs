//! What plans and applies may use: decided by organizations and pools, handed to agents, and what they tell of it.

use serde_json::{Value, json};
use testkit::Server;

use crate::agent::Agent;
use crate::runs::{run, upload};

const POOLS: &str = "/organizations/acme/agent-pools";
const ORGANIZATION: &str = "/organizations/acme";

fn body(kind: &str, attributes: &Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

#[tokio::test]
async fn the_lowest_limit_of_site_organization_and_pool_is_handed_out_and_what_was_used_is_shown() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let before = owner.get(ORGANIZATION).await.is_ok();
    assert_eq!(before.attribute("run-memory-bytes"), Value::Null);
    let limits =
        json!({ "run-memory-bytes": 1 << 30, "run-disk-bytes": 1 << 30, "plan-timeout": "1h" });
    let after = owner.patch(ORGANIZATION, body("organizations", &limits)).await.is_ok();
    assert_eq!(after.attribute("run-memory-bytes"), 1 << 30);
    assert_eq!(after.attribute("plan-timeout"), "1h");

    let limits = json!({ "name": "basement", "run-memory-bytes": 512 << 20, "run-disk-bytes": 2_u64 << 30,
        "run-processes": 100, "apply-timeout": "48h" });
    let pool = owner.post(POOLS, body("agent-pools", &limits)).await.is_created();
    assert_eq!(pool.attribute("run-processes"), 100);
    let tokens = format!("/agent-pools/{}/authentication-tokens", pool.id());
    let minted = owner.post(tokens, body("authentication-tokens", &json!({ "description": "a" })));
    let token = minted.await.is_created().attribute("token");
    let change = json!({ "execution-mode": "agent", "agent-pool-id": pool.id() });
    owner.patch(format!("/workspaces/{}", ws.id), body("workspaces", &change)).await.is_ok();
    let agent = Agent::register_with(&server, token.as_str().unwrap()).await;
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    let job = agent.must_claim().await;
    let limit = |most: u64, by: &str| json!({ "most": most, "set_by": by });
    assert_eq!(
        job.json["limits"],
        json!({
            "memory_bytes": limit(512 << 20, "run-memory-bytes of the agent pool basement"),
            "processes": limit(100, "run-processes of the agent pool basement"),
            "disk_bytes": limit(1 << 30, "run-disk-bytes of the organization acme"),
            "timeout_set_by": "plan-timeout of the organization acme",
        })
    );
    assert_eq!(job.json["timeout_seconds"], 3600);

    assert_eq!(job.start().await, 204);
    assert_eq!(job.log(0, "\u{2}line one\r\n\u{3}").await, 200);
    let peaks =
        json!({ "memory_bytes": 7, "processes": 3, "disk_bytes": 5, "cpu_milliseconds": 1500 });
    assert_eq!(job.outcome_with(&peaks, &["files", "landlock"]).await, 204);
    assert_eq!(job.finish().await, 204);
    let plan = owner.get(format!("/runs/{id}/plan")).await.is_ok();
    let shown =
        json!({ "memory-bytes": 7, "processes": 3, "disk-bytes": 5, "cpu-milliseconds": 1500 });
    assert_eq!(plan.attribute("peaks"), shown);
    assert_eq!(plan.attribute("sandbox-layers"), json!(["files", "landlock"]));

    // A pool may allow more time than the site in vain.
    owner.post(format!("/runs/{id}/actions/apply"), json!({})).await.is_accepted();
    server.advance().await;
    let job = agent.must_claim().await;
    assert!(job.is_apply());
    assert_eq!(job.json["timeout_seconds"], 24 * 3600);
    assert_eq!(job.json["limits"]["timeout_set_by"], "apply-timeout of the site");
    job.execute().await;
    let apply = owner.get(format!("/runs/{id}/apply")).await.is_ok();
    assert!(apply.data()["attributes"].get("peaks").is_none(), "an agent that says nothing");

    let none = json!({ "run-memory-bytes": null, "plan-timeout": null });
    let after = owner.patch(ORGANIZATION, body("organizations", &none)).await.is_ok();
    assert_eq!(after.attribute("run-memory-bytes"), Value::Null);
    assert_eq!(after.attribute("run-disk-bytes"), 1 << 30, "what is not named stays");
}

#[tokio::test]
async fn limits_with_which_no_engine_could_work_are_refused_by_name() {
    let server = Server::start().await;
    let owner = server.owner();
    for (name, value) in [
        ("run-memory-bytes", json!(1)),
        ("run-memory-bytes", json!("much")),
        ("run-memory-bytes", json!(-5)),
        ("run-processes", json!(0)),
        ("run-disk-bytes", json!(u64::MAX)),
        ("plan-timeout", json!("soon")),
        ("apply-timeout", json!("0s")),
    ] {
        let pointer = format!("/data/attributes/{name}");
        let wrong = json!({ "name": "basement", name: value });
        owner.post(POOLS, body("agent-pools", &wrong)).await.is_unprocessable(&pointer);
        let wrong = json!({ name: value });
        owner.patch(ORGANIZATION, body("organizations", &wrong)).await.is_unprocessable(&pointer);
    }
    assert_eq!(owner.get(POOLS).await.is_ok().data(), json!([]));
}
