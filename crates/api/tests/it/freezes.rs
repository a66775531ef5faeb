//! Windows in which nothing is applied.

use std::time::Duration;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Answer, Server};

use crate::{
    agent::Agent,
    asked::Asked,
    runs::{run, upload},
};

fn set_clock(server: &Server, at: &str) {
    server.stop_clock();
    server.app.stop_clock(domain::Timestamp::parse(at).unwrap());
}

async fn freeze(server: &Server, attributes: Value, relationships: Value) -> Answer {
    let body = json!({ "data": { "type": "freezes", "attributes": attributes, "relationships": relationships } });
    server.owner().post("/organizations/acme/freezes", body).await
}

/// A run that is planned and goes on to its apply by itself.
async fn planned(server: &Server, agent: &Agent<'_>, ws: &Workspace) -> String {
    let owner = server.owner();
    upload(&owner, ws, false).await;
    let id = owner.post("/runs", run(ws, json!({ "auto-apply": true }))).await.is_created().id();
    server.advance().await;
    agent.must_claim().await.execute().await;
    server.advance().await;
    id
}

async fn why(server: &Server, id: &str) -> String {
    let found = domain::runs::find(&server.system(), &id.parse().unwrap()).await.unwrap();
    let run = server.system().check::<domain::can::ReadRun, _>(found).unwrap();
    domain::runs::waits_for(&server.system(), &run).await.unwrap().unwrap_or_default()
}

#[tokio::test]
async fn applies_wait_for_the_end_of_a_freeze_and_say_so() {
    let server = Server::start().await;
    set_clock(&server, "2026-12-24T12:00:00Z");
    let mut agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let once = json!({ "name": "holidays", "starts-at": "2026-12-24T00:00:00Z", "ends-at": "2026-12-25T00:00:00Z" });
    let made = freeze(&server, once, json!({})).await.is_created();
    assert_eq!(made.attribute("frozen-until"), "2026-12-25T00:00:00.000Z");
    // This one follows it without a pause.
    let next = json!({ "name": "boxing day", "cron": "0 1 25 12 *", "time-zone": "Europe/Vienna", "duration-minutes": 60 });
    freeze(&server, next, json!({})).await.is_created();
    let id = planned(&server, &agent, &ws).await;
    assert!(agent.claim().await.is_none(), "it is planned, and no more");
    let said = why(&server, &id).await;
    assert!(said.contains("until 2026-12-25T01:00:00.000Z") && said.contains("holidays"), "{said}");
    assert!(said.ends_with("an owner of acme (owner) lets it through and says why."), "{said}");
    let shown = server.reader(&ws).get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(
        shown.attribute("blocked-by"),
        json!({ "kind": "freeze", "name": "holidays", "until": "2026-12-25T01:00:00.000Z", "reason": said })
    );
    server.pass(Duration::from_hours(12));
    agent.introduce().await;
    server.advance().await;
    assert!(agent.claim().await.is_none(), "the second one has begun");
    server.pass(Duration::from_hours(1));
    agent.introduce().await;
    server.advance().await;
    let apply = agent.must_claim().await;
    assert!(apply.is_apply() && apply.run() == id);
}

#[tokio::test]
async fn a_freeze_is_moved_to_another_place_and_stays_where_nothing_is_said_of_it() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let to = |kind: &str, id: &str| json!({ "data": { "type": kind, "id": id } });
    let once = json!({ "name": "holidays", "starts-at": "2026-12-24T00:00:00Z", "ends-at": "2026-12-25T00:00:00Z" });
    let here = json!({ "workspace": to("workspaces", ws.id.as_str()) });
    let path = format!("/freezes/{}", freeze(&server, once, here).await.is_created().id());
    let project = ws.project_id.as_str();
    let of = |answer: &Answer| {
        let relations = answer.data()["relationships"].clone();
        ["project", "workspace"].map(|one| relations[one]["data"]["id"].clone())
    };
    let change = async |relationships: Value| {
        let body = json!({ "data": { "type": "freezes", "attributes": {}, "relationships": relationships } });
        owner.patch(&path, body).await
    };
    let nowhere = json!({ "data": null });
    for (relationships, expected) in [
        (json!({}), [Value::Null, json!(ws.id)]),
        (json!({ "project": nowhere }), [Value::Null, json!(ws.id)]),
        (
            json!({ "project": to("projects", project), "workspace": nowhere }),
            [json!(project), Value::Null],
        ),
        (json!({ "workspace": to("workspaces", ws.id.as_str()) }), [Value::Null, json!(ws.id)]),
        (json!({ "project": nowhere, "workspace": nowhere }), [Value::Null, Value::Null]),
    ] {
        let changed = change(relationships.clone()).await.is_ok();
        assert_eq!(of(&changed), expected, "{relationships}");
        assert_eq!(of(&owner.get(&path).await.is_ok()), expected, "{relationships}");
    }
    let foreign = json!({ "workspace": to("workspaces", "ws-0000000000000000") });
    change(foreign).await.is_unprocessable("/data/relationships/workspace");
    let both = json!({ "project": to("projects", project), "workspace": to("workspaces", ws.id.as_str()) });
    change(both).await.is_unprocessable("/data/relationships/workspace");
}

#[tokio::test]
async fn an_apply_that_nobody_has_begun_gives_back_its_slot_when_a_freeze_begins() {
    let server = Server::start_with(|options| options.settings.concurrency = 1).await;
    set_clock(&server, "2026-12-24T12:00:00Z");
    let mut agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let soon = json!({ "name": "night", "starts-at": "2026-12-24T12:00:30Z", "ends-at": "2026-12-24T12:10:00Z" });
    freeze(&server, soon, json!({})).await.is_created();
    let id = planned(&server, &agent, &ws).await;
    let owner = server.owner();
    let shown = async || owner.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(shown().await.attribute("status"), "apply_queued");
    let confirmed_at = shown().await.attribute("status-timestamps")["confirmed-at"].clone();
    let other = server.workspace("other").await;
    upload(&owner, &other, false).await;
    let plan = owner.post("/runs", run(&other, json!({}))).await.is_created().id();
    server.advance().await;
    server.pass(Duration::from_secs(31));
    assert!(agent.claim().await.is_none(), "even before the queue has looked");
    assert!(why(&server, &id).await.contains("the freeze “night” holds it up"));
    server.advance().await;
    assert_eq!(shown().await.attribute("status"), "confirmed");
    assert_eq!(shown().await.attribute("status-timestamps")["confirmed-at"], confirmed_at);
    let apply = owner.get(format!("/runs/{id}/apply")).await.is_ok();
    assert_eq!(apply.attribute("status"), "pending");
    assert!(why(&server, &id).await.contains("the freeze “night” holds it up"));
    assert!(server.everything().await.contains("run_apply_put_back"));
    // Whoever does not apply anything has the slot now.
    let job = agent.must_claim().await;
    assert_eq!(job.run(), plan);
    job.execute().await;
    // One second before its end, and at it.
    server.pass(Duration::from_secs(568));
    agent.introduce().await;
    server.advance().await;
    assert!(agent.claim().await.is_none());
    server.pass(Duration::from_secs(1));
    server.advance().await;
    let job = agent.must_claim().await;
    assert!(job.is_apply() && job.run() == id);
    job.execute().await;
    assert_eq!(shown().await.attribute("status"), "applied");
}

/// What a pass asks the database while so many applies, and one, wait for the end of a freeze.
async fn costs(waiting: usize) -> usize {
    let server = Server::start_with(|options| options.settings.concurrency = 100).await;
    set_clock(&server, "2026-12-24T12:00:00Z");
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let once = json!({ "name": "holidays", "starts-at": "2026-12-24T00:00:00Z", "ends-at": "2026-12-25T00:00:00Z" });
    freeze(&server, once, json!({})).await.is_created();
    let id = planned(&server, &agent, &ws).await;
    server.multiply(&id, waiting).await;
    server.execute("UPDATE workspaces SET lock_kind = NULL, lock_holder_id = NULL").await;
    let asked = Asked::default();
    let _counting = metrics::set_default_local_recorder(&asked);
    server.advance().await;
    let cost = asked.take();
    assert!(agent.claim().await.is_none(), "nothing has begun");
    cost
}

#[tokio::test]
async fn a_pass_costs_the_same_however_many_applies_wait_for_the_end_of_a_freeze() {
    assert_eq!(Box::pin(costs(50)).await, Box::pin(costs(0)).await);
}

#[tokio::test]
async fn an_organization_has_no_more_freezes_than_it_may_whoever_makes_them_at_once() {
    let server = Server::start().await;
    let new = || {
        let once = json!({ "name": "x", "starts-at": "2026-12-24T00:00:00Z", "ends-at": "2026-12-25T00:00:00Z" });
        freeze(&server, once, json!({}))
    };
    for _ in 0..97 {
        new().await.is_created();
    }
    let all = futures::future::join_all((0..8).map(|_| new())).await;
    let made = all.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 3);
    for refused in all.into_iter().filter(|answer| answer.status != 201) {
        refused.is_unprocessable("/data/attributes/name");
    }
}

#[tokio::test]
async fn a_freeze_holds_where_it_is_meant_to_and_owners_break_it() {
    let server = Server::start().await;
    set_clock(&server, "2026-12-24T12:00:00Z");
    let agent = Agent::register(&server).await;
    let (ws, other) = (server.workspace("networking").await, server.workspace("other").await);
    let once = json!({ "name": "audit", "starts-at": "2026-12-24T00:00:00Z", "ends-at": "2026-12-25T00:00:00Z" });
    let here = json!({ "workspace": { "data": { "type": "workspaces", "id": ws.id } } });
    let made = freeze(&server, once, here).await.is_created();
    let free = planned(&server, &agent, &other).await;
    assert_eq!(agent.must_claim().await.run(), free, "it is about another workspace");
    let id = planned(&server, &agent, &ws).await;
    assert!(agent.claim().await.is_none());
    let path = format!("/runs/{id}/actions/break-freeze");
    let comment = json!({ "comment": "The house is on fire." });
    server.admin_of(&ws).post(&path, comment.clone()).await.is_not_found();
    let long = "x".repeat(20_000);
    for nothing in [json!({}), json!({ "comment": " \n" }), json!({ "comment": long })] {
        server.owner().post(&path, nothing).await.is_unprocessable("/comment");
    }
    server.owner().post(&path, comment.clone()).await.is_accepted();
    server.owner().post(&path, comment).await.is_conflict();
    server.advance().await;
    assert_eq!(agent.must_claim().await.run(), id);
    assert!(server.everything().await.contains("run_freeze_broken"));
    let comments = server.owner().get(format!("/runs/{id}/comments")).await.is_ok();
    assert_eq!(comments.attributes("body"), ["The house is on fire."]);

    // A freeze that is gone holds nobody up, neither does one of another project.
    server.owner().delete(format!("/freezes/{}", made.id())).await.is_no_content();
    let new = json!({ "data": { "type": "projects", "attributes": { "name": "elsewhere" } } });
    let project = server.owner().post("/organizations/acme/projects", new).await.is_created().id();
    let there = json!({ "project": { "data": { "type": "projects", "id": project } } });
    let once = json!({ "name": "audit", "starts-at": "2026-12-24T00:00:00Z", "ends-at": "2026-12-25T00:00:00Z" });
    freeze(&server, once, there).await.is_created();
    let third = server.workspace("third").await;
    let id = planned(&server, &agent, &third).await;
    assert_eq!(agent.must_claim().await.run(), id);
}

#[tokio::test]
async fn what_was_broken_is_one_window_and_neither_the_next_one_nor_another_freeze() {
    let server = Server::start().await;
    set_clock(&server, "2026-12-24T12:00:00Z");
    let mut agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let daily = json!({ "name": "noon", "cron": "0 12 * * *", "duration-minutes": 60 });
    freeze(&server, daily, json!({})).await.is_created();
    let id = planned(&server, &agent, &ws).await;
    let owner = server.owner();
    let break_it = async || {
        let path = format!("/runs/{id}/actions/break-freeze");
        owner.post(path, json!({ "comment": "It is urgent." })).await.is_accepted();
        server.advance().await;
    };
    let status =
        async || owner.get(format!("/runs/{id}")).await.is_ok().attribute("status").clone();
    break_it().await;
    assert_eq!(status().await, "apply_queued");
    let other = json!({ "name": "audit", "starts-at": "2026-12-24T12:00:00Z", "ends-at": "2026-12-24T12:30:00Z" });
    freeze(&server, other, json!({})).await.is_created();
    server.advance().await;
    assert_eq!(status().await, "confirmed");
    let said = why(&server, &id).await;
    assert!(said.contains("until 2026-12-24T12:30:00.000Z: the freeze “audit”"), "{said}");
    break_it().await;
    assert_eq!(status().await, "apply_queued");
    server.pass(Duration::from_hours(24));
    server.advance().await;
    assert_eq!(status().await, "confirmed");
    let said = why(&server, &id).await;
    assert!(said.contains("until 2026-12-25T13:00:00.000Z: the freeze “noon”"), "{said}");
    agent.introduce().await;
    break_it().await;
    let apply = agent.must_claim().await;
    assert!(apply.is_apply() && apply.run() == id);
}

#[tokio::test]
async fn what_is_no_window_is_refused() {
    let server = Server::start().await;
    let (start, end) = ("2026-12-24T00:00:00Z", "2026-12-25T00:00:00Z");
    for (attributes, culprit) in [
        (json!({ "starts-at": start, "ends-at": end }), "name"),
        (json!({ "name": "x" }), "starts-at"),
        (json!({ "name": "x", "starts-at": start }), "starts-at"),
        (json!({ "name": "x", "starts-at": end, "ends-at": start }), "ends-at"),
        (json!({ "name": "x", "cron": "0 0 * * *" }), "duration-minutes"),
        (json!({ "name": "x", "cron": "0 0 * * *", "duration-minutes": 0 }), "duration-minutes"),
        (json!({ "name": "x", "starts-at": start, "ends-at": end, "time-zone": "" }), "time-zone"),
        (json!({ "name": "x", "cron": "0 0 *", "duration-minutes": 5 }), "cron"),
        (
            json!({ "name": "x", "cron": "0 0 * * *", "duration-minutes": 5, "time-zone": "Here" }),
            "time-zone",
        ),
        (
            json!({ "name": "x", "cron": "0 0 * * *", "duration-minutes": 5, "ends-at": end }),
            "cron",
        ),
    ] {
        let pointer = format!("/data/attributes/{culprit}");
        freeze(&server, attributes, json!({})).await.is_unprocessable(&pointer);
    }
    let once = json!({ "name": "x", "starts-at": start, "ends-at": end });
    let nowhere =
        json!({ "workspace": { "data": { "type": "workspaces", "id": "ws-1111111111111111" } } });
    freeze(&server, once, nowhere).await.is_unprocessable("/data/relationships/workspace");
    assert_eq!(server.owner().get("/organizations/acme/freezes").await.is_ok().data(), json!([]));
}
