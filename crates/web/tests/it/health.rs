//! Health: of a workspace, with what an assessment has found, and of an organization.

use serde_json::json;
use testkit::Server;

use crate::{
    browser::{Browser, server},
    runs::run,
};

/// A workspace that can be assessed, as if a run had been applied.
async fn applied(server: &Server) {
    let ws = Box::pin(server.workspace("networking")).await;
    let run = Box::pin(run(server, &ws)).await;
    for sql in [
        format!(
            "UPDATE runs SET status = 'applied', is_final = TRUE, terraform_version = '1.12.2' WHERE id = '{run}'"
        ),
        "UPDATE configuration_versions SET status = 'uploaded'".to_owned(),
        "UPDATE workspaces SET resource_count = 2, lock_kind = NULL, lock_holder_id = NULL"
            .to_owned(),
        "DELETE FROM jobs".to_owned(),
    ] {
        server.execute(&sql).await;
    }
}

/// An agent brings what it has found.
async fn found(server: &Server) {
    let client = server.bearer(server.app.embedded_agent_token().expose());
    let agent = json!({ "name": "test", "version": "0", "instance": "one",
        "abilities": { "jobs": ["plan", "apply", "assessment"] },
        "engines": [{ "kind": "terraform", "version": "1.12.2" }] });
    let agent = client.post("/agent/v1/register", agent).await.is_ok().json();
    let claim = json!({ "agent_id": agent["agent_id"], "wait_seconds": 0 });
    let job = client.post("/agent/v1/jobs/claim", claim).await.is_ok().json();
    let of_job = |rest: &str| format!("/agent/v1/jobs/{}/{rest}", job["id"].as_str().unwrap());
    client.post(of_job("start"), json!({})).await.is_no_content();
    let plan = json!({
        "plan_format_version": "1.2",
        "resource_changes": [{ "address": "aws_thing.ledger", "mode": "managed", "type": "aws_thing",
            "name": "ledger", "change": { "actions": ["update"],
                "before": { "size": 900 }, "after": { "size": 200 } } }],
    });
    let plan = plan.to_string().into_bytes();
    client.put(of_job("artifacts/json-plan-redacted"), plan).await.is_no_content();
    let outcome = json!({ "result": "finished", "message": null, "has_changes": false, "counts": {},
        "generated_configuration": false, "findings": { "drifted": ["aws_thing.ledger"],
            "undrifted": 13, "checks": [{ "address": "check.<b>open", "kind": "check",
                "status": "fail", "problems": ["The door is <i>open</i>."] }] } });
    client.post(of_job("outcome"), outcome).await.is_no_content();
    client.post(of_job("finish"), json!({})).await.is_no_content();
    domain::plan_changes::work(&server.system()).await.unwrap();
}

#[tokio::test]
async fn health_is_assessed_shown_and_led_back_from() {
    let server = server().await;
    applied(&server).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let (here, base) =
        ("/app/acme/workspaces/networking/health", "/app/acme/workspaces/networking");
    let page = owner.get(here).await.is_ok();
    assert!(page.text().contains("Not assessed yet") && !page.text().contains("Assess now"));
    let page = owner.submit(&page, &format!("{here}/switch"), &[("enabled", "true")]).await;
    page.redirects();
    let page = owner.get(here).await.is_ok();
    let text = page.text();
    assert!(text.contains("Switch assessments off") && text.contains("Due "), "{text}");
    owner.submit(&page, &format!("{here}/assess"), &[]).await.redirects();
    assert!(owner.get(here).await.is_ok().text().contains("Waits for an agent"));
    found(&server).await;

    let text = owner.get(here).await.is_ok().text();
    for said in [
        "Drifted",
        "1 of 14",
        "aws_thing.ledger",
        "900",
        "200",
        "check.&lt;b&gt;open",
        "The door is &lt;i&gt;open&lt;/i&gt;.",
        "start-run?kind=apply",
        "start-run?kind=refresh",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let plan = owner.get(&format!("{here}/plan?q=ledger")).await.is_ok().text();
    assert!(plan.contains("aws_thing.ledger") || plan.contains("ledger"), "{plan}");
    let prefilled = format!("{base}/start-run?kind=refresh&message=Accept");
    assert!(owner.get(&prefilled).await.is_ok().text().contains("value=\"Accept\""));
    // Elsewhere it is told as well, where somebody should look at it.
    for path in ["/app/acme/workspaces", "/app/acme/workspaces?health=warning", "/app/acme/health"]
    {
        let text = owner.get(path).await.is_ok().text();
        assert!(text.contains("networking") && text.contains("Drifted"), "{path}: {text}");
    }
    let ws = server.workspace("other").await;
    assert!(!owner.get("/app/acme/health?show=all").await.is_ok().text().contains(&ws.name));

    let networking = server.owner().get("/organizations/acme/workspaces/networking").await;
    let id = networking.is_ok().id().parse().unwrap();
    let ws = domain::workspaces::load(&server.system(), &[id]).await.unwrap().remove(0);
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let text = reader.get(here).await.is_ok().text();
    assert!(text.contains("1 of 14") && !text.contains("Assess now") && !text.contains("Repair"));
}

#[tokio::test]
async fn what_is_in_the_way_of_an_assessment_is_said() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let here = "/app/acme/workspaces/networking/health";
    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get(here).await.is_ok();
    owner.submit(&page, &format!("{here}/switch"), &[("enabled", "true")]).await.redirects();
    let page = owner.get(here).await.is_ok();
    assert!(page.text().contains("no run has been applied yet"));
    let refused = owner.submit(&page, &format!("{here}/assess"), &[]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("no run has been applied yet"), "{} {refused}", ws.name);
}
