//! What policies in Sentinel's language do to runs, in policy checks and in task stages.

use std::time::Duration;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

use crate::{
    agent::Agent,
    policies,
    policies_in_runs::{self, evaluate, outcomes, plan, planned, stage},
    policy_sets,
    repositories::connect_policy_set,
    runs::{run, upload},
};

const AGREES: &str = "main = rule { true }";
const AGAINST: &str = r#"# Nothing more.

import "tfplan/v2" as tfplan
import "tfrun"

# Creates nothing.
none = rule {
  all tfplan.resource_changes as address, change { change.change.actions is ["no-op"] }
}
for tfplan.resource_changes as address, _ { print("no", address, "in", tfrun.workspace.name) }
main = rule { none }
"#;

/// A set with one policy, on a workspace.
pub async fn attach(
    owner: &Client<'_>,
    ws: &Workspace,
    level: &str,
    code: &str,
    set: Value,
) -> String {
    let policy = policies::body(json!({ "name": "tags", "enforcement-level": level }));
    let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
    owner.put(format!("/policies/{policy}/upload"), code.to_owned()).await.is_ok();
    let mut new = policy_sets::body(set);
    new["data"]["relationships"] = json!({
        "policies": policy_sets::ids("policies", &[&policy]),
        "workspaces": policy_sets::ids("workspaces", &[ws.id.as_str()]),
    });
    owner.post("/organizations/acme/policy-sets", new).await.is_created().id()
}

/// Takes a set and its only policy away.
pub async fn detach(owner: &Client<'_>, set: &str) {
    let shown = owner.get(format!("/policy-sets/{set}")).await.is_ok();
    let policies = shown.data()["relationships"]["policies"]["data"].clone();
    owner.delete(format!("/policy-sets/{set}")).await.is_no_content();
    let policy = policies[0]["id"].as_str().unwrap();
    owner.delete(format!("/policies/{policy}")).await.is_no_content();
}

/// A set whose policies come in an archive, for all workspaces.
async fn versioned(owner: &Client<'_>, files: &[(&str, &str)]) -> String {
    let set = policy_sets::body(json!({ "name": "archive", "global": true }));
    let set = owner.post("/organizations/acme/policy-sets", set).await.is_created().id();
    let made = owner.post(format!("/policy-sets/{set}/versions"), ()).await.is_created();
    let address = made.data()["links"]["upload"].as_str().unwrap().to_owned();
    owner.put(address, policy_sets::archive(files)).await.is_ok();
    set
}

/// The only check of a run, and its log.
pub async fn check(owner: &Client<'_>, run: &Answer) -> (Answer, String) {
    let checks = owner.get(format!("/runs/{}/policy-checks", run.id())).await.is_ok();
    assert_eq!(checks.data().as_array().unwrap().len(), 1);
    let id = checks.data()[0]["id"].as_str().unwrap().to_owned();
    let check = owner.get(format!("/policy-checks/{id}")).await.is_ok();
    assert_eq!(check.data(), checks.data()[0]);
    let log = owner.get(format!("/policy-checks/{id}/output")).await.is_ok();
    (check, log.text())
}

#[tokio::test]
async fn a_run_that_its_policy_check_agrees_with_waits_for_a_yes_like_any_other() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "hard-mandatory", AGREES, json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "policy_checked");
    assert_eq!(run.attribute("actions")["is-confirmable"], true);
    for key in ["planned-at", "policy-checking-at", "policy-checked-at"] {
        assert!(run.attribute("status-timestamps")[key].is_string(), "{key}: {run}");
    }
    let (check, log) = check(&owner, &run).await;
    assert_eq!(check.attribute("status"), "passed");
    for key in ["queued-at", "passed-at"] {
        assert!(check.attribute("status-timestamps")[key].is_string(), "{key}: {check}");
    }
    let result = check.attribute("result");
    assert_eq!((&result["result"], &result["passed"]), (&json!(true), &json!(1)));
    assert_eq!(result["total-failed"], 0);
    assert_eq!(result["sentinel"]["data"]["all"]["policies"][0]["result"], true);
    for line in ["Sentinel Result: true", "1 policies evaluated."] {
        assert!(log.lines().any(|known| known == line), "{log}");
    }
    owner.post(format!("/runs/{}/actions/apply", run.id()), json!({})).await.is_accepted();
    let entitlements = owner.get("/organizations/acme/entitlement-set").await.is_ok();
    assert_eq!(entitlements.attribute("sentinel"), true);
}

#[tokio::test]
async fn each_level_stops_a_run_as_far_as_it_says() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    for (level, run_status, check_status, count) in [
        ("advisory", "confirmed", "passed", "advisory-failed"),
        ("soft-mandatory", "policy_override", "soft_failed", "soft-failed"),
        ("hard-mandatory", "errored", "hard_failed", "hard-failed"),
    ] {
        let set = attach(&owner, &ws, level, AGAINST, json!({ "name": "all" })).await;
        let run = planned(&server, &ws, json!({ "auto-apply": true }), true).await;
        assert_eq!(run.attribute("status"), run_status, "{level}");
        let (check, log) = check(&owner, &run).await;
        assert_eq!(check.attribute("status"), check_status, "{level}");
        assert_eq!(check.attribute("actions")["is-overridable"], level == "soft-mandatory");
        let result = check.attribute("result");
        assert_eq!(result["result"], level == "advisory");
        assert_eq!((&result["passed"], &result["total-failed"]), (&json!(0), &json!(1)));
        assert_eq!(result[count], 1, "{level}");
        let told = &result["sentinel"]["data"]["all"]["policies"][0];
        assert_eq!(told["policy"], json!({ "name": "all/tags", "enforcement-level": level }));
        let rule = &told["trace"]["rules"]["none"];
        assert_eq!(rule["value"], false);
        assert_eq!(
            (&rule["position"]["filename"], &rule["position"]["line"]),
            (&json!("./tags.sentinel"), &json!(7))
        );
        for line in [
            &*format!("## Policy 1: all/tags ({level})"),
            "no terraform_data.a in networking",
            "./tags.sentinel:7:1 - Rule \"none\"",
        ] {
            assert!(log.lines().any(|known| known == line), "{line} is not in\n{log}");
        }
        assert!(!server.everything().await.contains("no terraform_data.a"), "it is sealed");
        if run_status == "policy_override" {
            owner
                .post(format!("/runs/{}/actions/discard", run.id()), json!({}))
                .await
                .is_accepted();
        } else if run_status == "confirmed" {
            owner.post(format!("/runs/{}/actions/cancel", run.id()), json!({})).await.is_accepted();
        }
        detach(&owner, &set).await;
    }
}

#[tokio::test]
async fn who_may_overrides_what_is_soft_mandatory_and_nobody_else() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "soft-mandatory", AGAINST, json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("actions")["is-discardable"], true);
    assert_eq!(run.attribute("actions")["is-confirmable"], false);
    owner.post(format!("/runs/{}/actions/apply", run.id()), json!({})).await.is_conflict();
    let (check, log) = check(&owner, &run).await;
    let path = format!("/policy-checks/{}/actions/override", check.id());
    server.writer(&ws).post(&path, json!({})).await.is_not_found();
    let passed = owner.post(&path, json!({ "comment": "just once" })).await.is_ok();
    assert_eq!(passed.attribute("status"), "overridden");
    assert_eq!(passed.attribute("result")["soft-failed"], 1, "what was said stays");
    owner.post(&path, json!({})).await.is_conflict();
    assert_eq!(owner.get(format!("/policy-checks/{}/output", check.id())).await.text(), log);
    let run = owner.get(format!("/runs/{}", run.id())).await.is_ok();
    assert_eq!(run.attribute("status"), "policy_checked");
    assert_eq!(run.attribute("actions")["is-confirmable"], true);
    let comments = owner.get(format!("/runs/{}/comments", run.id())).await.is_ok();
    assert_eq!(comments.attributes("body"), ["just once"]);
}

#[tokio::test]
async fn nobody_is_asked_to_override_a_check_of_a_run_that_is_only_planned() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "soft-mandatory", AGAINST, json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({ "plan-only": true }), true).await;
    assert_eq!(run.attribute("status"), "policy_soft_failed");
    let (check, _) = check(&owner, &run).await;
    assert_eq!(check.attribute("status"), "soft_failed");
    owner.post(format!("/policy-checks/{}/actions/override", check.id()), ()).await.is_conflict();
}

#[tokio::test]
async fn a_policy_that_errs_has_failed_and_never_passed() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    for (code, why) in [
        ("main = rule { 1 / 0 }", "./tags.sentinel:1:15: an integer cannot be divided by zero"),
        ("main = rule {", "./tags.sentinel:1:"),
        ("import \"nosuch\"\nmain = true", "nosuch"),
        ("ok = true", "no \"main\""),
        ("param limit\nmain = true", "requires value for parameter limit"),
        ("import \"http\"\nmain = http.get(\"https://example.com\") is defined", "is off here"),
        ("x = range(1000000000)\nmain = true", "./tags.sentinel:1:"),
        ("f = func(n) { return f(n + 1) }\nmain = f(0) is 1", "./tags.sentinel:1:"),
    ] {
        for (level, run_status, check_status) in [
            ("hard-mandatory", "errored", "hard_failed"),
            ("soft-mandatory", "policy_override", "soft_failed"),
        ] {
            let set = attach(&owner, &ws, level, code, json!({ "name": "all" })).await;
            let run = planned(&server, &ws, json!({}), true).await;
            assert_eq!(run.attribute("status"), run_status, "{code}");
            let (check, log) = check(&owner, &run).await;
            assert_eq!(check.attribute("status"), check_status, "{code}");
            let told = &check.attribute("result")["sentinel"]["data"]["all"]["policies"][0];
            assert!(told["error"].as_str().unwrap().contains(why), "{told}");
            assert!(log.contains("An error occurred:") && log.contains(why), "{log}");
            if level == "soft-mandatory" {
                let path = format!("/runs/{}/actions/discard", run.id());
                owner.post(path, json!({})).await.is_accepted();
            }
            detach(&owner, &set).await;
        }
    }
}

#[tokio::test]
async fn a_policy_whose_result_is_undefined_has_failed() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let code = "main = rule { {}.missing }";
    attach(&owner, &ws, "hard-mandatory", code, json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let (check, log) = check(&owner, &run).await;
    assert_eq!(check.attribute("status"), "hard_failed");
    assert!(log.contains("undefined; that arose at ./tags.sentinel:1:"), "{log}");
}

#[tokio::test]
async fn a_policy_without_code_has_failed() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let policy = policies::body(json!({ "name": "tags", "enforcement-level": "hard-mandatory" }));
    let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
    let mut set = policy_sets::body(json!({ "name": "all", "global": true }));
    set["data"]["relationships"] = json!({ "policies": policy_sets::ids("policies", &[&policy]) });
    owner.post("/organizations/acme/policy-sets", set).await.is_created();
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let (_, log) = check(&owner, &run).await;
    assert!(log.contains("has no code"), "{log}");
}

#[tokio::test]
async fn in_a_task_stage_the_set_says_what_can_be_overridden() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    for (level, overridable, run_status, told) in [
        ("advisory", false, "post_plan_completed", "advisory"),
        ("soft-mandatory", false, "errored", "mandatory"),
        ("hard-mandatory", false, "errored", "mandatory"),
        ("soft-mandatory", true, "post_plan_awaiting_decision", "mandatory"),
    ] {
        let set = json!({ "name": "all", "agent-enabled": true, "overridable": overridable });
        let set = attach(&owner, &ws, level, AGAINST, set).await;
        let run = planned(&server, &ws, json!({}), true).await;
        assert_eq!(run.attribute("status"), run_status, "{level}");
        let stage = stage(&owner, &run).await;
        assert_eq!(stage.json()["included"][0]["attributes"]["policy-kind"], "sentinel");
        let said = outcomes(&owner, &stage, "").await;
        assert_eq!(said[0]["attributes"]["policy-tool-version"], "0.40.0");
        let outcome = &said[0]["attributes"]["outcomes"][0];
        assert_eq!(outcome["status"], "failed");
        assert_eq!(outcome["enforcement_level"], told);
        assert_eq!(outcome["description"], "Nothing more.");
        assert_eq!(outcome["output"][0]["print"], "no terraform_data.a in networking");
        let rules = outcome["output"].as_array().unwrap()[1..].iter();
        let rules: Vec<_> = rules.map(|rule| rule["print"].as_str().unwrap()).collect();
        assert!(rules[0].starts_with("./tags.sentinel:11:1 - Rule \"main\""), "{rules:?}");
        assert!(rules[1].contains("Rule \"none\"") && rules[1].contains("Creates nothing."));
        if run.attribute("actions")["is-discardable"] == true {
            owner
                .post(format!("/runs/{}/actions/discard", run.id()), json!({}))
                .await
                .is_accepted();
        }
        detach(&owner, &set).await;
    }
}

#[tokio::test]
async fn in_a_task_stage_a_policy_without_an_answer_has_not_passed() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    for (code, status, why) in [
        ("main = rule { {}.missing }", "failed", "undefined; that arose at ./tags.sentinel:1:"),
        ("main = rule { 1 / 0 }", "errored", "./tags.sentinel:1:15: an integer"),
    ] {
        let set = json!({ "name": "all", "agent-enabled": true });
        let set = attach(&owner, &ws, "hard-mandatory", code, set).await;
        let run = planned(&server, &ws, json!({}), true).await;
        assert_eq!(run.attribute("status"), "errored", "{code}");
        let said = outcomes(&owner, &stage(&owner, &run).await, "").await;
        let outcome = &said[0]["attributes"]["outcomes"][0];
        assert_eq!(outcome["status"], status);
        assert!(outcome["output"][0]["print"].as_str().unwrap().contains(why), "{outcome}");
        detach(&owner, &set).await;
    }
}

#[tokio::test]
async fn policies_of_another_kind_that_come_late_are_asked_too_and_each_speaks_once() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let set = json!({ "name": "first", "agent-enabled": true });
    attach(&owner, &ws, "hard-mandatory", AGREES, set).await;
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    plan(&agent, true).await;
    let late = json!({ "name": "late" });
    policies_in_runs::attach(&owner, &ws, "mandatory", policies_in_runs::AGAINST, late).await;
    while evaluate(&server).await > 0 {}
    let run = owner.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(run.attribute("status"), "errored");
    let stage = run.data()["relationships"]["task-stages"]["data"][0]["id"].clone();
    let path = format!("/task-stages/{}/policy-evaluations", stage.as_str().unwrap());
    let evaluations = owner.get(path).await.is_ok();
    assert_eq!(evaluations.attributes("status"), ["failed", "passed"]);
    for (one, set) in evaluations.data().as_array().unwrap().iter().zip(["late", "first"]) {
        let path =
            format!("/policy-evaluations/{}/policy-set-outcomes", one["id"].as_str().unwrap());
        let said = owner.get(path).await.is_ok();
        assert_eq!(said.attributes("policy-set-name"), [set]);
    }
}

#[tokio::test]
async fn a_set_can_say_both_in_one_run() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let (agent_set, check_set) =
        (json!({ "name": "a", "agent-enabled": true }), json!({ "name": "b" }));
    attach(&owner, &ws, "hard-mandatory", AGREES, agent_set).await;
    let policy = policies::body(json!({ "name": "more", "enforcement-level": "hard-mandatory" }));
    let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
    owner.put(format!("/policies/{policy}/upload"), AGAINST).await.is_ok();
    let mut set = policy_sets::body(check_set);
    set["data"]["attributes"]["global"] = json!(true);
    set["data"]["relationships"] = json!({ "policies": policy_sets::ids("policies", &[&policy]) });
    owner.post("/organizations/acme/policy-sets", set).await.is_created();
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "policy_checking", "the stage before has agreed");
    assert_eq!(evaluate(&server).await, 1);
    let run = owner.get(format!("/runs/{}", run.id())).await.is_ok();
    assert_eq!(run.attribute("status"), "errored");
    let stage = stage(&owner, &run).await;
    assert_eq!(stage.attribute("status"), "passed");
    let (check, _) = check(&owner, &run).await;
    assert_eq!(check.attribute("status"), "hard_failed");
}

#[tokio::test]
async fn a_set_that_moves_between_task_stages_and_checks_is_asked_nevertheless() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let set = json!({ "name": "all", "agent-enabled": true });
    let set = attach(&owner, &ws, "hard-mandatory", AGAINST, set).await;
    // While a run waits for its task stage, and while one waits for its check.
    for (moved, status) in [(false, "policy_checking"), (true, "errored")] {
        upload(&owner, &ws, false).await;
        let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
        server.advance().await;
        plan(&agent, true).await;
        let change = policy_sets::body(json!({ "agent-enabled": moved }));
        owner.patch(format!("/policy-sets/{set}"), change).await.is_ok();
        assert_eq!(evaluate(&server).await, 1);
        let at = owner.get(format!("/runs/{id}")).await.is_ok();
        assert_eq!(at.attribute("status"), status, "moved to task stages: {moved}");
        evaluate(&server).await;
        let at = owner.get(format!("/runs/{id}")).await.is_ok();
        assert_eq!(at.attribute("status"), "errored");
        let (check, _) = check(&owner, &at).await;
        assert_eq!(check.attribute("status"), "hard_failed");
    }
}

#[tokio::test]
async fn parameters_of_the_set_reach_its_policies_and_secrets_stay_secret() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let code = "param limit\nparam token\nprint(token, \"is known\")\nmain = rule { limit is 3 }";
    let set = attach(&owner, &ws, "soft-mandatory", code, json!({ "name": "all" })).await;
    for (key, value, sensitive) in [("limit", "3", false), ("token", "s3cr3t-t0ken", true)] {
        let new = json!({ "data": { "type": "vars", "attributes": {
            "key": key, "value": value, "category": "policy-set", "sensitive": sensitive,
        } } });
        owner.post(format!("/policy-sets/{set}/parameters"), new).await.is_created();
    }
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "policy_checked");
    let (check, log) = check(&owner, &run).await;
    assert!(log.contains("*** is known"), "{log}");
    assert!(!format!("{log}{check}").contains("s3cr3t"), "{log}{check}");
}

#[tokio::test]
async fn the_policies_of_a_version_are_asked_with_all_their_files() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    versioned(
        &owner,
        &[
            (
                "sentinel.hcl",
                "policy \"names\" {\n source = \"./policies/names.sentinel\"\n \
                 enforcement_level = \"hard-mandatory\"\n params = { most = 3 }\n}\n\
                 policy \"advice\" {\n source = \"./policies/advice.sentinel\"\n}\n\
                 module \"plans\" { source = \"./modules/plans.sentinel\" }",
            ),
            (
                "policies/names.sentinel",
                "import \"plans\"\nparam most\nlong = plans.longer(most)\nprint(long)\n\
                 main = rule { long is empty }",
            ),
            ("policies/advice.sentinel", "main = rule { false }"),
            (
                "modules/plans.sentinel",
                "import \"tfplan/v2\" as tfplan\nlonger = func(most) {\n return keys(filter \
                 tfplan.resource_changes as address, _ { length(address) > most })\n}",
            ),
        ],
    )
    .await;
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let (check, log) = check(&owner, &run).await;
    let result = check.attribute("result");
    assert_eq!((&result["hard-failed"], &result["advisory-failed"]), (&json!(1), &json!(1)));
    assert!(log.contains("[\"terraform_data.a\"]"), "{log}");
    assert!(log.contains("## Policy 1: archive/names (hard-mandatory)"), "{log}");
    assert!(log.contains("## Policy 2: archive/advice (advisory)"), "{log}");
}

#[tokio::test]
async fn policies_know_the_run_and_its_workspace() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let tags = json!({ "data": [{ "type": "tag-bindings", "attributes": { "key": "env", "value": "prod" } }] });
    owner.patch(format!("/workspaces/{}/tag-bindings", ws.id), tags).await.is_ok();
    let variable = json!({ "data": { "type": "vars", "attributes": {
        "key": "region", "value": "eu", "category": "terraform", "sensitive": true,
    } } });
    owner.post(format!("/workspaces/{}/vars", ws.id), variable).await.is_created();
    let code = r#"import "tfrun"
holds = func(name, value) { print(name, value) ; return value }
main = rule {
  holds("message", tfrun.message is "because") and
  holds("organization", tfrun.organization.name is "acme") and
  holds("workspace", tfrun.workspace.name is "networking") and
  holds("created by", tfrun.created_by is "owner") and
  holds("kind", not tfrun.is_destroy and not tfrun.speculative and tfrun.refresh) and
  holds("addresses", tfrun.target_addrs is null and tfrun.replace_addrs is null) and
  holds("variables", tfrun.variables is {"region": {"category": "terraform", "sensitive": true}}) and
  holds("tags", tfrun.workspace.tags is ["env"]) and
  holds("bindings", tfrun.workspace.tag_bindings is [{"key": "env", "value": "prod", "inherited": false}]) and
  holds("cost", (tfrun.cost_estimate else null) is null)
}"#;
    attach(&owner, &ws, "hard-mandatory", code, json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({ "message": "because" }), true).await;
    let (check, log) = check(&owner, &run).await;
    assert_eq!(check.attribute("status"), "passed", "{log}");
}

#[tokio::test]
async fn a_check_that_a_crash_interrupted_is_repeated_once_its_time_is_over() {
    let server = Server::start().await;
    server.stop_clock();
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "hard-mandatory", AGAINST, json!({ "name": "all" })).await;
    upload(&owner, &ws, false).await;
    let made = owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    plan(&agent, true).await;
    let status =
        async || owner.get(format!("/runs/{}", made.id())).await.is_ok().attribute("status");
    // As other servers leave it behind that are killed in the middle.
    for attempts in [1, 3] {
        begin(&server, &made.id(), attempts).await;
        assert_eq!(evaluate(&server).await, 0, "somebody else has it");
        assert_eq!(status().await, "policy_checking");
        server.pass(Duration::from_secs(46));
    }
    assert_eq!(evaluate(&server).await, 1);
    assert_eq!(evaluate(&server).await, 0, "once is enough");
    assert_eq!(status().await, "errored");
    let run = owner.get(format!("/runs/{}", made.id())).await.is_ok();
    let (check, log) = check(&owner, &run).await;
    assert_eq!(check.attribute("status"), "hard_failed");
    assert!(log.contains("never came to an end"), "{log}");
}

/// Marks the stage of a run's check as begun, so often.
async fn begin(server: &Server, run: &str, attempts: i64) {
    let until = server.app.now().plus_seconds(45).0;
    server
        .execute(&format!(
            "UPDATE task_stages SET attempts = {attempts}, leased_until = {until} \
             WHERE run_id = '{run}' AND stage = 'policy_check'"
        ))
        .await;
}

#[tokio::test]
async fn a_run_that_fails_after_its_policies_agreed_is_no_failure_of_policies() {
    let server = Server::start().await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    attach(&owner, &ws, "hard-mandatory", AGREES, json!({ "name": "all" })).await;
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({ "auto-apply": true }))).await.is_created().id();
    server.advance().await;
    plan(&agent, true).await;
    assert_eq!(evaluate(&server).await, 1);
    server.advance().await;
    let job = agent.must_claim().await;
    assert!(job.is_apply());
    job.start().await;
    job.outcome("errored", true).await;
    job.finish().await;
    let run = owner.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(run.attribute("status"), "errored");
    let ws = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(ws.attribute("run-failures"), 1);
    assert_eq!(ws.attribute("policy-check-failures"), 0);
}

#[tokio::test]
async fn a_check_of_a_repository_that_nobody_reads_stops_the_run() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let repo = json!({ "identifier": "acme/policies", "oauth-token-id": "ot-1" });
    let set = policy_sets::body(json!({ "name": "all", "global": true }));
    let set = owner.post("/organizations/acme/policy-sets", set).await.is_created().id();
    connect_policy_set(&server, &set, repo).await;
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let (check, log) = check(&owner, &run).await;
    assert_eq!(check.attribute("status"), "errored");
    assert_eq!(check.attribute("result")["result"], false);
    assert!(log.contains("repository"), "{log}");
}
