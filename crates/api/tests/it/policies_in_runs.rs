//! What policies do to runs: an agent plans, the server evaluates, and the run goes on, waits or ends.

use std::time::Duration;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

use crate::{
    agent::Agent,
    policies, policy_sets,
    repositories::connect_policy_set,
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
    let owner = server.owner();
    let agent = Agent::register(server).await;
    upload(&owner, ws, false).await;
    let id = owner.post("/runs", run(ws, attributes)).await.is_created().id();
    server.advance().await;
    plan(&agent, has_changes).await;
    evaluate(server).await;
    owner.get(format!("/runs/{id}")).await.is_ok()
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

#[tokio::test]
async fn a_policy_that_cannot_be_asked_counts_as_one_that_disagrees() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    for (name, code) in [
        ("syntax", "package example\nrule :="),
        ("missing", "package other"),
        ("boolean", "package example\nrule := true"),
        ("network", "package example\nrule contains 1 if http.send({}).ok"),
    ] {
        let set = attach(&owner, &ws, "mandatory", code, json!({ "name": name })).await;
        let run = planned(&server, &ws, json!({}), true).await;
        assert_eq!(run.attribute("status"), "errored", "{name}");
        let stage = stage(&owner, &run).await;
        assert_eq!(stage.attribute("status"), "errored", "{name}");
        let said = outcomes(&owner, &stage, "").await;
        let outcome = &said[0]["attributes"]["outcomes"][0];
        assert_eq!(outcome["status"], "errored", "{name}");
        assert!(outcome["output"][0]["print"].is_string(), "{name}");
        owner.delete(format!("/policy-sets/{set}")).await.is_no_content();
    }
}

#[tokio::test]
async fn a_policy_without_code_stops_the_run() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let policy = policies::body(json!({
        "name": "ports", "kind": "opa", "query": "data.a.b", "enforcement-level": "mandatory",
    }));
    let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
    let mut set = policy_sets::body(json!({ "name": "all", "kind": "opa", "global": true }));
    set["data"]["relationships"] = json!({ "policies": policy_sets::ids("policies", &[&policy]) });
    owner.post("/organizations/acme/policy-sets", set).await.is_created();
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let said = outcomes(&owner, &stage(&owner, &run).await, "").await;
    assert!(said[0]["attributes"]["error"].as_str().unwrap().contains("has no code"));
}

#[tokio::test]
async fn policies_that_were_made_one_by_one_know_nothing_of_each_other() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    // One package, one rule, and helpers of one name that clash or are only complete by each other.
    let mut ids = Vec::new();
    for (name, code) in [
        ("agrees", "package example\nlimit := 1\nrule contains \"a\" if { limit > 1 }"),
        ("breaks", "package example\nrule :="),
        ("disagrees", "package example\nlimit := 2\nrule contains \"d\" if { limit > 1 }"),
        ("leans", "package example\nrule contains \"l\" if { data.example.limit }"),
    ] {
        let policy = policies::body(json!({
            "name": name, "kind": "opa", "query": "data.example.rule",
            "enforcement-level": "advisory",
        }));
        let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
        owner.put(format!("/policies/{policy}/upload"), code.to_owned()).await.is_ok();
        ids.push(policy);
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut set = policy_sets::body(json!({ "name": "all", "kind": "opa", "global": true }));
    set["data"]["relationships"] = json!({ "policies": policy_sets::ids("policies", &ids) });
    owner.post("/organizations/acme/policy-sets", set).await.is_created();
    let run = planned(&server, &ws, json!({}), true).await;
    let said = outcomes(&owner, &stage(&owner, &run).await, "").await;
    assert!(said[0]["attributes"]["error"].is_null(), "{said}");
    let outcomes = said[0]["attributes"]["outcomes"].as_array().unwrap();
    let ends: Vec<_> = outcomes.iter().map(|it| (&it["policy_name"], &it["status"])).collect();
    let expected = [
        (json!("agrees"), json!("passed")),
        (json!("breaks"), json!("errored")),
        (json!("disagrees"), json!("failed")),
        (json!("leans"), json!("passed")),
    ];
    assert_eq!(ends, expected.iter().map(|(name, end)| (name, end)).collect::<Vec<_>>(), "{said}");
    assert_eq!(outcomes[2]["output"], json!([{ "print": "d" }]));
}

#[tokio::test]
async fn the_policies_of_a_version_are_evaluated_with_all_its_code() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let set = policy_sets::body(json!({ "name": "all", "kind": "opa", "global": true }));
    let set = owner.post("/organizations/acme/policy-sets", set).await.is_created().id();
    let made = owner.post(format!("/policy-sets/{set}/versions"), ()).await.is_created();
    let archive = policy_sets::archive(&[
        (
            "policies.hcl",
            "policy \"names\" {\n query = \"data.names.deny\"\n enforcement_level = \"mandatory\"\n description = \"Names are short\"\n}",
        ),
        ("names.rego", "package names\nimport data.lib\ndeny contains m if { some m in lib.long }"),
        (
            "lib/lib.rego",
            "package lib\nlong contains c.address if { some c in input.plan.resource_changes; count(c.address) > 3 }",
        ),
        ("names_test.rego", "package names\nthis is no policy"),
    ]);
    let address = made.data()["links"]["upload"].as_str().unwrap().to_owned();
    owner.put(address, archive).await.is_ok();
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let said = outcomes(&owner, &stage(&owner, &run).await, "").await;
    let outcome = &said[0]["attributes"]["outcomes"][0];
    assert_eq!(outcome["description"], "Names are short");
    assert_eq!(outcome["output"], json!([{ "print": "terraform_data.a" }]));
}

#[tokio::test]
async fn a_set_counts_where_it_is_said_to() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let id = attach(&owner, &ws, "mandatory", AGAINST, json!({ "name": "all" })).await;
    let set = format!("/policy-sets/{id}");
    let own = policy_sets::ids("workspaces", &[ws.id.as_str()]);
    let project = policy_sets::ids("projects", &[ws.project_id.as_str()]);
    let status = async || {
        let run = planned(&server, &ws, json!({}), true).await;
        if run.attribute("actions")["is-discardable"] == true {
            owner
                .post(format!("/runs/{}/actions/discard", run.id()), json!({}))
                .await
                .is_accepted();
        }
        run.attribute("status").as_str().unwrap().to_owned()
    };
    let add = async |relation: &str, body: &Value| {
        owner.post(format!("{set}/relationships/{relation}"), body).await.is_no_content();
    };
    let remove = async |relation: &str, body: &Value| {
        owner.delete_with(format!("{set}/relationships/{relation}"), body).await.is_no_content();
    };
    assert_eq!(status().await, "errored", "it names the workspace");
    add("workspace-exclusions", &own).await;
    assert_eq!(status().await, "planned", "it excludes the workspace");
    remove("workspace-exclusions", &own).await;
    remove("workspaces", &own).await;
    assert_eq!(status().await, "planned", "it names nothing");
    add("projects", &project).await;
    assert_eq!(status().await, "errored", "it names the project");
    remove("projects", &project).await;
    let selectors =
        json!({ "data": [{ "tag-key": "env", "tag-value": "prod", "is-exclude": false }] });
    owner.post(format!("{set}/tag-selectors"), &selectors).await.is_no_content();
    assert_eq!(status().await, "planned", "the tag is missing");
    let tags = json!({ "data": [{ "type": "tag-bindings", "attributes": { "key": "env", "value": "prod" } }] });
    owner.patch(format!("/workspaces/{}/tag-bindings", ws.id), tags).await.is_ok();
    assert_eq!(status().await, "errored", "the tag is there");
    owner.delete_with(format!("{set}/tag-selectors"), &selectors).await.is_no_content();
    owner.patch(&set, policy_sets::body(json!({ "global": true }))).await.is_ok();
    assert_eq!(status().await, "errored", "it is global");
    let excluding =
        json!({ "data": [{ "tag-key": "env", "tag-value": "prod", "is-exclude": true }] });
    owner.post(format!("{set}/tag-selectors"), &excluding).await.is_no_content();
    assert_eq!(status().await, "planned", "its tag is excluded");
    owner.delete_with(format!("{set}/tag-selectors"), &excluding).await.is_no_content();
    assert_eq!(status().await, "errored", "it is global again");
    add("project-exclusions", &project).await;
    assert_eq!(status().await, "planned", "the project is excluded");
}

#[tokio::test]
async fn policies_attached_while_a_run_is_planned_count() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    upload(&owner, &ws, false).await;
    let made = owner.post("/runs", run(&ws, json!({}))).await.is_created();
    assert_eq!(made.data()["relationships"]["task-stages"]["data"], json!([]));
    server.advance().await;
    attach(&owner, &ws, "mandatory", AGAINST, json!({ "name": "all" })).await;
    plan(&agent, true).await;
    evaluate(&server).await;
    let run = owner.get(format!("/runs/{}?include=task_stages", made.id())).await.is_ok();
    assert_eq!(run.attribute("status"), "errored");
    assert_eq!(run.json()["included"][0]["attributes"]["status"], "failed");
}

#[tokio::test]
async fn command_lines_find_the_stage_before_the_plan_and_it_ends_with_the_run() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", FOR, json!({ "name": "all" })).await;
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let shown = owner.get(format!("/runs/{id}?include=task_stages")).await.is_ok();
    assert_eq!(shown.json()["included"][0]["attributes"]["status"], "pending");
    owner.post(format!("/runs/{id}/actions/cancel"), json!({})).await.is_accepted();
    let stages = owner.get(format!("/runs/{id}/task-stages")).await.is_ok();
    assert_eq!(stages.attributes("status"), ["unreachable"]);
}

#[tokio::test]
async fn an_evaluation_that_a_crash_interrupted_is_repeated_once_its_time_is_over() {
    let server = Server::start().await;
    server.stop_clock();
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", AGAINST, json!({ "name": "all" })).await;
    upload(&owner, &ws, false).await;
    let made = owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    plan(&agent, true).await;
    // As another server leaves it behind that is killed in the middle.
    begin(&server, &made, 1).await;
    assert_eq!(evaluate(&server).await, 0, "somebody else has it");
    let run = owner.get(format!("/runs/{}", made.id())).await.is_ok();
    assert_eq!(run.attribute("status"), "post_plan_running");
    server.pass(Duration::from_secs(46));
    assert_eq!(evaluate(&server).await, 1);
    assert_eq!(evaluate(&server).await, 0, "once is enough");
    let run = owner.get(format!("/runs/{}", made.id())).await.is_ok();
    assert_eq!(run.attribute("status"), "errored");
}

#[tokio::test]
async fn an_evaluation_that_kills_servers_is_given_up() {
    let server = Server::start().await;
    server.stop_clock();
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", FOR, json!({ "name": "all" })).await;
    upload(&owner, &ws, false).await;
    let made = owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    plan(&agent, true).await;
    begin(&server, &made, 3).await;
    server.pass(Duration::from_secs(46));
    assert_eq!(evaluate(&server).await, 1);
    let run = owner.get(format!("/runs/{}", made.id())).await.is_ok();
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
        let agent = Agent::register(&server).await;
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
        upload(&owner, &ws, false).await;
        let made = owner.post("/runs", run(&ws, json!({}))).await.is_created();
        server.advance().await;
        plan(&agent, true).await;
        if lost == "plan" {
            let plan = made.related("plan");
            server.lose_blob(testkit::Blob::PlanJson, plan.as_str().unwrap()).await;
        }
        assert_eq!(evaluate(&server).await, 1, "{lost}");
        let run = owner.get(format!("/runs/{}", made.id())).await.is_ok();
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
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "mandatory", FOR, json!({ "name": "all" })).await;
    upload(&owner, &ws, false).await;
    let made = owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    plan(&agent, true).await;
    // By a server of another version.
    server.execute("UPDATE policies SET enforcement_level = 'sometimes'").await;
    for _ in 0..4 {
        evaluate(&server).await;
        server.pass(Duration::from_secs(46));
    }
    let run = owner.get(format!("/runs/{}", made.id())).await.is_ok();
    assert_eq!(run.attribute("status"), "errored");
}
