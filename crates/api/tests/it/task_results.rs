//! What run tasks do to runs: they are asked, come back, take their time, or say nothing.

use std::time::Duration;

use domain::{row::Workspace, task_results};
use serde_json::{Value, json};
use testkit::{Answer, Client, Server, world::resource};

use crate::{
    agent::Agent,
    notifications::{Recipient, crypto_of, loopback},
    policies_in_runs,
    run_tasks::{attach, task},
    runs::{run, upload},
};

const MINUTE: Duration = Duration::from_mins(1);

/// A service that a workspace's run task asks; its trial is not counted.
struct Service {
    recipient: Recipient,
    task: String,
    heard: usize,
}

impl Service {
    async fn named(owner: &Client<'_>, name: &str, codes: &'static [u16]) -> Self {
        let recipient = Recipient::answering(codes).await;
        let made = owner.post("/organizations/acme/tasks", task(name, &recipient.url)).await;
        Self { recipient, task: made.is_created().id(), heard: 1 }
    }

    /// What it was asked since the last look.
    async fn questions(&mut self, server: &Server) -> Vec<Value> {
        task_results::deliveries().finish(&server.system()).await.unwrap();
        let heard = self.recipient.heard().await;
        let new = heard.iter().skip(self.heard).map(|one| {
            assert_eq!(one.signature.as_deref(), Some(crypto_of("hunter2", &one.body).as_str()));
            one.json()
        });
        let new = new.collect();
        self.heard = heard.len();
        new
    }

    async fn question(&mut self, server: &Server) -> Value {
        let mut new = self.questions(server).await;
        assert_eq!(new.len(), 1, "{new:?}");
        new.remove(0)
    }
}

pub fn said(status: &str) -> Value {
    resource("task-results", &json!({ "status": status, "message": format!("it {status}") }))
}

/// Comes back to a question.
pub async fn answer(server: &Server, question: &Value, body: Value) -> Answer {
    let token = question["access_token"].as_str().unwrap();
    let address = question["task_result_callback_url"].as_str().unwrap();
    let (_, path) = address.split_once("/api/v2").unwrap();
    server.bearer(token).patch(path, body).await
}

async fn queue(server: &Server, ws: &Workspace, attributes: Value) -> String {
    let owner = server.owner();
    upload(&owner, ws, false).await;
    owner.post("/runs", run(ws, attributes)).await.is_created().id()
}

async fn status(server: &Server, run: &str) -> Value {
    server.owner().get(format!("/runs/{run}")).await.is_ok().attribute("status")
}

/// The results of a run's only stage, or of one of them.
async fn results(server: &Server, run: &str) -> Vec<Value> {
    let stages =
        server.owner().get(format!("/runs/{run}/task-stages?include=task_results")).await.is_ok();
    stages.json()["included"].as_array().cloned().unwrap_or_default()
}

async fn only_result(server: &Server, run: &str) -> Value {
    let mut all = results(server, run).await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)["attributes"].take()
}

#[tokio::test]
async fn a_run_task_is_asked_in_each_of_its_stages_and_the_run_waits_for_it() {
    let server = Server::start_with(loopback).await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let mut service = Service::named(&owner, "scan", &[]).await;
    let stages = ["pre_plan", "post_plan", "pre_apply", "post_apply"];
    let attached = attach(&owner, &ws, &service.task, &stages, "mandatory").await;
    let id = queue(&server, &ws, json!({ "auto-apply": true, "message": "New cables" })).await;
    let shown = owner.get(format!("/runs/{id}?include=task_stages")).await.is_ok();
    assert_eq!(shown.json()["included"].as_array().unwrap().len(), 4, "known from the start");
    for stage in stages {
        server.advance().await;
        if matches!(stage, "post_plan" | "post_apply") {
            agent.must_claim().await.execute().await;
        }
        assert_eq!(status(&server, &id).await, format!("{stage}_running"));
        server.advance().await;
        assert!(agent.claim().await.is_none(), "{stage}: nothing goes on");
        let asked = service.question(&server).await;
        assert_eq!(asked["stage"], stage);
        assert_eq!(asked["run_id"], json!(id));
        assert_eq!(asked["workspace_id"], ws.id.as_str());
        assert_eq!(asked["run_message"], "New cables");
        assert_eq!(asked["task_result_enforcement_level"], "mandatory");
        assert_eq!(asked["is_speculative"], false);
        assert_eq!(asked["capabilities"]["outcomes"], true);
        assert_eq!(asked["plan_json_api_url"].is_null(), stage == "pre_plan");
        assert!(asked["configuration_version_download_url"].is_string());
        assert!(service.questions(&server).await.is_empty(), "{stage}: asked once");
        answer(&server, &asked, said("passed")).await.is_ok();
    }
    assert_eq!(status(&server, &id).await, "applied");
    for result in results(&server, &id).await {
        let result = &result["attributes"];
        assert_eq!(
            (&result["status"], &result["message"]),
            (&json!("passed"), &json!("it passed"))
        );
        assert_eq!(result["workspace-task-id"], attached);
        assert_eq!(result["task-name"], "scan");
        for key in ["pending-at", "running-at", "passed-at"] {
            assert!(result["status-timestamps"][key].is_string(), "{key}: {result}");
        }
    }
    let kept = server.everything().await;
    assert!(!kept.contains("hunter2"), "keys are sealed");
}

#[tokio::test]
async fn agents_bring_the_documents_of_a_plan_before_its_end_where_the_run_waits_for_them() {
    let server = Server::start_with(loopback).await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let service = Service::named(&owner, "scan", &[]).await;
    for (stage, is_read) in [("post_plan", true), ("pre_apply", false)] {
        let ws = server.workspace(&stage.replace('_', "-")).await;
        attach(&owner, &ws, &service.task, &[stage], "advisory").await;
        queue(&server, &ws, json!({})).await;
        server.advance().await;
        let job = agent.must_claim().await;
        assert_eq!(job.json["options"]["documents_first"], is_read, "{stage}");
    }
}

#[tokio::test]
async fn what_is_mandatory_stops_a_run_and_what_is_advisory_does_not() {
    let server = Server::start_with(loopback).await;
    server.stop_clock();
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let mut service = Service::named(&owner, "scan", &[]).await;
    for (number, (stage, level, ends, stage_is)) in [
        ("pre_plan", "mandatory", "errored", "failed"),
        ("pre_plan", "advisory", "applied", "passed"),
        ("post_plan", "mandatory", "errored", "failed"),
        ("post_plan", "advisory", "applied", "passed"),
        ("pre_apply", "mandatory", "errored", "failed"),
        ("pre_apply", "advisory", "applied", "passed"),
        // What was done is done.
        ("post_apply", "mandatory", "applied", "failed"),
        ("post_apply", "advisory", "applied", "passed"),
    ]
    .into_iter()
    .enumerate()
    {
        let case = format!("{stage} {level}");
        let ws = server.workspace(&format!("number-{number}")).await;
        attach(&owner, &ws, &service.task, &[stage], level).await;
        let id = queue(&server, &ws, json!({ "auto-apply": true })).await;
        for _ in 0..4 {
            server.advance().await;
            if let Some(job) = agent.claim().await {
                job.execute().await;
            }
            for asked in service.questions(&server).await {
                answer(&server, &asked, said("failed")).await.is_ok();
            }
        }
        if (stage, ends) == ("pre_apply", "errored") {
            let held_back = status(&server, &id).await;
            assert_eq!(held_back, "pre_apply_running", "until command lines look");
        }
        server.pass(Duration::from_secs(3));
        domain::task_stages::advance_all(&server.system()).await.unwrap();
        assert_eq!(status(&server, &id).await, ends, "{case}");
        let shown = owner.get(format!("/runs/{id}/task-stages")).await.is_ok();
        assert_eq!(shown.attributes("status"), [stage_is], "{case}");
        let result = only_result(&server, &id).await;
        assert_eq!(result["status"], "failed", "{case}");
        assert_eq!(result["workspace-task-enforcement-level"], level, "{case}");
        let shown = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
        assert_eq!(shown.attribute("policy-check-failures"), 0, "{case}: no policy has failed");
    }
}

#[tokio::test]
async fn all_of_a_stage_are_asked_at_once_and_policies_after_them() {
    let server = Server::start_with(loopback).await;
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let mut first = Service::named(&owner, "first", &[]).await;
    let mut second = Service::named(&owner, "second", &[]).await;
    attach(&owner, &ws, &first.task, &["post_plan"], "mandatory").await;
    attach(&owner, &ws, &second.task, &["post_plan"], "advisory").await;
    let set = json!({ "name": "all" });
    policies_in_runs::attach(&owner, &ws, "mandatory", policies_in_runs::FOR, set).await;
    let id = queue(&server, &ws, json!({})).await;
    server.advance().await;
    policies_in_runs::plan(&agent, true).await;
    let asked = (first.question(&server).await, second.question(&server).await);
    answer(&server, &asked.1, said("failed")).await.is_ok();
    assert_eq!(status(&server, &id).await, "post_plan_running", "one is still at it");
    assert_eq!(policies_in_runs::evaluate(&server).await, 0, "policies wait for run tasks");
    answer(&server, &asked.0, said("passed")).await.is_ok();
    assert_eq!(status(&server, &id).await, "post_plan_running");
    assert_eq!(policies_in_runs::evaluate(&server).await, 1);
    assert_eq!(status(&server, &id).await, "post_plan_completed");
    let shown = owner.get(format!("/runs/{id}/task-stages")).await.is_ok();
    assert_eq!(shown.attributes("status"), ["passed"]);
}

#[tokio::test]
async fn the_token_shows_what_the_question_is_about_and_nothing_else() {
    let server = Server::start_with(loopback).await;
    server.stop_clock();
    let owner = server.owner();
    let agent = Agent::register(&server).await;
    let (ws, other) = (server.workspace("networking").await, server.workspace("storage").await);
    let mut service = Service::named(&owner, "scan", &[]).await;
    attach(&owner, &ws, &service.task, &["post_plan"], "advisory").await;
    let mut plans = Vec::new();
    let mut configurations = Vec::new();
    for ws in [&other, &ws, &ws] {
        let id = queue(&server, ws, json!({})).await;
        server.advance().await;
        policies_in_runs::plan(&agent, true).await;
        let shown = owner.get(format!("/runs/{id}")).await.is_ok();
        plans.push(shown.related("plan"));
        configurations.push(shown.related("configuration-version"));
        if ws.id != other.id && plans.len() == 2 {
            let asked = service.question(&server).await;
            answer(&server, &asked, said("passed")).await.is_ok();
            let discard = format!("/runs/{id}/actions/discard");
            owner.post(discard, json!({})).await.is_accepted();
        }
    }
    let asked = service.question(&server).await;
    let bearer = server.bearer(asked["access_token"].as_str().unwrap());
    let path = |name: &str| {
        let address = asked[name].as_str().unwrap();
        address.split_once("/api/v2").unwrap().1.to_owned()
    };
    let download = async |path: String| {
        let address = bearer.get(path).await.redirects();
        let (_, path) = address.split_once("/_archivist").unwrap();
        let path = format!("/_archivist{path}");
        (server.nobody().get(&path).await.is_ok(), path)
    };
    let (plan, address) = download(path("plan_json_api_url")).await;
    assert_eq!(plan.text(), policies_in_runs::PLAN);
    download(path("configuration_version_download_url")).await;
    let read = server.everything().await;
    assert!(read.contains("plan_json_read") && read.contains("run-task"), "it is told who read it");
    for forbidden in [
        format!("/plans/{}/json-output", plans[0]),
        format!("/plans/{}/json-output", plans[1]),
        format!("/plans/{}/json-schema", plans[2]),
        format!("/plans/{}", plans[2]),
        format!("/configuration-versions/{}/download", configurations[0]),
        format!("/configuration-versions/{}/download", configurations[1]),
        format!("/configuration-versions/{}", configurations[2]),
        format!("/runs/{}", asked["run_id"].as_str().unwrap()),
        format!("/workspaces/{}", ws.id),
        format!("/workspaces/{}/current-state-version", ws.id),
        format!("/task-results/{}", asked["task_result_id"].as_str().unwrap()),
        "/organizations/acme".to_owned(),
        "/account/details".to_owned(),
    ] {
        let answer = bearer.get(&forbidden).await;
        assert!(!answer.status.is_success(), "{forbidden}: {answer}");
    }
    answer(&server, &asked, said("passed")).await.is_ok();
    bearer.get(path("plan_json_api_url")).await.redirects();
    server.pass(MINUTE);
    bearer.get(path("plan_json_api_url")).await.is_unauthorized();
    server.nobody().get(&address).await.is_not_found();
    answer(&server, &asked, said("passed")).await.is_unauthorized();
}

/// The same with outcomes.
fn found(status: &str, outcomes: Value) -> Value {
    let mut body = said(status);
    body["data"]["relationships"] = json!({ "outcomes": { "data": outcomes } });
    body
}

#[tokio::test]
async fn what_a_run_task_says_is_checked_and_kept() {
    let server = Server::start_with(loopback).await;
    let owner = server.owner();
    let _agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let mut service = Service::named(&owner, "scan", &[]).await;
    attach(&owner, &ws, &service.task, &["pre_plan"], "mandatory").await;
    let id = queue(&server, &ws, json!({})).await;
    server.advance().await;
    let asked = service.question(&server).await;
    let result = asked["task_result_id"].as_str().unwrap().to_owned();
    owner.get(format!("/task-results/{result}/body")).await.is_not_found();
    let callback = format!("/task-results/{result}/callback");
    for (attributes, culprit) in [
        (json!({}), "attributes/status"),
        (json!({ "status": "pending" }), "attributes/status"),
        (json!({ "status": 7 }), "attributes/status"),
        (json!({ "status": "running", "url": "javascript:alert(1)" }), "attributes/url"),
        (json!({ "status": "running", "message": "x".repeat(10_001) }), "attributes/message"),
    ] {
        let wrong = answer(&server, &asked, resource("task-results", &attributes)).await;
        wrong.is_unprocessable(&format!("/data/{culprit}"));
    }
    for kind in [json!("runs"), json!("task_results"), json!(""), json!(null), json!(7)] {
        let mut wrong = said("passed");
        wrong["data"]["type"] = kind;
        answer(&server, &asked, wrong).await.is_unprocessable("/data/type");
    }
    let one =
        |attributes: Value| json!([{ "type": "task-result-outcomes", "attributes": attributes }]);
    let good = json!({
        "outcome-id": "X-1", "description": "An open port", "body": "# All of it",
        "url": "https://example.com/x", "tags": { "Severity": [{ "label": "High", "level": "error" }] },
    });
    for (name, value) in [
        ("outcome-id", json!(null)),
        ("description", json!("")),
        ("description", json!("x".repeat(501))),
        ("url", json!("ftp://example.com")),
        ("body", json!("x".repeat((5 << 20) + 1))),
        ("tags", json!({ "Severity": [{ "label": "x".repeat(256) }] })),
    ] {
        let mut wrong = good.clone();
        wrong[name] = value;
        let pointer = format!("/data/relationships/outcomes/data/0/attributes/{name}");
        answer(&server, &asked, found("running", one(wrong))).await.is_unprocessable(&pointer);
    }
    server.nobody().patch(&callback, said("passed")).await.is_unauthorized();
    server.bearer("wrong").patch(&callback, said("passed")).await.is_unauthorized();
    owner.patch(&callback, said("passed")).await.is_not_found();
    let bearer = server.bearer(asked["access_token"].as_str().unwrap());
    bearer.patch("/task-results/taskrs-none/callback", said("passed")).await.is_not_found();
    assert_eq!(only_result(&server, &id).await["message"], Value::Null, "nothing was kept");

    answer(&server, &asked, found("running", one(good.clone()))).await.is_ok();
    let mut again = good;
    again["description"] = json!("Two open ports");
    again["body"] = json!("<b>More</b>");
    answer(&server, &asked, found("running", one(again))).await.is_ok();
    let older = json!({ "status": "running", "outcomes": one(json!({ "outcome-id": "X-2", "description": "y" })) });
    answer(&server, &asked, resource("task-results", &older)).await.is_ok();
    let shown =
        owner.get(format!("/task-results/{result}?include=task-result-outcomes")).await.is_ok();
    assert_eq!(shown.attribute("task-result-outcomes-count"), 2);
    assert_eq!(shown.attribute("message"), "it running", "what is not said again stays");
    let outcomes = owner.get(format!("/task-results/{result}/outcomes")).await.is_ok();
    assert_eq!(shown.json()["included"].as_array().unwrap().len(), 2);
    assert_eq!(outcomes.attributes("description"), ["Two open ports", "y"]);
    let first = &outcomes.data()[0];
    assert_eq!(first["attributes"]["tags"][0]["label"], "Severity");
    assert_eq!(first["attributes"]["tags"][0]["value"][0]["level"], "error");
    let path = format!("/task-result-outcomes/{}", first["id"].as_str().unwrap());
    assert_eq!(owner.get(&path).await.is_ok().data(), *first);
    let text = server.reader(&ws).get(format!("{path}/body")).await.is_ok();
    assert_eq!(text.text(), "<b>More</b>");
    assert_eq!(text.header("content-type"), "text/markdown; charset=utf-8");
    server.member().get(format!("{path}/body")).await.is_not_found();
    let body = format!("/task-results/{result}/body");
    let all = server.reader(&ws).get(&body).await.is_ok();
    assert_eq!(all.text(), "# Two open ports\n\n<b>More</b>\n\n");
    assert_eq!(all.header("content-type"), "text/markdown; charset=utf-8");
    server.member().get(&body).await.is_not_found();
    let bare = outcomes.data()[1]["id"].as_str().unwrap().to_owned();
    owner.get(format!("/task-result-outcomes/{bare}/body")).await.is_not_found();
    assert!(!server.everything().await.contains("<b>More</b>"), "texts are sealed");

    let many = (0..200)
        .map(|n| json!({ "attributes": { "outcome-id": n.to_string(), "description": "x" } }));
    let too_many = answer(&server, &asked, found("running", many.collect())).await;
    too_many.is_unprocessable("/data/relationships/outcomes");
    answer(&server, &asked, said("passed")).await.is_ok();
    assert_eq!(status(&server, &id).await, "pre_plan_completed");
    for status in ["running", "passed", "failed"] {
        answer(&server, &asked, said(status)).await.is_conflict();
    }
}

#[tokio::test]
async fn what_a_service_writes_is_shown_as_far_as_it_can_be_and_not_taken_without_end() {
    let server = Server::start_with(loopback).await;
    let owner = server.owner();
    let _agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let mut service = Service::named(&owner, "scan", &[]).await;
    attach(&owner, &ws, &service.task, &["pre_plan"], "mandatory").await;
    let id = queue(&server, &ws, json!({})).await;
    server.advance().await;
    let asked = service.question(&server).await;
    let result = asked["task_result_id"].as_str().unwrap();
    let mut coloured = found(
        "running",
        json!([{ "type": "task-result-outcomes", "attributes": {
            "outcome-id": "X-3", "description": "\u{1b}[31mopen\u{1b}[0m\nto all",
            "tags": { "Severity": [{ "label": "\u{26a0}\u{fe0f} High\u{200b}" }] },
        } }]),
    );
    coloured["data"]["attributes"]["message"] =
        json!("\u{feff}\u{1b}[1m3\u{1b}[0m found \u{26a0}\u{fe0f}");
    answer(&server, &asked, coloured).await.is_ok();
    let kept = only_result(&server, &id).await;
    assert_eq!(kept["message"], "\\u{feff}3 found \u{26a0}\u{fe0f}");
    let outcomes = server.reader(&ws).get(format!("/task-results/{result}/outcomes")).await.is_ok();
    let outcome = outcomes.data()[0]["attributes"].clone();
    assert_eq!(outcome["description"], "open to all");
    assert_eq!(outcome["tags"][0]["value"][0]["label"], "\u{26a0}\u{fe0f} High\\u{200b}");

    // Of very many none is written first: who writes waits for whoever does.
    let one = json!({ "attributes": { "outcome-id": "the same", "description": "x" } });
    let before = server.row_counts().await;
    let flood = answer(&server, &asked, found("running", vec![one; 5_000].into())).await;
    flood.is_unprocessable("/data/relationships/outcomes");
    assert_eq!(server.row_counts().await, before);
}

#[tokio::test]
async fn a_run_task_that_says_nothing_is_given_up_after_ten_minutes_and_any_after_an_hour() {
    let server = Server::start_with(loopback).await;
    server.stop_clock();
    let owner = server.owner();
    let _agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let mut service = Service::named(&owner, "scan", &[]).await;
    attach(&owner, &ws, &service.task, &["pre_plan"], "mandatory").await;
    let give_up = async || task_results::give_up_silent(&server.system()).await.unwrap();

    let id = queue(&server, &ws, json!({})).await;
    server.advance().await;
    let asked = service.question(&server).await;
    server.pass(9 * MINUTE);
    assert_eq!(give_up().await, 0);
    answer(&server, &asked, said("running")).await.is_ok();
    server.pass(9 * MINUTE);
    assert_eq!(give_up().await, 0, "each word gives it its time again");
    server.pass(MINUTE);
    assert_eq!(give_up().await, 1);
    let result = only_result(&server, &id).await;
    assert_eq!(result["status"], "errored");
    assert!(result["message"].as_str().unwrap().contains("10 minutes"), "{result}");
    assert_eq!(status(&server, &id).await, "errored");
    answer(&server, &asked, said("passed")).await.is_conflict();

    // Nothing was heard of it meanwhile.
    Agent::register(&server).await;
    let id = queue(&server, &ws, json!({})).await;
    server.advance().await;
    let asked = service.question(&server).await;
    for _ in 0..7 {
        server.pass(8 * MINUTE);
        assert_eq!(give_up().await, 0);
        answer(&server, &asked, said("running")).await.is_ok();
    }
    server.pass(4 * MINUTE);
    assert_eq!(give_up().await, 1);
    let result = only_result(&server, &id).await;
    assert!(result["message"].as_str().unwrap().contains("60 minutes"), "{result}");
    assert_eq!(status(&server, &id).await, "errored");
}

#[tokio::test]
async fn nobody_is_silent_who_was_not_asked_yet() {
    let server = Server::start_with(loopback).await;
    server.stop_clock();
    let owner = server.owner();
    let _agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let mut service = Service::named(&owner, "scan", &[]).await;
    attach(&owner, &ws, &service.task, &["pre_plan"], "mandatory").await;
    let give_up = async || task_results::give_up_silent(&server.system()).await.unwrap();

    let id = queue(&server, &ws, json!({})).await;
    server.advance().await;
    // As long as a server is away that was about to ask.
    server.pass(20 * MINUTE);
    assert_eq!(give_up().await, 0);
    service.question(&server).await;
    server.pass(9 * MINUTE);
    assert_eq!(give_up().await, 0);
    server.pass(MINUTE);
    assert_eq!(give_up().await, 1);
    assert_eq!(status(&server, &id).await, "errored");
}

#[tokio::test]
async fn a_service_that_does_not_take_a_question_is_asked_again_and_then_given_up() {
    let server = Server::start_with(loopback).await;
    server.stop_clock();
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let codes = &[200, 503, 429, 200, 500, 500, 500, 500, 500, 403];
    let mut service = Service::named(&owner, "scan", codes).await;
    attach(&owner, &ws, &service.task, &["pre_plan"], "advisory").await;
    let next = async || {
        Agent::register(&server).await;
        let id = queue(&server, &ws, json!({})).await;
        server.advance().await;
        id
    };
    let id = next().await;
    let first = service.question(&server).await;
    assert!(service.questions(&server).await.is_empty(), "not at once");
    for _ in 0..2 {
        server.pass(MINUTE);
        assert_eq!(service.question(&server).await, first, "the same question");
    }
    server.pass(5 * MINUTE);
    assert!(service.questions(&server).await.is_empty(), "it has taken it");
    answer(&server, &first, said("passed")).await.is_ok();
    owner.post(format!("/runs/{id}/actions/cancel"), json!({})).await.is_accepted();

    let id = next().await;
    for pause in [2, 5, 15, 30, 0] {
        assert_eq!(only_result(&server, &id).await["status"], "running", "before {pause}");
        service.question(&server).await;
        server.pass(Duration::from_millis(pause * 700));
        assert!(service.questions(&server).await.is_empty(), "{pause} are not over");
        server.pass(Duration::from_millis(pause * 300));
    }
    let result = only_result(&server, &id).await;
    assert_eq!(result["status"], "errored");
    assert!(result["message"].as_str().unwrap().contains("it answered 500"), "{result}");
    assert_eq!(status(&server, &id).await, "pre_plan_completed", "advisory");
    owner.post(format!("/runs/{id}/actions/cancel"), json!({})).await.is_accepted();

    let id = next().await;
    service.question(&server).await;
    let result = only_result(&server, &id).await;
    assert!(result["message"].as_str().unwrap().contains("it answered 403"), "{result}");
}

#[tokio::test]
async fn a_run_that_is_canceled_waits_for_nobody() {
    let server = Server::start_with(loopback).await;
    server.stop_clock();
    let owner = server.owner();
    let _agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let mut service = Service::named(&owner, "scan", &[]).await;
    attach(&owner, &ws, &service.task, &["pre_plan", "pre_apply"], "mandatory").await;
    let id = queue(&server, &ws, json!({})).await;
    server.advance().await;
    let asked = service.question(&server).await;
    owner.post(format!("/runs/{id}/actions/cancel"), json!({})).await.is_accepted();
    let mut all: Vec<_> = results(&server, &id).await;
    all.sort_by_key(|one| one["attributes"]["stage"].to_string());
    let statuses: Vec<_> = all.iter().map(|one| &one["attributes"]["status"]).collect();
    assert_eq!(statuses, ["unreachable", "canceled"]);
    answer(&server, &asked, said("passed")).await.is_conflict();
    let bearer = server.bearer(asked["access_token"].as_str().unwrap());
    let address = asked["configuration_version_download_url"].as_str().unwrap();
    bearer.get(address.split_once("/api/v2").unwrap().1).await.is_not_found();
    server.pass(MINUTE);
    answer(&server, &asked, said("passed")).await.is_unauthorized();
    // Not asked before the cancel, and not after it.
    let id = queue(&server, &ws, json!({})).await;
    server.advance().await;
    owner.post(format!("/runs/{id}/actions/cancel"), json!({})).await.is_accepted();
    assert!(service.questions(&server).await.is_empty());
}

#[tokio::test]
async fn a_run_is_asked_about_as_it_was_configured_when_it_was_made() {
    let server = Server::start_with(loopback).await;
    let owner = server.owner();
    let _agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let mut service = Service::named(&owner, "scan", &[]).await;
    let later = Service::named(&owner, "later", &[]).await;
    let attached = attach(&owner, &ws, &service.task, &["pre_plan"], "mandatory").await;
    let id = queue(&server, &ws, json!({})).await;
    let one = format!("/workspaces/{}/tasks/{attached}", ws.id);
    owner
        .patch(&one, resource("workspace-tasks", &json!({ "enforcement-level": "advisory" })))
        .await
        .is_ok();
    let renamed = json!({ "name": "renamed", "hmac-key": null, "url": later.recipient.url });
    owner.patch(format!("/tasks/{}", service.task), resource("tasks", &renamed)).await.is_ok();
    attach(&owner, &ws, &later.task, &["pre_plan"], "mandatory").await;
    server.advance().await;
    let asked = service.question(&server).await;
    assert_eq!(asked["task_result_enforcement_level"], "mandatory");
    let result = only_result(&server, &id).await;
    assert_eq!(
        (&result["task-name"], &result["task-url"]),
        (&json!("scan"), &json!(service.recipient.url))
    );
    owner.post(format!("/runs/{id}/actions/cancel"), json!({})).await.is_accepted();

    // One that nobody may be asked of any more stands in nobody's way.
    let id = queue(&server, &ws, json!({})).await;
    for task in [&service.task, &later.task] {
        let off = resource("tasks", &json!({ "enabled": false }));
        owner.patch(format!("/tasks/{task}"), off).await.is_ok();
    }
    server.advance().await;
    assert_eq!(status(&server, &id).await, "pre_plan_completed");
    assert!(
        results(&server, &id).await.iter().all(|one| one["attributes"]["status"] == "unreachable")
    );
    let events = owner.get(format!("/runs/{id}/run-events")).await.is_ok();
    let events = events.data().as_array().unwrap().clone();
    let told = events
        .iter()
        .map(|event| &event["attributes"])
        .filter(|event| event["action"] == "changed_task_enforcements")
        .map(|event| event["description"].as_str().unwrap());
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    let off = "was deleted or disabled meanwhile, and is not asked.";
    assert_eq!(told, [format!("The run task later {off}"), format!("The run task renamed {off}")]);
    let id = queue(&server, &ws, json!({})).await;
    assert!(results(&server, &id).await.is_empty(), "what is disabled is not asked");
}

#[tokio::test]
async fn a_global_run_task_is_asked_everywhere_and_once_at_the_stricter_level() {
    let server = Server::start_with(loopback).await;
    let owner = server.owner();
    let (ws, other) = (server.workspace("networking").await, server.workspace("storage").await);
    let service = Service::named(&owner, "scan", &[]).await;
    let global = json!({ "global-configuration": {
        "enabled": true, "stages": ["pre_plan"], "enforcement-level": "mandatory" } });
    owner.patch(format!("/tasks/{}", service.task), resource("tasks", &global)).await.is_ok();
    let attached = attach(&owner, &ws, &service.task, &["pre_plan", "post_plan"], "advisory").await;
    let id = queue(&server, &ws, json!({})).await;
    let mut all = results(&server, &id).await;
    all.sort_by_key(|one| one["attributes"]["stage"].to_string());
    let seen: Vec<_> = all
        .iter()
        .map(|one| one["attributes"]["workspace-task-enforcement-level"].as_str().unwrap())
        .collect();
    assert_eq!(seen, ["advisory", "mandatory"], "after the plan, and before it");
    assert!(all.iter().all(|one| one["attributes"]["workspace-task-id"] == attached));
    let id = queue(&server, &other, json!({ "plan-only": true })).await;
    let result = only_result(&server, &id).await;
    assert_eq!(result["workspace-task-id"], Value::Null);
    assert_eq!((&result["stage"], &result["is-speculative"]), (&json!("pre_plan"), &json!(true)));
}
