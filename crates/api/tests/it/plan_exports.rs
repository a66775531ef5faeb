//! Plans as mocks for those who write policies: ordered, made, had for an hour, and without secrets.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Blob as Kind, Client, Server};

use crate::{
    agent::Agent,
    policies_in_runs::planned,
    runs::{run, upload},
};

fn order(plan: &str) -> Value {
    json!({ "data": {
        "type": "plan-exports",
        "attributes": { "data-type": "sentinel-mock-bundle-v0" },
        "relationships": { "plan": { "data": { "type": "plans", "id": plan } } },
    } })
}

async fn make(server: &Server) {
    domain::policy_evaluations::make_exports(&server.system()).await.unwrap();
}

/// The names of the files, and what is in them.
async fn downloaded(client: &Client<'_>, export: &str) -> Vec<(String, String)> {
    let address = client.get(format!("/plan-exports/{export}/download")).await.redirects();
    let answer = client.get(address).await.is_ok();
    let archive = answer.bytes();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&archive[..]));
    let file = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        (name, std::io::read_to_string(&mut entry).unwrap())
    };
    archive.entries().unwrap().map(file).collect()
}

#[tokio::test]
async fn mocks_of_a_run_are_made_once_and_had_for_an_hour_without_its_secrets() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let secret = json!({ "data": { "type": "vars", "attributes": {
        "key": "token", "value": "hunter2hunter2", "category": "terraform", "sensitive": true } } });
    owner.post(format!("/workspaces/{}/vars", ws.id), secret).await.is_created();
    let agent = Agent::register(&server).await;
    upload(&owner, &ws, false).await;
    let made = owner.post("/runs", run(&ws, json!({ "message": "why" }))).await.is_created();
    let plan = made.related("plan").as_str().unwrap().to_owned();
    let shown = owner.get(format!("/plans/{plan}")).await.is_ok();
    assert_eq!(shown.attribute("actions")["is-exportable"], false);
    let pointer = "/data/relationships/plan";
    owner.post("/plan-exports", order(&plan)).await.is_unprocessable(pointer);
    server.advance().await;
    let job = agent.must_claim().await;
    job.start().await;
    job.outcome("finished", true).await;
    let json = json!({
        "terraform_version": "1.9.8",
        "variables": { "token": { "value": "hunter2hunter2" } },
        "resource_changes": [{ "address": "a.b", "mode": "managed", "type": "a", "name": "b", "change": {
            "actions": ["create"], "before": null, "after": { "password": "swordfish", "size": 3 },
            "after_unknown": {}, "before_sensitive": false, "after_sensitive": { "password": true } } }],
        "planned_values": { "root_module": { "resources": [{ "address": "a.b", "mode": "managed",
            "type": "a", "name": "b", "values": { "note": "by hunter2hunter2" } }] } },
    });
    assert_eq!(job.artifact("json-plan", &json.to_string()).await, 204);
    let shown = owner.get(format!("/plans/{plan}")).await.is_ok();
    assert_eq!(shown.attribute("actions")["is-exportable"], true);
    assert_eq!(shown.attribute("permissions")["can-export"], true);

    server.stop_clock();
    let ordered = owner.post("/plan-exports", order(&plan)).await.is_created();
    let id = ordered.id();
    assert!(id.starts_with("pe-"));
    assert_eq!(ordered.attribute("status"), "queued");
    assert!(ordered.attribute("status-timestamps")["queued-at"].is_string());
    assert_eq!(ordered.related("plan"), plan.as_str());
    owner.get(format!("/plan-exports/{id}/download")).await.is_not_found();
    owner.post("/plan-exports", order(&plan)).await.is_unprocessable(pointer);
    make(&server).await;
    let shown = owner.get(format!("/plan-exports/{id}?include=plan")).await.is_ok();
    assert_eq!(shown.attribute("status"), "finished");
    assert!(shown.attribute("status-timestamps")["finished-at"].is_string());
    assert_eq!(
        shown.json()["included"][0]["relationships"]["exports"]["data"][0]["id"],
        id.as_str()
    );
    let files = downloaded(&owner, &id).await;
    let all: String = files.iter().map(|(_, text)| text.as_str()).collect();
    for there in ["\"a.b\": {", "\"size\":     3,", "message = \"why\"", "REDACTED_SENSITIVE"] {
        assert!(all.contains(there), "{there}");
    }
    assert_eq!(files.len(), 8);
    assert!(!all.contains("hunter2") && !all.contains("swordfish"));
    assert!(server.has_blob(Kind::PlanExport, &id).await);

    // Whoever may download mocks may have them, and nobody else is told that there are any.
    server.reader(&ws).get(format!("/plan-exports/{id}")).await.is_not_found();
    server.reader(&ws).post("/plan-exports", order(&plan)).await.is_not_found();
    let seen = server.reader(&ws).get(format!("/plans/{plan}")).await.is_ok();
    assert_eq!(seen.attribute("permissions")["can-export"], false);
    assert_eq!(seen.data()["relationships"]["exports"]["data"], json!([]));
    downloaded(&server.writer(&ws), &id).await;

    let address = owner.get(format!("/plan-exports/{id}/download")).await.redirects();
    server.pass(Duration::from_hours(1));
    owner.get(address).await.is_not_found();
    owner.get(format!("/plan-exports/{id}/download")).await.is_not_found();
    let again = owner.post("/plan-exports", order(&plan)).await.is_created().id();
    assert_eq!(domain::plan_exports::expire_due(&server.system()).await.unwrap(), 1);
    let shown = owner.get(format!("/plan-exports/{id}")).await.is_ok();
    assert_eq!(shown.attribute("status"), "expired");
    assert!(shown.data()["links"]["download"].is_null());
    domain::cleanup::work(&server.system()).await.unwrap();
    assert!(!server.has_blob(Kind::PlanExport, &id).await);

    make(&server).await;
    owner.delete(format!("/plan-exports/{again}")).await.is_no_content();
    owner.get(format!("/plan-exports/{again}")).await.is_not_found();
    domain::cleanup::work(&server.system()).await.unwrap();
    assert!(!server.has_blob(Kind::PlanExport, &again).await);
}

#[tokio::test]
async fn an_export_that_cannot_be_made_says_why_and_goes_with_its_workspace() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let run = planned(&server, &ws, json!({}), true).await;
    let plan = run.related("plan").as_str().unwrap().to_owned();
    for wrong in [json!("sentinel-mock-bundle-v1"), json!(null)] {
        let mut order = order(&plan);
        order["data"]["attributes"]["data-type"] = wrong;
        let pointer = "/data/attributes/data-type";
        owner.post("/plan-exports", order).await.is_unprocessable(pointer);
    }
    owner.post("/plan-exports", order("plan-nosuchplan")).await.is_not_found();
    let id = owner.post("/plan-exports", order(&plan)).await.is_created().id();
    make(&server).await;
    owner.post(format!("/runs/{}/actions/discard", run.id()), json!({})).await.is_accepted();
    assert!(server.has_blob(Kind::PlanExport, &id).await);
    owner.delete(format!("/workspaces/{}", ws.id)).await.is_no_content();
    owner.get(format!("/plan-exports/{id}")).await.is_not_found();
    domain::cleanup::work(&server.system()).await.unwrap();
    assert!(!server.has_blob(Kind::PlanExport, &id).await);

    let ws = server.workspace("storage").await;
    let run = planned(&server, &ws, json!({}), true).await;
    let plan = run.related("plan").as_str().unwrap().to_owned();
    let id = owner.post("/plan-exports", order(&plan)).await.is_created().id();
    server.lose_blob(Kind::PlanJson, &plan).await;
    make(&server).await;
    let shown = owner.get(format!("/plan-exports/{id}")).await.is_ok();
    assert_eq!(shown.attribute("status"), "errored");
    let why = shown.attribute("error-message");
    assert!(why.as_str().unwrap().contains("cannot be read"), "{why}");
}
