//! `/runs`, and what agents make of them

use std::time::Duration;

use domain::{row::Workspace, workspaces::Change};
use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::agent::Agent;

/// An archive as far as the server looks at it.
const ARCHIVE: &[u8] =
    &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];

pub async fn upload(client: &Client<'_>, workspace: &Workspace, speculative: bool) -> String {
    upload_to(client, workspace.id.as_str(), speculative).await
}

pub async fn upload_to(client: &Client<'_>, workspace: &str, speculative: bool) -> String {
    let body = json!({ "data": { "type": "configuration-versions", "attributes": {
        "auto-queue-runs": false, "speculative": speculative } } });
    let path = format!("/workspaces/{workspace}/configuration-versions");
    let made = client.post(path, body).await.is_created();
    let address = made.attribute("upload-url");
    client.put(address.as_str().unwrap(), ARCHIVE.to_vec()).await.is_ok();
    made.id()
}

pub fn run(workspace: &Workspace, attributes: Value) -> Value {
    json!({ "data": { "type": "runs", "attributes": attributes, "relationships": {
        "workspace": { "data": { "type": "workspaces", "id": workspace.id } } } } })
}

async fn status(client: &Client<'_>, id: &str) -> String {
    let run = client.get(format!("/runs/{id}")).await.is_ok();
    run.attribute("status").as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_run_is_planned_confirmed_and_applied() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    let made = writer.post("/runs", run(&ws, json!({ "message": "go" }))).await.is_created();
    let id = made.id();
    assert_eq!(made.attribute("status"), "pending");
    assert_eq!(made.attribute("permissions")["can-apply"], true);

    server.advance().await;
    assert_eq!(status(&writer, &id).await, "plan_queued");
    let plan = agent.must_claim().await;
    assert_eq!(plan.json["phase"], "plan");
    assert_eq!(plan.start().await, 204);
    assert_eq!(status(&writer, &id).await, "planning");
    assert_eq!(plan.outcome("finished", true).await, 204);
    let planned = writer.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(planned.attribute("status"), "planned");
    assert_eq!(planned.attribute("has-changes"), true);
    assert_eq!(planned.attribute("actions")["is-confirmable"], true);
    let locked = writer.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(locked.attribute("locked"), true);
    assert_eq!(locked.related("locked-by"), id);

    writer
        .post(format!("/runs/{id}/actions/apply"), json!({ "comment": "yes" }))
        .await
        .is_accepted();
    server.advance().await;
    let apply = agent.must_claim().await;
    assert!(apply.is_apply());
    apply.start().await;
    assert_eq!(status(&writer, &id).await, "applying");
    assert_eq!(apply.save_state(1, 2).await, 200);
    apply.outcome("finished", true).await;
    let applied = writer.get(format!("/runs/{id}?include=plan,apply,workspace")).await.is_ok();
    assert_eq!(applied.attribute("status"), "applied");
    assert_eq!(applied.json()["included"].as_array().unwrap().len(), 3);
    for key in ["plan-queueable-at", "planning-at", "planned-at", "confirmed-at", "applied-at"] {
        assert!(applied.attribute("status-timestamps")[key].is_string(), "{key}");
    }
    let free = writer.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(free.attribute("locked"), false);
    assert_eq!(free.attribute("resource-count"), 2);
}

#[tokio::test]
async fn auto_apply_confirms_in_the_moment_in_which_the_plan_ends() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    let made = writer.post("/runs", run(&ws, json!({ "auto-apply": true }))).await.is_created();
    server.advance().await;
    agent.must_claim().await.execute().await;
    assert_eq!(status(&writer, &made.id()).await, "confirmed");
}

#[tokio::test]
async fn a_plan_without_changes_ends_the_run_and_frees_the_workspace() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    let id = writer.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    let plan = agent.must_claim().await;
    plan.start().await;
    plan.outcome("finished", false).await;
    assert_eq!(status(&writer, &id).await, "planned_and_finished");
    let apply = writer.get(format!("/runs/{id}/apply")).await.is_ok();
    assert_eq!(apply.attribute("status"), "unreachable");
    let free = writer.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(free.attribute("locked"), false);
}

#[tokio::test]
async fn runs_of_a_workspace_go_one_after_the_other_and_speculative_ones_beside() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    let first = writer.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let second = writer.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let beside =
        writer.post("/runs", run(&ws, json!({ "plan-only": true }))).await.is_created().id();
    server.advance().await;
    assert_eq!(status(&writer, &first).await, "plan_queued");
    assert_eq!(status(&writer, &second).await, "pending");
    assert_eq!(status(&writer, &beside).await, "plan_queued");
    let queue = writer.get("/organizations/acme/runs/queue").await.is_ok();
    assert_eq!(queue.attributes("position-in-queue"), [json!(1), json!(2), json!(3)]);
    for _ in 0..2 {
        agent.must_claim().await.execute().await;
    }
    assert_eq!(status(&writer, &beside).await, "planned_and_finished");
    writer.post(format!("/runs/{first}/actions/discard"), json!({})).await.is_accepted();
    server.advance().await;
    assert_eq!(status(&writer, &second).await, "plan_queued");
}

#[tokio::test]
async fn a_manual_lock_keeps_the_next_run_waiting() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    Agent::register(&server).await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    writer.post(format!("/workspaces/{}/actions/lock", ws.id), json!({})).await.is_ok();
    let id = writer.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    assert_eq!(status(&writer, &id).await, "pending");
    writer.post(format!("/workspaces/{}/actions/unlock", ws.id), json!({})).await.is_ok();
    server.advance().await;
    assert_eq!(status(&writer, &id).await, "plan_queued");
}

#[tokio::test]
async fn no_more_phases_are_under_way_than_the_site_allows() {
    let server = Server::start_with(|options| options.settings.concurrency = 1).await;
    Agent::register(&server).await;
    let (one, two) = (server.workspace("one").await, server.workspace("two").await);
    let owner = server.owner();
    let mut ids = Vec::new();
    for ws in [&one, &two] {
        upload(&owner, ws, false).await;
        ids.push(owner.post("/runs", run(ws, json!({}))).await.is_created().id());
    }
    server.advance().await;
    assert_eq!(status(&owner, &ids[0]).await, "plan_queued");
    assert_eq!(status(&owner, &ids[1]).await, "pending");
    let capacity = owner.get("/organizations/acme/capacity").await.is_ok();
    assert_eq!(capacity.attribute("running"), 0);
}

#[tokio::test]
async fn canceling_asks_the_engine_and_forcing_waits_for_the_cool_off() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let admin = server.admin_of(&ws);
    upload(&admin, &ws, false).await;
    let id = admin.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    let plan = agent.must_claim().await;
    plan.start().await;
    assert_eq!(plan.cancel_order().await, "no");
    let act = |action: &str| format!("/runs/{id}/actions/{action}");
    admin.post(act("force-cancel"), json!({})).await.is_conflict();
    admin.post(act("cancel"), json!({})).await.is_accepted();
    admin.post(act("cancel"), json!({})).await.is_conflict();
    assert_eq!(plan.cancel_order().await, "graceful");
    admin.post(act("force-cancel"), json!({})).await.is_conflict();
    server.pass(Duration::from_secs(61));
    assert_eq!(plan.cancel_order().await, "graceful");
    admin.post(act("force-cancel"), json!({})).await.is_accepted();
    assert_eq!(plan.cancel_order().await, "force");
    plan.outcome("canceled", false).await;
    let run = admin.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(run.attribute("status"), "canceled");
    assert!(run.attribute("status-timestamps")["force-canceled-at"].is_string());
}

#[tokio::test]
async fn what_has_not_begun_is_canceled_at_once_and_its_agent_refused() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    let id = writer.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    let plan = agent.must_claim().await;
    writer.post(format!("/runs/{id}/actions/cancel"), json!({})).await.is_accepted();
    assert_eq!(status(&writer, &id).await, "canceled");
    assert_eq!(plan.start().await, 410);
}

#[tokio::test]
async fn a_lost_plan_is_planned_again_and_whoever_had_it_is_refused() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    let id = writer.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    let lost = agent.must_claim().await;
    lost.start().await;
    lost.log(0, "\u{2}half").await;
    server.pass(Duration::from_secs(61));
    domain::agents::sweep(&server.system()).await.unwrap();
    let again = agent.must_claim().await;
    assert_eq!(again.run(), id);
    assert_eq!(again.json["log_offset"], 5);
    assert_eq!(lost.outcome("finished", true).await, 410);
    again.start().await;
    again.outcome("finished", true).await;
    assert_eq!(status(&writer, &id).await, "planned");
}

#[tokio::test]
async fn a_lost_apply_ends_its_run_keeps_its_state_and_is_never_repeated() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    let id = writer.post("/runs", run(&ws, json!({ "auto-apply": true }))).await.is_created().id();
    server.advance().await;
    agent.must_claim().await.execute().await;
    server.advance().await;
    let apply = agent.must_claim().await;
    apply.start().await;
    apply.log(0, "\u{2}creating\r\n").await;
    assert_eq!(apply.save_state(7, 1).await, 200);
    server.pass(Duration::from_secs(61));
    domain::agents::sweep(&server.system()).await.unwrap();
    assert_eq!(status(&writer, &id).await, "errored");
    assert!(agent.claim().await.is_none());
    let state = writer.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_ok();
    assert_eq!(state.attribute("serial"), 7);
    let phase = writer.get(format!("/runs/{id}/apply")).await.is_ok();
    let log = writer.get(phase.attribute("log-read-url").as_str().unwrap()).await.is_ok().text();
    assert!(log.starts_with('\u{2}') && log.ends_with('\u{3}') && log.contains("lost"), "{log}");
}

#[tokio::test]
async fn an_agent_that_comes_back_frees_its_plans_and_keeps_its_apply() {
    let server = Server::start().await;
    let mut agent = Agent::register(&server).await;
    let (one, two) = (server.workspace("one").await, server.workspace("two").await);
    let owner = server.owner();
    upload(&owner, &one, false).await;
    owner.post("/runs", run(&one, json!({ "auto-apply": true }))).await.is_created();
    server.advance().await;
    agent.must_claim().await.execute().await;
    server.advance().await;
    let apply = agent.must_claim().await.json;
    agent.old_job(apply.clone()).start().await;
    upload(&owner, &two, false).await;
    owner.post("/runs", run(&two, json!({}))).await.is_created();
    server.advance().await;
    let plan = agent.must_claim().await.json;
    agent.old_job(plan.clone()).start().await;

    agent.introduce().await;
    assert_eq!(agent.old_job(plan.clone()).outcome("finished", true).await, 410);
    let again = agent.must_claim().await;
    assert_eq!(again.run(), plan["run_id"].as_str().unwrap());
    assert!(agent.claim().await.is_none());
    let recovered = agent.old_job(apply);
    assert_eq!(recovered.save_state(1, 1).await, 200);
    assert_eq!(recovered.outcome("errored", false).await, 204);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_a_pointer() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    let refused = |attributes: Value| {
        let body = run(&ws, attributes);
        let writer = &writer;
        async move { writer.post("/runs", body).await }
    };
    refused(json!({})).await.is_unprocessable("/data/relationships/configuration-version");
    upload(&writer, &ws, false).await;
    for (attributes, pointer) in [
        (json!({ "is-destroy": true, "refresh-only": true }), "refresh-only"),
        (json!({ "refresh": false, "refresh-only": true }), "refresh"),
        (json!({ "save-plan": true, "plan-only": true }), "save-plan"),
        (json!({ "terraform-version": "1.15.5" }), "terraform-version"),
        (json!({ "target-addrs": ["-destroy"] }), "target-addrs"),
        (json!({ "variables": [{ "key": "a b", "value": "1" }] }), "variables"),
        (
            json!({ "variables": [{ "key": "a", "value": "1" }, { "key": "a", "value": "2" }] }),
            "variables/1/key",
        ),
        (json!({ "message": 5 }), "message"),
    ] {
        refused(attributes).await.is_unprocessable(&format!("/data/attributes/{pointer}"));
    }
    let other = json!({ "data": { "type": "runs", "relationships": { "workspace": {
        "data": { "type": "workspaces", "id": "ws-1111111111111111" } } } } });
    writer.post("/runs", other).await.is_not_found();
}

#[tokio::test]
async fn whoever_may_only_plan_queues_no_destruction_but_may_see_what_it_would_do() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    upload(&server.owner(), &ws, false).await;
    let (planner, writer) = (server.planner(&ws), server.writer(&ws));
    let seen = planner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(seen.attribute("permissions")["can-queue-destroy"], false);
    let before = server.row_counts().await;
    for attributes in
        [json!({ "is-destroy": true }), json!({ "is-destroy": true, "save-plan": true })]
    {
        planner
            .post("/runs", run(&ws, attributes))
            .await
            .is_unprocessable("/data/attributes/is-destroy");
    }
    assert_eq!(server.row_counts().await, before);
    let only = json!({ "is-destroy": true, "plan-only": true });
    planner.post("/runs", run(&ws, only)).await.is_created();
    writer.post("/runs", run(&ws, json!({ "is-destroy": true }))).await.is_created();
}

#[tokio::test]
async fn a_planner_may_plan_but_neither_apply_nor_auto_apply() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let planner = server.planner(&ws);
    upload(&planner, &ws, false).await;
    planner
        .post("/runs", run(&ws, json!({ "auto-apply": true })))
        .await
        .is_unprocessable("/data/attributes/auto-apply");
    let id = planner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    agent.must_claim().await.execute().await;
    planner.post(format!("/runs/{id}/actions/apply"), json!({})).await.is_not_found();
    server.writer(&ws).post(format!("/runs/{id}/actions/apply"), json!({})).await.is_accepted();
}

#[tokio::test]
async fn a_workspace_that_applies_by_itself_does_not_do_so_for_a_planner() {
    let server = Server::start().await;
    let change =
        Change { name: Some("networking".into()), auto_apply: Some(true), ..Change::default() };
    let ws = server.workspace_with(change).await;
    upload(&server.writer(&ws), &ws, false).await;
    let planned = server.planner(&ws).post("/runs", run(&ws, json!({}))).await.is_created();
    assert_eq!(planned.attribute("auto-apply"), false);
    let applied = server.writer(&ws).post("/runs", run(&ws, json!({}))).await.is_created();
    assert_eq!(applied.attribute("auto-apply"), true);
}

#[tokio::test]
async fn a_run_waits_for_an_agent_that_has_its_engine_without_taking_a_slot() {
    let server = Server::start_with(|options| options.settings.concurrency = 1).await;
    server.stop_clock();
    Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    server.pass(Duration::from_secs(301));
    let id = writer.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    assert_eq!(status(&writer, &id).await, "pending");
    Agent::register(&server).await;
    server.advance().await;
    assert_eq!(status(&writer, &id).await, "plan_queued");
}

#[tokio::test]
async fn a_saved_plan_waits_without_the_lock_and_takes_its_turn_when_confirmed() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    let saved =
        writer.post("/runs", run(&ws, json!({ "save-plan": true }))).await.is_created().id();
    server.advance().await;
    agent.must_claim().await.execute().await;
    assert_eq!(status(&writer, &saved).await, "planned_and_saved");
    let free = writer.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(free.attribute("locked"), false);
    writer.post(format!("/runs/{saved}/actions/apply"), json!({})).await.is_accepted();
    server.advance().await;
    assert!(agent.must_claim().await.is_apply());
}

#[tokio::test]
async fn a_runs_own_variables_are_shown_to_those_who_may_read_variables() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    let own = json!([{ "key": "size", "value": "{\n  a = 1\n}" }]);
    let body = run(&ws, json!({ "variables": own }));
    let made = writer.post("/runs", body).await.is_created();
    assert_eq!(made.attribute("variables"), own);
    let read = writer.get(format!("/runs/{}", made.id())).await.is_ok();
    assert_eq!(read.attribute("variables"), own);
    let attributes = json!({ "access": "custom", "runs": "read", "variables": "none" });
    let team = json!({ "data": { "type": "teams", "attributes": { "name": "watchers" } } });
    let team = server.owner().post("/organizations/acme/teams", team).await.is_created();
    let access = json!({ "data": { "type": "team-workspaces", "attributes": attributes,
        "relationships": {
            "team": { "data": { "type": "teams", "id": team.id() } },
            "workspace": { "data": { "type": "workspaces", "id": ws.id } },
        } } });
    server.owner().post("/team-workspaces", access).await.is_created();
    let token = format!("/teams/{}/authentication-token", team.id());
    let token = server.owner().post(token, ()).await.is_created().attribute("token");
    let watcher = server.bearer(token.as_str().unwrap());
    let seen = watcher.get(format!("/runs/{}", made.id())).await.is_ok();
    assert_eq!(seen.attribute("variables"), json!([]));
}

#[tokio::test]
async fn texts_of_a_run_have_an_end() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let long = |length: usize| "x".repeat(length);
    for (attribute, value) in [
        ("message", json!(long(10_001))),
        ("target-addrs", json!([long(2_001)])),
        ("replace-addrs", json!(vec!["null_resource.a"; 1_001])),
        ("variables", json!([{ "key": long(257), "value": "1" }])),
        ("variables", json!([{ "key": "a", "value": long((256 << 10) + 1) }])),
    ] {
        let mut attributes = serde_json::Map::new();
        attributes.insert(attribute.to_owned(), value);
        let refused = owner.post("/runs", run(&ws, attributes.into())).await;
        refused.is_unprocessable(&format!("/data/attributes/{attribute}"));
    }
    let reason = json!({ "reason": long(1_001) });
    let refused = owner.post(format!("/workspaces/{}/actions/lock", ws.id), reason).await;
    refused.is_unprocessable("/data/attributes/reason");
    for (attribute, value) in [
        ("description", json!(long(4_001))),
        ("working-directory", json!(long(1_001))),
        ("trigger-prefixes", json!([long(1_001)])),
        ("trigger-patterns", json!(vec!["a"; 1_001])),
    ] {
        let mut attributes = serde_json::Map::new();
        attributes.insert(attribute.to_owned(), value);
        let body = json!({ "data": { "type": "workspaces", "attributes": attributes } });
        let refused = owner.patch(format!("/workspaces/{}", ws.id), body).await;
        refused.is_unprocessable(&format!("/data/attributes/{attribute}"));
    }
}

#[tokio::test]
async fn the_queue_counts_what_its_reader_may_see() {
    let server = Server::start().await;
    let (seen, hidden) = (server.workspace("seen").await, server.workspace("hidden").await);
    for ws in [&seen, &hidden] {
        upload(&server.owner(), ws, false).await;
        server.owner().post("/runs", run(ws, json!({}))).await.is_created();
    }
    let queue = "/organizations/acme/runs/queue";
    let total = async |client: Client<'_>| {
        client.get(queue).await.is_ok().json()["meta"]["pagination"]["total-count"].clone()
    };
    assert_eq!(total(server.owner()).await, 2);
    assert_eq!(total(server.reader(&seen)).await, 1);
    assert_eq!(total(server.member()).await, 0);
}

#[tokio::test]
async fn what_a_relationship_names_is_of_the_right_type() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let mut body = run(&ws, json!({}));
    body["data"]["relationships"]["workspace"]["data"]["type"] = "projects".into();
    let refused = owner.post("/runs", body).await;
    refused.is_unprocessable("/data/relationships/workspace/data/type");
}
