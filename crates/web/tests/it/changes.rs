//! What a plan changes, as its run shows it.

use domain::plan_changes;
use serde_json::{Value, json};
use testkit::Server;

use crate::{
    browser::{Browser, server},
    runs::run,
};

/// The agent brings the plan of the only run that is queued, and its list is made.
pub async fn planned(server: &Server, plan: &Value) {
    brought(server, plan).await;
    plan_changes::work(&server.system()).await.unwrap();
}

pub async fn brought(server: &Server, plan: &Value) {
    let client = server.bearer(server.app.embedded_agent_token().expose());
    let agent = json!({ "name": "test", "version": "0", "instance": "one",
        "engines": [{ "kind": "terraform", "version": "1.12.2" }] });
    let agent = client.post("/agent/v1/register", agent).await.is_ok().json();
    let claim = json!({ "agent_id": agent["agent_id"], "wait_seconds": 0 });
    let job = client.post("/agent/v1/jobs/claim", claim).await.is_ok().json();
    let of_job = |rest: &str| format!("/agent/v1/jobs/{}/{rest}", job["id"].as_str().unwrap());
    client.post(of_job("start"), json!({})).await;
    let outcome = json!({ "result": "finished", "message": null, "has_changes": true,
        "counts": { "additions": 1, "changes": 1, "destructions": 1, "imports": 0 },
        "generated_configuration": false });
    client.post(of_job("outcome"), outcome).await.is_no_content();
    let plan = plan.to_string().into_bytes();
    for artifact in ["json-plan-redacted", "json-plan"] {
        client.put(of_job(&format!("artifacts/{artifact}")), plan.clone()).await.is_no_content();
    }
    client.post(of_job("finish"), json!({})).await.is_no_content();
}

fn resource(module: &str, name: &str, change: Value) -> Value {
    let place = if module.is_empty() { String::new() } else { format!("{module}.") };
    let mut resource = json!({ "address": format!("{place}aws_thing.{name}"), "mode": "managed",
        "type": "aws_thing", "name": name });
    resource["change"] = change;
    if !module.is_empty() {
        resource["module_address"] = module.into();
    }
    resource
}

fn small() -> Value {
    json!({
        "plan_format_version": "1.2",
        "resource_changes": [
            resource("", "ledger", json!({ "actions": ["update"],
                "before": { "size": 200, "class": "r6g.large", "password": "hunter2", "id": "x" },
                "after": { "size": 400, "class": "r6g.xlarge", "password": "hunter3", "id": "x" },
                "before_sensitive": { "password": true }, "after_sensitive": { "password": true } })),
            resource("module.net", "old<b>\u{202e}", json!({ "actions": ["delete"],
                "before": { "port": 22 }, "after": null })),
            resource("module.net", "node", json!({ "actions": ["create", "delete"],
                "before": { "type": "m" }, "after": { "type": "l" }, "after_unknown": { "id": true },
                "replace_paths": [["type"]] })),
        ],
        "output_changes": { "url": { "actions": ["create"], "before": null, "after_unknown": true } },
        "checks": [{ "address": { "to_display": "check.tall" }, "status": "fail",
            "instances": [{ "problems": [{ "message": "It is not tall." }] }] }],
    })
}

fn many(total: usize) -> Value {
    let change = |number: usize| {
        let change = json!({ "actions": ["create"], "before": null, "after": { "n": number } });
        resource("module.fleet", &format!("node_{number}"), change)
    };
    json!({ "plan_format_version": "1.2", "resource_changes": (0..total).map(change).collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_run_shows_what_its_plan_changes_and_no_secret() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut owner = Browser::of(&server, &server.owner()).await;
    let section = format!("{path}/plan/section");
    let early = owner.get(&section).await.is_ok().text();
    assert!(!early.contains("data-final"), "{early}");
    let page = owner.get(&format!("{path}/plan")).await.is_ok().text();
    assert!(page.contains("No list of changes"), "{page}");
    brought(&server, &small()).await;
    assert!(!owner.get(&section).await.is_ok().text().contains("data-final"));
    plan_changes::work(&server.system()).await.unwrap();
    let text = owner.get(&path).await.is_ok().text();
    assert!(owner.get(&section).await.is_ok().text().contains("data-final"));
    for said in [
        "Top of the configuration",
        "module.net",
        "r6g.<mark>x</mark>large",
        "sensitive",
        "forces replacement",
        "Created first, then the old one is destroyed.",
        "known after apply",
        "It is not tall.",
        "old&lt;b&gt;\\u{202e}",
        "1 unchanged or unset attribute is hidden.",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("hunter") && !text.contains("old<b>") && !text.contains('\u{202e}'));
}

#[tokio::test]
async fn who_may_not_read_the_state_sees_what_changes_and_no_value() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    planned(&server, &small()).await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut custom = Browser::of(&server, &server.custom_in(&ws)).await;
    let text = custom.get(&path).await.is_ok().text();
    assert!(text.contains("ledger") && text.contains("update"), "{text}");
    assert!(text.contains("Values are shown to whoever may read the state"), "{text}");
    for value in ["r6g", "It is not tall.", "<mark>"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
    // Nor is anything found by a value.
    let found = custom.get(&format!("{path}/plan?q=r6g.xlarge")).await.is_ok().text();
    assert!(found.contains("Nothing fits"), "{found}");
    let mut owner = Browser::of(&server, &server.owner()).await;
    let found = owner.get(&format!("{path}/plan?q=r6g.XLARGE")).await.is_ok().text();
    assert!(found.contains("ledger") && !found.contains("Nothing fits"), "{found}");
}

#[tokio::test]
async fn changes_are_found_by_what_happens_and_by_their_group() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    planned(&server, &small()).await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}/plan");
    let mut owner = Browser::of(&server, &server.owner()).await;
    let found = owner.get(&format!("{path}?action=delete")).await.is_ok().text();
    assert!(found.contains("data-action=\"destroy\""), "{found}");
    assert!(!found.contains("ledger"), "{found}");
    let found = owner.get(&format!("{path}?group=1")).await.is_ok().text();
    assert!(found.contains("<h1>module.net</h1>") && !found.contains("ledger"), "{found}");
    let found = owner.get(&format!("{path}?q=nowhere")).await.is_ok().text();
    assert!(found.contains("Nothing fits"), "{found}");
    for wrong in ["?action=nonsense", "?group=99", "?page=0", "?group=x&page=x"] {
        owner.get(&format!("{path}{wrong}")).await.is_ok();
    }
    for nothing in ["/changes", "/changes?group=99", "/changes?group=0&page=9"] {
        assert_eq!(owner.get(&format!("{path}{nothing}")).await.is_ok().text(), "", "{nothing}");
    }
}

#[tokio::test]
async fn a_plan_of_thousands_is_read_as_it_is_opened() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    planned(&server, &many(5_000)).await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut owner = Browser::of(&server, &server.owner()).await;
    let text = owner.get(&path).await.is_ok().text();
    assert!(text.contains("5,000") && text.contains("Read the first 100"), "{text}");
    assert!(!text.contains("node_0<") && text.len() < 50_000, "{} bytes", text.len());
    let part = |page: u64| format!("{path}/plan/changes?group=0&page={page}");
    let first = owner.get(&part(1)).await.is_ok().text();
    assert_eq!(first.matches("<details class=\"res create\"").count(), 100, "{first}");
    assert!(first.contains("4,900 more") && first.contains("page=2"), "{first}");
    let last = owner.get(&part(50)).await.is_ok().text();
    assert!(last.contains("node_4999") && !last.contains("res-load"), "{last}");
    assert_eq!(owner.get(&part(51)).await.is_ok().text(), "");
    let page = owner.get(&format!("{path}/plan?group=0&page=3")).await.is_ok().text();
    assert!(page.contains("node_200<") && !page.contains("node_199<"), "{page}");
    assert!(page.contains("201–300 of 5,000"), "{page}");
    let found = owner.get(&format!("{path}/plan?q=node_4321")).await.is_ok().text();
    assert!(found.contains("node_4321<") && !found.contains("node_4320<"), "{found}");
}

#[tokio::test]
async fn a_plan_that_cannot_be_listed_says_so() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    planned(&server, &json!({ "plan_format_version": "2.0" })).await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}");
    let mut owner = Browser::of(&server, &server.owner()).await;
    let text = owner.get(&path).await.is_ok().text();
    assert!(text.contains("This plan is newer than this server. Read the log."), "{text}");
}
