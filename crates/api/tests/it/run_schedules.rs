//! Runs by the calendar.

use std::time::Duration;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Answer, Server};

use crate::runs::upload;

async fn work(server: &Server) {
    domain::run_schedules::queue_due(&server.system()).await.unwrap();
}

fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "run-schedules", "attributes": attributes } })
}

async fn schedule(server: &Server, ws: &Workspace, attributes: Value) -> Answer {
    server.owner().post(format!("/workspaces/{}/run-schedules", ws.id), body(attributes)).await
}

async fn runs(server: &Server, ws: &Workspace) -> Answer {
    server.owner().get(format!("/workspaces/{}/runs", ws.id)).await.is_ok()
}

/// The clock stands still at this moment.
fn set_clock(server: &Server, at: &str) {
    server.stop_clock();
    server.app.stop_clock(domain::Timestamp::parse(at).unwrap());
}

async fn cancel(server: &Server, ws: &Workspace) {
    let id = runs(server, ws).await.data()[0]["id"].as_str().unwrap().to_owned();
    server.owner().post(format!("/runs/{id}/actions/cancel"), ()).await.is_accepted();
}

#[tokio::test]
async fn a_time_comes_once_and_of_those_that_were_missed_only_the_last() {
    let server = Server::start().await;
    set_clock(&server, "2026-11-27T05:00:00Z");
    let ws = server.workspace("networking").await;
    upload(&server.owner(), &ws, false).await;
    let made = schedule(
        &server,
        &ws,
        json!({ "kind": "apply", "cron": "0 7 * * *", "time-zone": "Europe/Vienna" }),
    );
    let made = made.await.is_created();
    assert_eq!(made.attribute("next-run-at"), "2026-11-27T06:00:00.000Z");
    work(&server).await;
    assert_eq!(runs(&server, &ws).await.data(), json!([]));
    server.pass(Duration::from_hours(1));
    tokio::join!(work(&server), work(&server));
    work(&server).await;
    let queued = runs(&server, &ws).await;
    assert_eq!(queued.attributes("trigger-reason"), ["schedule"]);
    assert_eq!(queued.attributes("auto-apply"), [true]);
    let one = format!("/run-schedules/{}", made.id());
    let shown = server.owner().get(&one).await.is_ok();
    assert_eq!(shown.attribute("last-run-at"), "2026-11-27T06:00:00.000Z");
    assert_eq!(shown.attribute("next-run-at"), "2026-11-28T06:00:00.000Z");
    assert_eq!(shown.related("last-run"), queued.data()[0]["id"]);

    // The server was down for days.
    cancel(&server, &ws).await;
    server.pass(Duration::from_hours(24 * 4 + 5));
    work(&server).await;
    work(&server).await;
    assert_eq!(runs(&server, &ws).await.data().as_array().unwrap().len(), 2);
    let shown = server.owner().get(&one).await.is_ok();
    assert_eq!(shown.attribute("last-run-at"), "2026-12-01T06:00:00.000Z");
    assert_eq!(shown.attribute("next-run-at"), "2026-12-02T06:00:00.000Z");

    // The one before is not over yet.
    server.pass(Duration::from_hours(24));
    work(&server).await;
    assert_eq!(runs(&server, &ws).await.data().as_array().unwrap().len(), 2);
    let why = server.owner().get(&one).await.is_ok().attribute("last-error");
    assert!(why.as_str().unwrap().contains("is not over yet"), "{why}");

    // Nothing is made up for that was missed while it was switched off.
    cancel(&server, &ws).await;
    server.owner().patch(&one, body(json!({ "enabled": false }))).await.is_ok();
    server.pass(Duration::from_hours(48));
    work(&server).await;
    let on = server.owner().patch(&one, body(json!({ "enabled": true }))).await.is_ok();
    work(&server).await;
    assert_eq!(runs(&server, &ws).await.data().as_array().unwrap().len(), 2);
    assert_eq!(on.attribute("next-run-at"), "2026-12-05T06:00:00.000Z");
    server.reader(&ws).get(&one).await.is_ok();
    server.writer(&ws).delete(&one).await.is_not_found();
    server.owner().delete(&one).await.is_no_content();
    server.owner().get(&one).await.is_not_found();
}

#[tokio::test]
async fn clocks_that_change_neither_skip_nor_double_a_run() {
    let server = Server::start().await;
    for (start, count) in [("2026-03-28T23:00:00Z", 1), ("2026-10-24T22:00:00Z", 1)] {
        set_clock(&server, start);
        let name = start[5..7].to_owned();
        let ws = server.workspace(&name).await;
        upload(&server.owner(), &ws, false).await;
        let new = json!({ "kind": "plan", "cron": "30 2 * * *", "time-zone": "Europe/Vienna" });
        schedule(&server, &ws, new).await.is_created();
        // The whole night, in which there is no half past two, or there are two.
        for _ in 0..24 {
            server.pass(Duration::from_mins(15));
            work(&server).await;
            let all = runs(&server, &ws).await;
            if all.attributes("status") == ["pending"] {
                cancel(&server, &ws).await;
            }
        }
        assert_eq!(runs(&server, &ws).await.data().as_array().unwrap().len(), count, "{start}");
    }
}

#[tokio::test]
async fn what_is_no_schedule_is_refused_and_what_cannot_be_queued_is_told() {
    let server = Server::start().await;
    set_clock(&server, "2026-11-27T05:00:00Z");
    let ws = server.workspace("networking").await;
    for (attributes, culprit) in [
        (json!({ "cron": "0 7 * * *" }), "kind"),
        (json!({ "kind": "plan" }), "cron"),
        (json!({ "kind": "destroy", "cron": "0 7 * * *" }), "kind"),
        (json!({ "kind": "plan", "cron": "0 7 * *" }), "cron"),
        (json!({ "kind": "plan", "cron": "* 0 7 * * *" }), "cron"),
        (json!({ "kind": "plan", "cron": "0 0 30 2 *" }), "cron"),
        (json!({ "kind": "plan", "cron": "0 7 * * *", "time-zone": "Mars/Olympus" }), "time-zone"),
        (json!({ "kind": "plan", "cron": "0 7 * * *", "message": "a\nb" }), "message"),
    ] {
        let pointer = format!("/data/attributes/{culprit}");
        schedule(&server, &ws, attributes).await.is_unprocessable(&pointer);
    }
    // Nobody has uploaded a configuration.
    let made = schedule(&server, &ws, json!({ "kind": "refresh-only", "cron": "0 * * * *" })).await;
    let one = format!("/run-schedules/{}", made.is_created().id());
    server.pass(Duration::from_hours(1));
    work(&server).await;
    let shown = server.owner().get(&one).await.is_ok();
    assert!(shown.attribute("last-error").as_str().unwrap().contains("configuration"), "{shown}");
    assert_eq!(shown.attribute("next-run-at"), "2026-11-27T07:00:00.000Z");
    for _ in 1..20 {
        schedule(&server, &ws, json!({ "kind": "plan", "cron": "0 7 * * *" })).await.is_created();
    }
    schedule(&server, &ws, json!({ "kind": "plan", "cron": "0 7 * * *" }))
        .await
        .is_unprocessable("/data/attributes/cron");
}
