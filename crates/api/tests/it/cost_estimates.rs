//! What runs would cost: asked of the site's estimator, shown, and in nobody's way.

use std::time::Duration;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Answer, Options, Server};

use crate::{
    agent::Agent,
    notifications::{Recipient, crypto_of, loopback},
    policies_in_runs::PLAN,
    runs::{run, upload},
    sentinel_in_runs,
};

const SETTINGS: &str = "/admin/cost-estimation-settings";
pub const REDACTED: &str = r#"{"plan_format_version": "1.2", "resource_changes": [{"address": "a.b", "change": {"after": {"size": 12345678901234567890}}}], "provider_schemas": {"x": {}}}"#;
pub const ANSWER: &str = r#"{
    "resources": [
        {"address": "a.b", "prior_monthly_cost": "10.10", "proposed_monthly_cost": "34.5"},
        {"address": "a.c", "prior_monthly_cost": "0.2"}
    ],
    "unmatched": ["x.y"]
}"#;

async fn set(server: &Server, attributes: Value) -> Answer {
    let body = json!({ "data": { "type": "cost-estimation-settings", "attributes": attributes } });
    server.site_admin().patch(SETTINGS, body).await
}

/// The organization wants to hear of costs.
async fn wish(server: &Server, wishes: bool) {
    let attributes = json!({ "cost-estimation-enabled": wishes });
    let body = json!({ "data": { "type": "organizations", "attributes": attributes } });
    server.owner().patch("/organizations/acme", body).await.is_ok();
}

async fn with_estimator(
    options: impl FnOnce(&mut Options),
    answers: Vec<(u16, String)>,
) -> (Server, Recipient) {
    let server = Server::start_with(options).await;
    server.stop_clock();
    let estimator = Recipient::saying(answers).await;
    switch_on(&server, &estimator).await;
    (server, estimator)
}

pub async fn switch_on(server: &Server, estimator: &Recipient) {
    let attributes =
        json!({ "enabled": true, "estimator-url": estimator.url, "estimator-secret": "hunter2" });
    set(server, attributes).await.is_ok();
    wish(server, true).await;
}

async fn queue(server: &Server, ws: &Workspace, attributes: Value) -> String {
    let owner = server.owner();
    upload(&owner, ws, false).await;
    owner.post("/runs", run(ws, attributes)).await.is_created().id()
}

/// Plans, and brings the plan.
async fn plan(server: &Server, agent: &Agent<'_>) {
    server.advance().await;
    let job = agent.must_claim().await;
    job.start().await;
    assert_eq!(job.outcome("finished", true).await, 204);
    assert_eq!(job.artifact("json-plan", PLAN).await, 204);
    assert_eq!(job.artifact("json-plan-redacted", REDACTED).await, 204);
    job.finish().await;
}

async fn work(server: &Server) {
    domain::cost_estimates::deliveries().finish(&server.system()).await.unwrap();
}

async fn status(server: &Server, run: &str) -> Value {
    server.owner().get(format!("/runs/{run}")).await.is_ok().attribute("status")
}

/// The estimate of a run, and its lines.
async fn estimate(server: &Server, run: &str) -> (Answer, String) {
    let owner = server.owner();
    let id = owner.get(format!("/runs/{run}")).await.is_ok().related("cost-estimate");
    let id = id.as_str().unwrap();
    let output = owner.get(format!("/cost-estimates/{id}/output")).await;
    (owner.get(format!("/cost-estimates/{id}")).await.is_ok(), output.text())
}

#[tokio::test]
async fn what_a_run_would_cost_is_asked_without_secrets_and_shown() {
    let (server, estimator) = with_estimator(loopback, vec![(200, ANSWER.into())]).await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let code = r#"import "tfrun"
import "decimal"
main = rule { decimal.new(tfrun.cost_estimate.delta_monthly_cost).is(24.2) }"#;
    sentinel_in_runs::attach(&owner, &ws, "hard-mandatory", code, json!({ "name": "dear" })).await;
    let id = queue(&server, &ws, json!({ "message": "New cables" })).await;
    let (pending, output) = estimate(&server, &id).await;
    assert_eq!((pending.attribute("status"), output), (json!("pending"), String::new()));
    server.advance().await;
    let job = agent.must_claim().await;
    job.start().await;
    job.outcome("finished", true).await;
    assert_eq!(status(&server, &id).await, "cost_estimating");
    work(&server).await;
    assert!(estimator.heard().await.is_empty(), "the plan has not come");
    job.artifact("json-plan", PLAN).await;
    job.artifact("json-plan-redacted", REDACTED).await;
    server.pass(Duration::from_secs(2));
    work(&server).await;
    work(&server).await;
    let heard = estimator.heard().await;
    assert_eq!(heard.len(), 1, "once");
    assert_eq!(heard[0].signature.as_deref(), Some(&*crypto_of("hunter2", &heard[0].body)));
    let asked = heard[0].json();
    assert_eq!(asked["run_id"], json!(id));
    assert_eq!(asked["workspace_name"], "networking");
    assert_eq!(asked["plan"]["resource_changes"][0]["address"], "a.b");
    assert!(heard[0].body.contains("12345678901234567890"), "digits are kept: {asked}");
    assert!(asked["plan"]["provider_schemas"].is_null());
    assert_eq!(status(&server, &id).await, "policy_checking");
    let (known, output) = estimate(&server, &id).await;
    for (name, value) in [
        ("status", json!("finished")),
        ("prior-monthly-cost", json!("10.3")),
        ("proposed-monthly-cost", json!("34.5")),
        ("delta-monthly-cost", json!("24.2")),
        ("resources-count", json!(3)),
        ("matched-resources-count", json!(2)),
        ("unmatched-resources-count", json!(1)),
        ("error-message", json!(null)),
    ] {
        assert_eq!(known.attribute(name), value, "{name}");
    }
    assert_eq!(known.attribute("resources")["matched"][1]["delta-monthly-cost"], "-0.2");
    assert_eq!(known.attribute("resources")["unmatched"], json!([{ "address": "x.y" }]));
    assert!(output.contains("Resources: 2 of 3 estimated\n"), "{output}");
    assert!(output.contains("10.3/mo before, 34.5/mo after, +24.2\n"), "{output}");
    assert!(output.contains("  x.y\n"), "{output}");
    let included = owner.get(format!("/runs/{id}?include=cost_estimate")).await.is_ok();
    assert_eq!(included.json()["included"][0]["attributes"]["delta-monthly-cost"], "24.2");
    domain::policy_evaluations::evaluate_waiting(&server.system()).await.unwrap();
    assert_eq!(status(&server, &id).await, "policy_checked", "policies know the cost");
    let entitlements = owner.get("/organizations/acme/entitlement-set").await.is_ok();
    assert_eq!(entitlements.attribute("cost-estimation"), true);
    assert!(!server.everything().await.contains("hunter2"), "the secret is sealed");
}

#[tokio::test]
async fn an_estimator_that_fails_stops_no_run() {
    let wrong = r#"{"resources": [{"address": "a.b", "prior_monthly_cost": "much"}]}"#;
    let answers = [(500, "down"), (302, "there"), (200, "<html>"), (200, wrong)];
    let answers = answers.map(|(code, text)| (code, text.to_owned())).to_vec();
    let (server, estimator) = with_estimator(loopback, answers).await;
    let agent = Agent::register(&server).await;
    let whys = [
        "The estimator answered 500.",
        "The estimator answered 302.",
        "The estimator answered what cannot be meant: expected value",
        "a cost of a.b is no decimal number",
    ];
    for (number, why) in whys.into_iter().enumerate() {
        let ws = server.workspace(&format!("number-{number}")).await;
        let id = queue(&server, &ws, json!({ "auto-apply": true })).await;
        plan(&server, &agent).await;
        work(&server).await;
        assert_eq!(status(&server, &id).await, "confirmed", "{why}");
        let (failed, output) = estimate(&server, &id).await;
        assert_eq!(failed.attribute("status"), "errored");
        let said = failed.attribute("error-message").as_str().unwrap().to_owned();
        assert!(said.contains(why) && output.contains(why), "{said}");
        server.advance().await;
        agent.must_claim().await.execute().await;
        assert_eq!(status(&server, &id).await, "applied");
    }
    assert_eq!(estimator.heard().await.len(), 4);

    // The agent has brought no plan that could be asked about.
    let ws = server.workspace("lost").await;
    let id = queue(&server, &ws, json!({})).await;
    server.advance().await;
    agent.must_claim().await.execute().await;
    work(&server).await;
    assert_eq!(status(&server, &id).await, "cost_estimated");
    let (failed, _) = estimate(&server, &id).await;
    assert!(failed.attribute("error-message").as_str().unwrap().contains("cannot be read"));

    // A run that is given up while somebody is asked.
    let ws = server.workspace("canceled").await;
    let id = queue(&server, &ws, json!({})).await;
    plan(&server, &agent).await;
    server.owner().post(format!("/runs/{id}/actions/cancel"), ()).await.is_accepted();
    assert_eq!(estimate(&server, &id).await.0.attribute("status"), "canceled");
    work(&server).await;
    assert_eq!(status(&server, &id).await, "canceled");
    assert_eq!(estimator.heard().await.len(), 4, "nobody is asked any more");
}

#[tokio::test]
async fn an_estimator_in_a_network_that_nobody_has_allowed_is_not_asked() {
    let (server, estimator) = with_estimator(|_| {}, Vec::new()).await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let id = queue(&server, &ws, json!({})).await;
    plan(&server, &agent).await;
    work(&server).await;
    assert_eq!(status(&server, &id).await, "cost_estimated");
    assert_eq!(estimate(&server, &id).await.0.attribute("status"), "errored");
    assert!(estimator.heard().await.is_empty());
}

#[tokio::test]
async fn costs_are_estimated_where_the_site_can_and_the_organization_wants_it() {
    let (server, estimator) = with_estimator(loopback, vec![(200, ANSWER.into())]).await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let shown = server.site_admin().get(SETTINGS).await.is_ok();
    assert_eq!(shown.id(), "cost-estimation");
    assert_eq!(shown.attribute("enabled"), true);
    assert!(!shown.text().contains("hunter2"), "{shown}");
    for (attributes, culprit) in [
        (json!({ "estimator-url": "ftp://example.com" }), "estimator-url"),
        (json!({ "estimator-url": "" }), "estimator-url"),
        (json!({ "aws-access-key-id": "AKIA" }), "aws-access-key-id"),
        (json!({ "gcp-credentials": "{}" }), "gcp-credentials"),
    ] {
        set(&server, attributes).await.is_unprocessable(&format!("/data/attributes/{culprit}"));
    }
    owner.get(SETTINGS).await.is_not_found();

    // A part of a plan would be taken for all of it.
    let ws = server.workspace("part").await;
    let id = queue(&server, &ws, json!({ "target-addrs": ["a.b"] })).await;
    plan(&server, &agent).await;
    assert_eq!(status(&server, &id).await, "cost_estimated");
    let (skipped, output) = estimate(&server, &id).await;
    assert_eq!(skipped.attribute("status"), "skipped_due_to_targeting");
    assert!(output.contains("-target"), "{output}");

    // Switched off between the run's beginning and its plan.
    let ws = server.workspace("meanwhile").await;
    let id = queue(&server, &ws, json!({})).await;
    wish(&server, false).await;
    plan(&server, &agent).await;
    assert_eq!(status(&server, &id).await, "cost_estimated");
    assert_eq!(estimate(&server, &id).await.0.attribute("status"), "errored");

    let ws = server.workspace("without").await;
    let id = queue(&server, &ws, json!({})).await;
    let shown = owner.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(shown.data()["relationships"]["cost-estimate"]["data"], json!(null));
    wish(&server, true).await;
    set(&server, json!({ "enabled": false })).await.is_ok();
    plan(&server, &agent).await;
    assert_eq!(status(&server, &id).await, "planned");
    work(&server).await;
    assert!(estimator.heard().await.is_empty());
    let entitlements = owner.get("/organizations/acme/entitlement-set").await.is_ok();
    assert_eq!(entitlements.attribute("cost-estimation"), false);
}
