//! Scheduled destruction: at its time a destroy run is queued.

use std::time::Duration;

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Answer, Server};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

const HOUR: Duration = Duration::from_hours(1);

async fn set(server: &Server, ws: &Workspace, attributes: Value) -> Answer {
    let body = json!({ "data": { "type": "workspaces", "attributes": attributes } });
    server.owner().patch(format!("/workspaces/{}", ws.id), body).await.is_ok()
}

async fn work(server: &Server) {
    domain::destructions::destroy_due(&server.system()).await.unwrap();
}

async fn runs(server: &Server, ws: &Workspace) -> Answer {
    server.owner().get(format!("/workspaces/{}/runs", ws.id)).await.is_ok()
}

async fn shown(server: &Server, ws: &Workspace) -> Answer {
    server.owner().get(format!("/workspaces/{}", ws.id)).await.is_ok()
}

#[tokio::test]
async fn a_destroy_run_is_queued_at_its_time_and_once() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let ws = server.workspace("networking").await;
    let at = now.plus_seconds(3600).iso8601();
    set(&server, &ws, json!({ "auto-destroy-at": at })).await;
    work(&server).await;
    assert_eq!(runs(&server, &ws).await.data(), json!([]));
    server.pass(HOUR);
    work(&server).await;
    work(&server).await;
    let queued = runs(&server, &ws).await;
    assert_eq!(queued.attributes("is-destroy"), [true]);
    assert_eq!(queued.attributes("auto-apply"), [true]);
    assert_eq!(queued.attributes("trigger-reason"), ["auto_destroy"]);
    let after = shown(&server, &ws).await;
    assert_eq!(after.attribute("auto-destroy-at"), Value::Null);
    assert_eq!(after.attribute("auto-destroy-status"), "queued");
}

#[tokio::test]
async fn a_time_that_would_destroy_at_once_is_refused_and_changes_nothing() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let path = format!("/workspaces/{}", ws.id);
    let body =
        |attributes: Value| json!({ "data": { "type": "workspaces", "attributes": attributes } });
    let later = now.plus_seconds(3600).iso8601();
    set(&server, &ws, json!({ "auto-destroy-at": later })).await;
    for at in [
        json!(now.plus_seconds(-1).iso8601()),
        json!(now.iso8601()),
        json!("0026-01-01T00:00:00Z"),
        json!("1926-11-27T02:00:00+02:00"),
        json!("+10000-01-01T00:00:00Z"),
        json!("2026-13-01T00:00:00Z"),
        json!("tomorrow"),
        json!(""),
        json!(1_800_000_000),
    ] {
        let pointer = "/data/attributes/auto-destroy-at";
        owner.patch(&path, body(json!({ "auto-destroy-at": at }))).await.is_unprocessable(pointer);
        // Neither does the duration that comes along.
        let both = json!({ "auto-destroy-at": at, "auto-destroy-activity-duration": "2h" });
        owner.patch(&path, body(both)).await.is_unprocessable(pointer);
        let new = json!({ "name": "made", "auto-destroy-at": at });
        owner.post("/organizations/acme/workspaces", body(new)).await.is_unprocessable(pointer);
    }
    for duration in ["0d", "-1h", "1.5h", "99999d", "1m", ""] {
        let attributes = json!({ "auto-destroy-activity-duration": duration });
        let pointer = "/data/attributes/auto-destroy-activity-duration";
        owner.patch(&path, body(attributes.clone())).await.is_unprocessable(pointer);
        let project = json!({ "data": { "type": "projects", "attributes": attributes } });
        let project = owner.patch(format!("/projects/{}", ws.project_id), project).await;
        project.is_unprocessable(pointer);
    }
    work(&server).await;
    assert_eq!(runs(&server, &ws).await.data(), json!([]));
    assert_eq!(shown(&server, &ws).await.attribute("auto-destroy-at"), later);
    owner.get("/organizations/acme/workspaces/made").await.is_not_found();

    // Whoever sends everything back changes nothing either, even when the time has come.
    server.pass(HOUR);
    set(&server, &ws, json!({ "auto-destroy-at": later, "description": "same" })).await;
    let without = set(&server, &ws, json!({ "auto-destroy-at": null })).await;
    assert_eq!(without.attribute("auto-destroy-at"), Value::Null);
    work(&server).await;
    assert_eq!(runs(&server, &ws).await.data(), json!([]));
}

#[tokio::test]
async fn a_destroy_run_and_the_note_that_it_is_queued_are_kept_together_or_not_at_all() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let ws = server.workspace("networking").await;
    let other = server.workspace("other").await;
    let at = now.plus_seconds(3600).iso8601();
    set(&server, &ws, json!({ "auto-destroy-at": at })).await;
    server.pass(HOUR);
    // The database does not take the note.
    let note = "UPDATE workspaces SET auto_destroy_status = 'queued' WHERE id";
    server.execute(&format!("{note} = '{}'", other.id)).await;
    server.execute("CREATE UNIQUE INDEX only_one ON workspaces (auto_destroy_status)").await;
    work(&server).await;
    assert_eq!(runs(&server, &ws).await.data(), json!([]));
    assert_eq!(shown(&server, &ws).await.attribute("auto-destroy-at"), at);
    server.execute("DROP INDEX only_one").await;
    work(&server).await;
    work(&server).await;
    assert_eq!(runs(&server, &ws).await.attributes("is-destroy"), [true]);
    assert_eq!(shown(&server, &ws).await.attribute("auto-destroy-at"), Value::Null);
}

#[tokio::test]
async fn servers_that_come_at_once_queue_one_destroy_run() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let ws = server.workspace("networking").await;
    set(&server, &ws, json!({ "auto-destroy-at": now.plus_seconds(3600).iso8601() })).await;
    server.pass(HOUR);
    tokio::join!(work(&server), work(&server), work(&server));
    assert_eq!(runs(&server, &ws).await.attributes("is-destroy"), [true]);
    let after = shown(&server, &ws).await;
    assert_eq!(after.attribute("auto-destroy-status"), "queued");
}

#[tokio::test]
async fn activity_puts_destruction_off() {
    let server = Server::start().await;
    let start = server.stop_clock();
    let ws = server.workspace("networking").await;
    let timed = set(&server, &ws, json!({ "auto-destroy-activity-duration": "2h" })).await;
    let at = |seconds: i64| json!(start.plus_seconds(seconds).iso8601());
    assert_eq!(timed.attribute("auto-destroy-at"), at(7200));
    assert_eq!(timed.attribute("inherits-project-auto-destroy"), false);

    server.pass(HOUR);
    let agent = Agent::register(&server).await;
    upload(&server.owner(), &ws, false).await;
    let attributes = json!({ "auto-apply": true });
    server.owner().post("/runs", run(&ws, attributes)).await.is_created();
    server.advance().await;
    agent.must_claim().await.execute().await;
    server.advance().await;
    let apply = agent.must_claim().await;
    apply.start().await;
    apply.save_state(1, 2).await;
    apply.outcome("finished", true).await;
    apply.finish().await;
    assert_eq!(shown(&server, &ws).await.attribute("auto-destroy-at"), at(3600 + 7200));

    let without = set(&server, &ws, json!({ "auto-destroy-activity-duration": null })).await;
    assert_eq!(without.attribute("auto-destroy-at"), Value::Null);
    assert_eq!(without.attribute("auto-destroy-activity-duration"), Value::Null);
}

#[tokio::test]
async fn what_cannot_be_destroyed_is_said_to_have_failed() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let ws = server.workspace("networking").await;
    let at = now.plus_seconds(60).iso8601();
    set(&server, &ws, json!({ "auto-destroy-at": at, "allow-destroy-plan": false })).await;
    server.pass(HOUR);
    work(&server).await;
    assert_eq!(runs(&server, &ws).await.data(), json!([]));
    let after = shown(&server, &ws).await;
    assert_eq!(after.attribute("auto-destroy-status"), "errored");
    assert_eq!(after.attribute("auto-destroy-at"), Value::Null);
}

#[tokio::test]
async fn workspaces_inherit_the_duration_of_their_project() {
    let server = Server::start().await;
    let start = server.stop_clock();
    let ws = server.workspace("networking").await;
    let own = server.workspace("own").await;
    set(&server, &own, json!({ "auto-destroy-activity-duration": "1h" })).await;
    let project = format!("/projects/{}", ws.project_id);
    let body = json!({ "data": { "type": "projects", "attributes": {
        "auto-destroy-activity-duration": "2h",
    } } });
    server.owner().patch(&project, body).await.is_ok();
    let at = |seconds: i64| json!(start.plus_seconds(seconds).iso8601());
    for (ws, duration, time) in [
        (&ws, "2h", at(7200)),
        (&own, "1h", at(3600)),
        (&server.workspace("later").await, "2h", at(7200)),
    ] {
        let shown = shown(&server, ws).await;
        assert_eq!(shown.attribute("auto-destroy-activity-duration"), duration);
        assert_eq!(shown.attribute("auto-destroy-at"), time);
    }
    // Null is nothing of its own.
    for nothing in [
        json!({ "auto-destroy-at": null }),
        json!({ "auto-destroy-activity-duration": null }),
        json!({ "auto-destroy-at": null, "auto-destroy-activity-duration": null }),
    ] {
        let still = set(&server, &ws, nothing).await;
        assert_eq!(still.attribute("inherits-project-auto-destroy"), true);
        assert_eq!(still.attribute("auto-destroy-activity-duration"), "2h");
        assert_eq!(still.attribute("auto-destroy-at"), at(7200));
    }
    let new = json!({ "data": { "type": "workspaces", "attributes": {
        "name": "from-the-start", "auto-destroy-at": null,
    } } });
    let new = server.owner().post("/organizations/acme/workspaces", new).await.is_created();
    assert_eq!(new.attribute("inherits-project-auto-destroy"), true);
    assert_eq!(new.attribute("auto-destroy-at"), at(7200));
    for nothing in ["auto-destroy-activity-duration", "auto-destroy-at"] {
        set(&server, &own, json!({ "auto-destroy-activity-duration": "1h" })).await;
        let none = set(&server, &own, json!({ nothing: null })).await;
        assert_eq!(none.attribute("inherits-project-auto-destroy"), false);
        assert_eq!(none.attribute("auto-destroy-activity-duration"), Value::Null);
        assert_eq!(none.attribute("auto-destroy-at"), Value::Null);
    }
    let both = |duration: &str| {
        json!({
            "inherits-project-auto-destroy": true, "auto-destroy-activity-duration": duration,
        })
    };
    let body = json!({ "data": { "type": "workspaces", "attributes": both("3h") } });
    let refused = server.owner().patch(format!("/workspaces/{}", own.id), body).await;
    refused.is_unprocessable("/data/attributes/auto-destroy-activity-duration");
    let shown = set(&server, &ws, both("2h")).await;
    assert_eq!(shown.attribute("inherits-project-auto-destroy"), true);
    let back = set(&server, &own, json!({ "inherits-project-auto-destroy": true })).await;
    assert_eq!(back.attribute("auto-destroy-activity-duration"), "2h");
    assert_eq!(back.attribute("auto-destroy-at"), at(7200));
}

#[tokio::test]
async fn a_workspace_that_moves_takes_the_duration_of_its_new_project_and_nothing_of_the_old() {
    let server = Server::start().await;
    let start = server.stop_clock();
    let owner = server.owner();
    let at = |seconds: i64| json!(start.plus_seconds(seconds).iso8601());
    let (short, long, never) = (
        server.project("short").await,
        server.project("long").await,
        server.project("never").await,
    );
    for (project, duration) in [(&short, "1h"), (&long, "2h")] {
        let body = json!({ "data": { "type": "projects", "attributes": {
            "auto-destroy-activity-duration": duration,
        } } });
        owner.patch(format!("/projects/{}", project.id), body).await.is_ok();
    }
    let project = |id: &domain::id::ProjectId| json!({ "project": { "data": { "type": "projects", "id": id } } });
    let (ws, own) = (server.workspace("inherits").await, server.workspace("own").await);
    set(&server, &own, json!({ "auto-destroy-activity-duration": "3h" })).await;
    let changed = async |ws: &Workspace, to: &domain::id::ProjectId| {
        let body = json!({ "data": { "type": "workspaces", "relationships": project(to) } });
        owner.patch(format!("/workspaces/{}", ws.id), body).await.is_ok();
    };
    let sent = async |ws: &Workspace, to: &domain::id::ProjectId| {
        let body = json!({ "data": [{ "type": "workspaces", "id": ws.id }] });
        let path = format!("/projects/{to}/relationships/workspaces");
        assert_eq!(owner.post(path, body).await.status, 204);
    };
    let shows = async |ws: &Workspace, duration: Value, time: Value| {
        let shown = shown(&server, ws).await;
        assert_eq!(shown.attribute("auto-destroy-activity-duration"), duration);
        assert_eq!(shown.attribute("auto-destroy-at"), time);
    };
    for by_patch in [true, false] {
        for (to, duration, time) in [
            (&short.id, json!("1h"), at(3600)),
            (&long.id, json!("2h"), at(7200)),
            (&never.id, Value::Null, Value::Null),
        ] {
            for ws in [&ws, &own] {
                if by_patch { changed(ws, to).await } else { sent(ws, to).await }
            }
            shows(&ws, duration, time).await;
            // Its own stays.
            shows(&own, json!("3h"), at(10_800)).await;
        }
    }
}
