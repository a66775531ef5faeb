//! Health: when workspaces are assessed, what is found, who may see it, and how assessments make way for runs.

use std::time::Duration;

use domain::{assessments, row::Workspace};
use serde_json::{Value, json};
use testkit::{Answer, Server};

use crate::{
    agent::{Agent, Job},
    notifications::{Recipient, deliver, loopback},
    runs::{run, upload},
};

const HOUR: Duration = Duration::from_hours(1);

/// An agent that knows assessments.
async fn agent(server: &Server) -> Agent<'_> {
    let body = json!({
        "engines": [{ "kind": "terraform", "version": crate::agent::ENGINE }],
        "abilities": { "jobs": ["plan", "apply", "assessment"] },
    });
    Agent::register_with_abilities(server, "health", &body).await
}

async fn enable(server: &Server, ws: &Workspace) {
    let body = json!({ "data": { "type": "workspaces", "attributes": {
        "assessments-enabled": true, "auto-apply": true } } });
    server.owner().patch(format!("/workspaces/{}", ws.id), body).await.is_ok();
}

/// Plans and applies, which leaves a resource.
async fn apply(server: &Server, agent: &Agent<'_>, ws: &Workspace) {
    let owner = server.owner();
    upload(&owner, ws, false).await;
    let id = owner.post("/runs", run(ws, json!({ "auto-apply": true }))).await.is_created().id();
    server.advance().await;
    agent.must_claim().await.execute().await;
    server.advance().await;
    let apply = agent.must_claim().await;
    assert_eq!(apply.start().await, 204);
    assert_eq!(apply.save_state(1, 1).await, 200);
    assert_eq!(apply.outcome("finished", true).await, 204);
    assert_eq!(apply.finish().await, 204);
    let run = owner.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(run.attribute("status"), "applied");
}

/// A workspace that has been applied and wants to be assessed.
async fn applied(server: &Server, agent: &Agent<'_>, name: &str) -> Workspace {
    let ws = server.workspace(name).await;
    enable(server, &ws).await;
    apply(server, agent, &ws).await;
    ws
}

async fn look(server: &Server) {
    assessments::assess_due(&server.system()).await.unwrap();
}

async fn assess(server: &Server, ws: &Workspace) -> Answer {
    server.owner().post(format!("/workspaces/{}/actions/assess", ws.id), ()).await
}

fn found(drifted: &[&str], checks: Value) -> Value {
    json!({
        "result": "finished", "message": null, "has_changes": false, "counts": {},
        "generated_configuration": false,
        "findings": { "drifted": drifted, "undrifted": 3, "checks": checks },
    })
}

fn check(status: &str) -> Value {
    json!({ "address": "check.health", "kind": "check", "status": status, "problems": ["It is ill."] })
}

/// The whole assessment at once.
async fn end(job: &Job<'_>, outcome: &Value) {
    assert_eq!(job.start().await, 204);
    let line = r#"{"@level":"info","@message":"No changes.","type":"version"}"#;
    assert_eq!(job.log(0, &format!("\u{2}Terraform\n{line}\n\u{3}")).await, 200);
    assert_eq!(job.artifact("json-plan", r#"{"secret":"hunter2"}"#).await, 204);
    assert_eq!(job.report(outcome).await, 204);
    assert_eq!(job.report(outcome).await, 204, "a second report changes nothing");
    assert_eq!(job.finish().await, 204);
}

async fn workspace(server: &Server, ws: &Workspace) -> Answer {
    server.owner().get(format!("/workspaces/{}", ws.id)).await.is_ok()
}

#[tokio::test]
async fn what_an_assessment_finds_is_shown_to_those_who_may_see_it() {
    let server = Server::start().await;
    let agent = agent(&server).await;
    let ws = applied(&server, &agent, "networking").await;
    let current = format!("/workspaces/{}/current-assessment-result", ws.id);
    server.owner().get(&current).await.is_not_found();
    assert_eq!(workspace(&server, &ws).await.attribute("last-assessment-result-at"), Value::Null);

    let asked = assess(&server, &ws).await.is_ok();
    assert_eq!(asked.id(), ws.id.as_str());
    let again = assess(&server, &ws).await.is_conflict();
    assert!(again.text().contains("an assessment is under way already"), "{again}");
    let job = agent.must_claim().await;
    assert_eq!(job.json["phase"], "assessment");
    assert!(job.run().starts_with("asmt-"), "{}", job.run());
    for there in ["configuration_url", "state_url"] {
        assert!(job.json[there].is_string(), "{there}");
    }
    assert_eq!(job.json["structured_output"], true);
    assert_eq!(workspace(&server, &ws).await.attribute("locked"), false);
    let checks = json!([check("fail"), { "address": "var.size", "kind": "var", "status": "pass" }]);
    end(&job, &found(&["terraform_data.a"], checks)).await;

    let shown = server.reader(&ws).get(&current).await.is_ok();
    for (name, value) in [
        ("succeeded", json!(true)),
        ("drifted", json!(true)),
        ("all-checks-succeeded", json!(false)),
        ("resources-drifted", json!(1)),
        ("resources-undrifted", json!(3)),
        ("checks-passed", json!(0)),
        ("checks-failed", json!(1)),
        ("checks-errored", json!(0)),
        ("checks-unknown", json!(0)),
        ("error-message", Value::Null),
    ] {
        assert_eq!(shown.attribute(name), value, "{name}");
    }
    let result = format!("/assessment-results/{}", shown.id());
    server.stranger().get(&result).await.is_not_found();
    let with = format!("/workspaces/{}?include=current_assessment_result", ws.id);
    let with = server.owner().get(with).await.is_ok();
    assert_eq!(with.json()["included"][0]["id"], shown.id());
    assert_eq!(with.attribute("last-assessment-result-at"), shown.attribute("created-at"));

    // What shows values of the state is for admins, and for no organization's token.
    let output = format!("{result}/json-output");
    for who in [server.reader(&ws), server.writer(&ws), server.organization_token()] {
        who.get(&output).await.is_not_found();
        who.get(format!("{result}/log-output")).await.is_not_found();
    }
    let address = server.admin_of(&ws).get(&output).await;
    let address = address.headers["location"].to_str().unwrap().to_owned();
    assert!(server.nobody().get(&address).await.is_ok().text().contains("hunter2"));
    assert!(server.everything().await.contains("plan_json_read"), "who reads it is written down");
    server.owner().get(format!("{result}/json-schema")).await.is_not_found();
    let log = server.owner().get(format!("{result}/log-output")).await.is_ok();
    assert!(log.text().starts_with("{\"@level\""), "{log}");
    let tail = server.owner().get(format!("{result}/log-output?tail=true&limit=4")).await.is_ok();
    assert_eq!(tail.text(), "n\"}\n");
    let rest = format!("{result}/log-output?offset={}", log.text().len() - 4);
    assert_eq!(server.owner().get(rest).await.is_ok().text(), "n\"}\n");
    server.owner().get(format!("{result}/log-output?limit=x")).await.is_bad_request();

    let ill = "/organizations/acme/workspaces?filter[unhealthy]=true";
    assert_eq!(server.owner().get(ill).await.is_ok().attributes("name"), ["networking"]);
    assert_eq!(assess(&server, &ws).await.status, 200);
    end(&agent.must_claim().await, &found(&[], json!([check("pass")]))).await;
    assert_eq!(server.owner().get(ill).await.is_ok().data(), json!([]));
    let now = server.owner().get(&current).await.is_ok();
    assert_eq!(now.attribute("all-checks-succeeded"), true);
    assert_eq!(server.owner().get(&result).await.is_ok().attribute("drifted"), true);
}

#[tokio::test]
async fn assessments_are_due_an_interval_after_an_apply_or_a_result() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = agent(&server).await;
    let ws = applied(&server, &agent, "networking").await;
    let other = server.workspace("other").await;
    server
        .owner()
        .patch(
            format!("/workspaces/{}", other.id),
            json!({ "data": {
        "type": "workspaces", "attributes": { "auto-apply": true } } }),
        )
        .await
        .is_ok();
    apply(&server, &agent, &other).await;
    server.workspace("never-applied").await;
    look(&server).await;
    server.pass(HOUR * 23);
    is_heard_of(&agent).await;
    look(&server).await;
    assert!(agent.claim().await.is_none(), "the interval is not over");
    server.pass(HOUR);
    is_heard_of(&agent).await;
    look(&server).await;
    look(&server).await;
    let job = agent.must_claim().await;
    assert_eq!(job.json["workspace"], "networking");
    end(&job, &found(&[], Value::Null)).await;
    assert!(agent.claim().await.is_none(), "nobody wants the other one assessed");
    let shown =
        server.owner().get(format!("/workspaces/{}/current-assessment-result", ws.id)).await;
    assert_eq!(shown.attribute("checks-passed"), Value::Null, "the engine knows no checks");

    // An organization that enforces them is stronger than its workspaces. Those that have waited longest come first,
    // and no more than the site lets.
    let enforce = json!({ "data": { "type": "organizations", "attributes": { "assessments-enforced": true } } });
    server.owner().patch("/organizations/acme", enforce).await.is_ok();
    let one = json!({ "data": { "type": "general-settings", "attributes": { "assessments-at-once": 1 } } });
    server.site_admin().patch("/admin/general-settings", one).await.is_ok();
    server.pass(HOUR * 24);
    is_heard_of(&agent).await;
    look(&server).await;
    look(&server).await;
    let job = agent.must_claim().await;
    assert_eq!(job.json["workspace"], "other", "it has never been assessed");
    assert!(agent.claim().await.is_none(), "one at a time");
    end(&job, &found(&[], json!([]))).await;
    look(&server).await;
    end(&agent.must_claim().await, &found(&[], json!([]))).await;

    // A plan that fails keeps its workspace from being assessed until one succeeds.
    server.pass(HOUR * 24);
    is_heard_of(&agent).await;
    let plan = run(&ws, json!({ "plan-only": true }));
    server.owner().post("/runs", plan).await.is_created();
    server.advance().await;
    let job = agent.must_claim().await;
    job.start().await;
    assert_eq!(job.outcome("errored", false).await, 204);
    let refused = assess(&server, &ws).await.is_conflict();
    assert!(refused.text().contains("its last run is errored"), "{refused}");
    look(&server).await;
    assert_eq!(agent.must_claim().await.json["workspace"], "other");
    assert!(agent.claim().await.is_none());
}

#[tokio::test]
async fn what_cannot_be_assessed_keeps_nobody_behind_it_from_their_turn() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = agent(&server).await;
    let one = json!({ "data": { "type": "general-settings", "attributes": { "assessments-at-once": 1 } } });
    server.site_admin().patch("/admin/general-settings", one).await.is_ok();
    let last = applied(&server, &agent, "last").await;
    assess(&server, &last).await.is_ok();
    end(&agent.must_claim().await, &found(&[], json!([]))).await;
    // These have never been assessed, and come first.
    for number in 0..6 {
        let ws = applied(&server, &agent, &format!("ill-{number}")).await;
        let plan = run(&ws, json!({ "plan-only": true }));
        server.owner().post("/runs", plan).await.is_created();
        server.advance().await;
        let job = agent.must_claim().await;
        job.start().await;
        assert_eq!(job.outcome("errored", false).await, 204);
    }
    server.pass(HOUR * 24);
    is_heard_of(&agent).await;
    look(&server).await;
    assert_eq!(agent.must_claim().await.json["workspace"], "last");
}

/// It has nothing to do, but was heard of a moment ago.
async fn is_heard_of(agent: &Agent<'_>) {
    assert!(agent.claim().await.is_none());
}

#[tokio::test]
async fn what_nobody_can_do_is_not_begun_by_itself_and_given_up_when_asked_for() {
    let server = Server::start().await;
    server.stop_clock();
    let old = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let refused = assess(&server, &ws).await.is_conflict();
    assert!(refused.text().contains("switched off"), "{refused}");
    enable(&server, &ws).await;
    let refused = assess(&server, &ws).await.is_conflict();
    assert!(refused.text().contains("no run has been applied yet"), "{refused}");
    apply(&server, &old, &ws).await;
    server.pass(HOUR * 25);
    is_heard_of(&old).await;
    look(&server).await;
    assess(&server, &ws).await.is_ok();
    assert!(old.claim().await.is_none(), "it knows no assessments");
    server.pass(HOUR * 2);
    look(&server).await;
    assess(&server, &ws).await.is_ok();
}

#[tokio::test]
async fn an_assessment_makes_way_for_a_run_whenever_that_comes() {
    let server = Server::start().await;
    let agent = agent(&server).await;
    let ws = applied(&server, &agent, "networking").await;
    let owner = server.owner();
    let current = format!("/workspaces/{}/current-assessment-result", ws.id);
    for moment in ["queued", "claimed", "running", "finished"] {
        assess(&server, &ws).await.is_ok();
        let job = if moment == "queued" { None } else { Some(agent.must_claim().await) };
        if let Some(job) = &job {
            match moment {
                "running" => assert_eq!(job.start().await, 204),
                "finished" => end(job, &found(&[], json!([]))).await,
                _ => {}
            }
        }
        let new = run(&ws, json!({ "plan-only": true }));
        let id = owner.post("/runs", new).await.is_created().id();
        if let Some(job) = job.filter(|_| moment != "finished") {
            assert_eq!(job.start().await, 410, "{moment}");
            assert_eq!(job.artifact("json-plan", "{}").await, 410, "{moment}");
            assert_eq!(job.report(&found(&["a.b"], json!([]))).await, 410, "{moment}");
        }
        let has_result = owner.get(&current).await.status == 200;
        assert_eq!(has_result, moment == "finished", "{moment}");
        server.advance().await;
        let plan = agent.must_claim().await;
        assert_eq!((plan.run(), &plan.json["phase"]), (id.as_str(), &json!("plan")), "{moment}");
        plan.execute().await;
        assert!(agent.claim().await.is_none(), "{moment}");
    }
}

#[tokio::test]
async fn an_agent_that_is_lost_is_replaced_and_then_given_up() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = agent(&server).await;
    let ws = applied(&server, &agent, "networking").await;
    assess(&server, &ws).await.is_ok();
    for _ in 0..3 {
        let job = agent.must_claim().await;
        assert_eq!(job.start().await, 204);
        server.pass(HOUR);
        domain::agents::sweep(&server.system()).await.unwrap();
        assert_eq!(job.finish().await, 410);
    }
    assert!(agent.claim().await.is_none());
    let shown =
        server.owner().get(format!("/workspaces/{}/current-assessment-result", ws.id)).await;
    assert_eq!(shown.attribute("succeeded"), false);
    assert_eq!(shown.attribute("error-message"), "The agent that was assessing was lost.");
    assert_eq!(shown.attribute("resources-drifted"), Value::Null);
}

#[tokio::test]
async fn those_who_want_to_know_are_told_what_is_news() {
    let server = Server::start_with(loopback).await;
    server.stop_clock();
    let agent = agent(&server).await;
    let ws = applied(&server, &agent, "networking").await;
    let recipient = Recipient::new().await;
    let triggers = ["assessment:drifted", "assessment:check_failure", "assessment:failed"];
    let body = json!({ "data": { "type": "notification-configurations", "attributes": {
        "name": "health", "destination-type": "generic", "enabled": true,
        "url": recipient.url, "triggers": triggers,
    } } });
    let path = format!("/workspaces/{}/notification-configurations", ws.id);
    server.owner().post(path, body).await.is_created();
    recipient.take().await;
    let failed = json!({
        "result": "errored", "message": "The provider is away.", "has_changes": false,
        "counts": {}, "generated_configuration": false,
    });
    for (days, outcome, told) in [
        (0, found(&["a.one"], json!([check("fail")])), vec![triggers[0], triggers[1]]),
        (6, found(&["a.one"], json!([check("fail")])), vec![]),
        // What is still so a week later is told again, once.
        (1, found(&["a.one"], json!([check("fail")])), vec![triggers[0], triggers[1]]),
        (1, found(&["a.one"], json!([check("fail")])), vec![]),
        (0, found(&["a.two"], json!([check("pass")])), vec![triggers[0]]),
        (6, found(&["a.two"], json!([check("fail")])), vec![triggers[1]]),
        (1, found(&["a.two"], json!([check("fail")])), vec![triggers[0]]),
        (0, failed.clone(), vec![triggers[2]]),
        (0, failed, vec![]),
        (0, found(&[], json!([])), vec![]),
    ] {
        server.pass(HOUR * 24 * days);
        is_heard_of(&agent).await;
        assess(&server, &ws).await.is_ok();
        let job = agent.must_claim().await;
        job.start().await;
        assert_eq!(job.report(&outcome).await, 204);
        deliver(&server).await;
        let heard = recipient.take().await;
        let mut heard_of: Vec<_> =
            heard.iter().map(|it| it["trigger"].as_str().unwrap().to_owned()).collect();
        heard_of.sort();
        let mut told = told;
        told.sort_unstable();
        assert_eq!(heard_of, told);
        for message in heard {
            let details = &message["details"];
            assert_eq!(message["payload_version"], "2");
            assert_eq!(message["trigger_scope"], "assessment");
            assert_eq!(details["workspace_name"], "networking");
            let new = details["new_assessment_result"]["id"].as_str().unwrap();
            server.owner().get(format!("/assessment-results/{new}")).await.is_ok();
        }
    }
}
