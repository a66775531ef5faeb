//! What the answers of policies do to a run: it goes on, waits for somebody or ends.

use serde_json::json;
use testkit::Server;

use super::{AGAINST, FOR, attach, outcomes, planned, stage};

#[tokio::test]
async fn a_run_that_policies_agree_with_waits_for_a_yes_like_any_other() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", FOR, json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "post_plan_completed");
    assert_eq!(run.attribute("actions")["is-confirmable"], true);
    for key in ["planned-at", "post-plan-running-at", "post-plan-completed-at"] {
        assert!(run.attribute("status-timestamps")[key].is_string(), "{key}: {run}");
    }
    let stage = stage(&owner, &run).await;
    assert_eq!(stage.attribute("status"), "passed");
    assert_eq!(stage.attribute("stage"), "post_plan");
    let evaluation = &stage.json()["included"][0]["attributes"];
    assert_eq!(evaluation["status"], "passed");
    assert_eq!(evaluation["policy-kind"], "opa");
    assert_eq!(evaluation["result-count"]["passed"], 1);
    owner.post(format!("/runs/{}/actions/apply", run.id()), json!({})).await.is_accepted();
}

#[tokio::test]
async fn what_speaks_against_a_run_is_told_and_stops_it() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", AGAINST, json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({ "auto-apply": true }), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let stage = stage(&owner, &run).await;
    assert_eq!(stage.attribute("status"), "failed");
    assert_eq!(stage.attribute("actions")["is-overridable"], false);
    let said = outcomes(&owner, &stage, "").await;
    assert_eq!(said[0]["attributes"]["policy-set-name"], "all");
    assert_eq!(said[0]["attributes"]["policy-tool-version"], "1.2.0");
    let outcome = &said[0]["attributes"]["outcomes"][0];
    assert_eq!(outcome["status"], "failed");
    assert_eq!(outcome["enforcement_level"], "mandatory");
    assert_eq!(outcome["policy_name"], "all");
    assert_eq!(outcome["output"], json!([{ "print": "no terraform_data.a in networking" }]));
    assert_eq!(said[0]["attributes"]["result-count"]["mandatory-failed"], 1);
    let one = said[0]["id"].as_str().unwrap();
    let shown = owner.get(format!("/policy-set-outcomes/{one}")).await.is_ok();
    assert_eq!(shown.data()["attributes"], said[0]["attributes"]);
    assert!(!server.everything().await.contains("no terraform_data.a"), "outcomes are sealed");
    let free = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(free.attribute("locked"), false);
    assert_eq!(free.attribute("policy-check-failures"), 1);
    owner.post(format!("/runs/{}/actions/apply", run.id()), json!({})).await.is_conflict();
}

#[tokio::test]
async fn an_advisory_policy_stops_nothing() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "advisory", AGAINST, json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({ "auto-apply": true }), true).await;
    assert_eq!(run.attribute("status"), "confirmed");
    let stage = stage(&owner, &run).await;
    let count = &stage.json()["included"][0]["attributes"]["result-count"];
    assert_eq!(count["advisory-failed"], 1);
    for (query, shown) in [
        ("filter[0][status]=failed&filter[0][enforcementLevel]=advisory", 1),
        ("filter[0][status]=passed", 0),
        ("filter=%7B%270%27%3A+%7B%7D%7D&filter[0][status]=passed", 0),
        ("filter[0][status]=passed&filter[1][status]=failed", 1),
    ] {
        let said = outcomes(&owner, &stage, query).await;
        assert_eq!(said.as_array().unwrap().len(), shown, "{query}");
    }
}

#[tokio::test]
async fn somebody_who_may_overrides_what_can_be_overridden() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    for (level, set) in [
        ("mandatory", json!({ "name": "all", "overridable": true })),
        ("soft-mandatory", json!({ "name": "soft" })),
    ] {
        let set = attach(&owner, &ws, level, AGAINST, set).await;
        let run = planned(&server, &ws, json!({ "auto-apply": true }), true).await;
        assert_eq!(run.attribute("status"), "post_plan_awaiting_decision", "{level}");
        assert_eq!(run.attribute("actions")["is-discardable"], true);
        assert_eq!(run.attribute("actions")["is-confirmable"], false);
        let stage = stage(&owner, &run).await;
        assert_eq!(stage.attribute("status"), "awaiting_override");
        assert_eq!(stage.attribute("actions")["is-overridable"], true);
        let path = format!("/task-stages/{}/actions/override", stage.id());
        owner.post(format!("/runs/{}/actions/apply", run.id()), json!({})).await.is_conflict();
        server.writer(&ws).post(&path, json!({})).await.is_not_found();
        let seen = server.writer(&ws).get(format!("/task-stages/{}", stage.id())).await.is_ok();
        assert_eq!(seen.attribute("permissions")["can-override"], false);
        let passed = owner.post(&path, json!({ "comment": "just once" })).await.is_ok();
        assert_eq!(passed.attribute("status"), "passed");
        owner.post(&path, json!({})).await.is_conflict();
        let run = owner.get(format!("/runs/{}", run.id())).await.is_ok();
        assert_eq!(run.attribute("status"), "confirmed");
        let evaluations = format!("/task-stages/{}/policy-evaluations", stage.id());
        assert_eq!(owner.get(evaluations).await.is_ok().attributes("status"), ["overridden"]);
        let comments = owner.get(format!("/runs/{}/comments", run.id())).await.is_ok();
        assert_eq!(comments.attributes("body"), ["just once"]);
        owner.post(format!("/runs/{}/actions/cancel", run.id()), json!({})).await.is_accepted();
        owner.delete(format!("/policy-sets/{set}")).await.is_no_content();
    }
}

#[tokio::test]
async fn a_run_that_awaits_an_override_can_be_discarded() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "soft-mandatory", AGAINST, json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({}), true).await;
    owner.post(format!("/runs/{}/actions/discard", run.id()), json!({})).await.is_accepted();
    let stage = stage(&owner, &run).await;
    assert_eq!(stage.attribute("status"), "canceled");
    owner.post(format!("/task-stages/{}/actions/override", stage.id()), ()).await.is_conflict();
}

#[tokio::test]
async fn nobody_is_asked_to_override_for_a_run_that_is_only_planned() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "soft-mandatory", AGAINST, json!({ "name": "all" })).await;
    for (attributes, has_changes) in [(json!({ "plan-only": true }), true), (json!({}), false)] {
        let run = planned(&server, &ws, attributes, has_changes).await;
        assert_eq!(run.attribute("status"), "policy_soft_failed");
        let stage = stage(&owner, &run).await;
        assert_eq!(stage.attribute("status"), "failed");
        let evaluations =
            owner.get(format!("/task-stages/{}/policy-evaluations", stage.id())).await;
        assert_eq!(evaluations.is_ok().attributes("status"), ["failed"]);
        let override_it = format!("/task-stages/{}/actions/override", stage.id());
        owner.post(override_it, ()).await.is_conflict();
    }
}

#[tokio::test]
async fn a_run_that_is_only_planned_ends_errored_where_nobody_could_override() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", AGAINST, json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({ "plan-only": true }), true).await;
    assert_eq!(run.attribute("status"), "errored");
}

#[tokio::test]
async fn runs_that_end_with_their_plan_end_after_their_policies() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", FOR, json!({ "name": "all" })).await;
    for (attributes, has_changes, status) in [
        (json!({ "plan-only": true }), true, "planned_and_finished"),
        (json!({}), false, "planned_and_finished"),
        (json!({ "save-plan": true }), true, "planned_and_saved"),
        (json!({ "allow-empty-apply": true }), false, "confirmed"),
    ] {
        let run = planned(&server, &ws, attributes, has_changes).await;
        assert_eq!(run.attribute("status"), status);
    }
}
