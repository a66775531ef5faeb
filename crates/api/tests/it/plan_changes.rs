//! `/plans/:id/changes`: what a plan changes, boiled down, and who sees how much of it

use serde_json::json;
use testkit::Server;

use crate::{
    agent::Agent,
    runs::{run, upload},
};

#[tokio::test]
async fn what_a_plan_changes_is_listed_and_values_are_for_those_who_may_read_the_plan() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let agent = Agent::register(&server).await;
    upload(&owner, &ws, false).await;
    let made = owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    let path = format!("/plans/{}/changes", made.related("plan").as_str().unwrap());
    owner.get(&path).await.is_no_content();
    let job = agent.must_claim().await;
    job.start().await;
    job.outcome("finished", true).await;
    let plan = json!({ "plan_format_version": "1.2", "resource_changes": [
        { "address": "a.b", "type": "a", "name": "b", "mode": "managed", "change": {
            "actions": ["update"], "before": { "size": 1, "p": "hunter2" },
            "after": { "size": 9_007_199_254_740_993_u64, "p": "hunter3" },
            "before_sensitive": { "p": true }, "after_sensitive": { "p": true } } },
        { "address": "a.c", "type": "a", "name": "c", "mode": "managed", "change": {
            "actions": ["delete"], "before": { "size": 1 }, "after": null } },
    ] });
    assert_eq!(job.artifact("json-plan-redacted", &plan.to_string()).await, 204);
    owner.get(&path).await.is_no_content();
    domain::plan_changes::work(&server.system()).await.unwrap();
    let listed = owner.get(&path).await.is_ok().json();
    assert_eq!(listed["meta"]["pagination"]["total-count"], 2);
    let first = &listed["data"][0];
    assert_eq!(
        (&first["type"], &first["attributes"]["action"]),
        (&json!("plan-changes"), &json!("update"))
    );
    let rows = &first["attributes"]["difference"]["rows"];
    assert_eq!(rows[0]["what"]["values"], json!({ "before": "sensitive", "after": "sensitive" }));
    let size = json!({ "before": { "value": "1" }, "after": { "value": "9007199254740993" } });
    assert_eq!(rows[1]["what"]["values"], size);

    let deleted = owner.get(format!("{path}?filter[action]=delete")).await.is_ok().json();
    assert_eq!(deleted["data"][0]["attributes"]["address"], "a.c");
    assert_eq!(deleted["data"].as_array().unwrap().len(), 1);
    let found = owner.get(format!("{path}?q=9007199254740993")).await.is_ok().json();
    assert_eq!(found["data"][0]["attributes"]["address"], "a.b");
    for wrong in ["filter[action]=dance", "filter[part]=ears"] {
        owner.get(format!("{path}?{wrong}")).await.is_bad_request();
    }

    let custom = server.custom_in(&ws);
    let listed = custom.get(&path).await.is_ok().json();
    assert_eq!(listed["data"][0]["attributes"]["address"], "a.b");
    assert_eq!(listed["data"][0]["attributes"]["difference"]["rows"], json!([]));
    let found = custom.get(format!("{path}?q=9007199254740993")).await.is_ok().json();
    assert_eq!(found["data"], json!([]));
    server.member().get(&path).await.is_not_found();
}
