//! Events, and those who read them.

use std::time::Duration;

use domain::{Happened, events, row::Workspace};
use serde_json::{Value, json};
use testkit::{Server, TestDatabase};

use crate::runs::{run, upload};

/// A workspace whose applies trigger runs in another one.
async fn source(server: &Server) -> Workspace {
    let (source, target) =
        (Box::pin(server.workspace("source")).await, Box::pin(server.workspace("target")).await);
    let body = json!({ "data": { "type": "run-triggers", "relationships": {
        "sourceable": { "data": { "type": "workspaces", "id": source.id } } } } });
    server.owner().post(format!("/workspaces/{}/run-triggers", target.id), body).await.is_created();
    source
}

async fn applied(server: &Server, source: &Workspace, run: &str) {
    server.telling(Happened::RunApplied, source, run).await.commit().await.unwrap();
}

/// The runs that are to trigger others, as tasks name them.
async fn triggering(server: &Server) -> Vec<String> {
    let payloads = server.tasks("trigger_run").await;
    let run = |task: &Value| task["run"].as_str().unwrap().to_owned();
    let mut runs: Vec<_> = payloads.iter().map(run).collect();
    runs.sort();
    runs
}

#[tokio::test]
async fn an_event_is_taken_once() {
    let server = Server::start().await;
    let source = source(&server).await;
    applied(&server, &source, "run-1").await;
    assert_eq!(triggering(&server).await, [""; 0]);
    for _ in 0..3 {
        events::read(&server.system()).await.unwrap();
        assert_eq!(triggering(&server).await, ["run-1"]);
    }
}

#[tokio::test]
async fn what_several_readers_want_is_taken_in_one_commit() {
    let server = Server::start().await;
    let source = source(&server).await;
    events::read(&server.system()).await.unwrap();
    let readers =
        "SELECT DISTINCT name FROM event_readers WHERE number = (SELECT MAX(number) FROM events)";
    applied(&server, &source, "run-1").await;
    assert_eq!(server.words(readers).await, [""; 0]);
    let before = server.db.commits();
    for _ in 0..2 {
        events::read(&server.system()).await.unwrap();
        assert_eq!(server.db.commits() - before, 1);
    }
    assert!(server.words(readers).await.len() > 2);
    assert_eq!(triggering(&server).await, ["run-1"]);
}

#[tokio::test]
async fn no_reader_misses_an_event_of_a_transaction_that_ends_behind_a_later_one() {
    let server = Server::start().await;
    let why = "there is one writer, so that transactions end in the order in which they begin";
    if TestDatabase::is_left_to_postgres(why) {
        return;
    }
    let source = source(&server).await;
    let late = server.telling(Happened::RunApplied, &source, "run-1").await;
    applied(&server, &source, "run-2").await;
    events::read(&server.system()).await.unwrap();
    late.commit().await.unwrap();
    events::read(&server.system()).await.unwrap();
    assert_eq!(triggering(&server).await, ["run-1", "run-2"]);
}

#[tokio::test]
async fn more_events_than_fit_into_one_go_are_all_taken() {
    let server = Server::start().await;
    let source = source(&server).await;
    let tx = server.telling(Happened::RunApplied, &source, "run-0").await;
    for number in 1..250 {
        server.tell(&tx, Happened::RunApplied, &source, &format!("run-{number}")).await;
    }
    tx.commit().await.unwrap();
    events::read(&server.system()).await.unwrap();
    assert_eq!(triggering(&server).await.len(), 250);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_holds_up_no_other_and_is_taken_when_it_can() {
    let server = Server::start().await;
    server.stop_clock();
    let source = source(&server).await;
    for run in ["run-1", "run-2", "run-3"] {
        applied(&server, &source, run).await;
    }
    server.execute("UPDATE events SET detail = 'what?' WHERE run_id = 'run-2'").await;
    events::read(&server.system()).await.unwrap();
    assert_eq!(triggering(&server).await, ["run-1", "run-3"]);
    events::take_again(&server.system()).await.unwrap();
    assert_eq!(triggering(&server).await, ["run-1", "run-3"]);
    server.execute("UPDATE events SET detail = '{}' WHERE run_id = 'run-2'").await;
    server.pass(Duration::from_mins(5));
    for _ in 0..2 {
        events::take_again(&server.system()).await.unwrap();
        assert_eq!(triggering(&server).await, ["run-1", "run-2", "run-3"]);
    }
}

#[tokio::test]
async fn a_reader_without_a_cursor_begins_with_what_happens_from_now_on() {
    let server = Server::start().await;
    let source = source(&server).await;
    applied(&server, &source, "run-1").await;
    server.execute("DELETE FROM event_readers").await;
    events::read(&server.system()).await.unwrap();
    applied(&server, &source, "run-2").await;
    events::read(&server.system()).await.unwrap();
    assert_eq!(triggering(&server).await, ["run-2"]);
}

/// What happened to workspaces and other things, by its word.
async fn kept(server: &Server) -> Vec<String> {
    server.words("SELECT action FROM events ORDER BY number").await
}

fn days_pass(server: &Server, days: u64) {
    server.pass(Duration::from_hours(24 * days));
}

#[tokio::test]
async fn whoever_watches_sees_how_long_an_event_waits_to_be_read() {
    let server = Server::start().await;
    server.stop_clock();
    let behind = async || {
        let figures = domain::figures::gather(&server.app).await.unwrap();
        figures.readers.into_iter().map(|reader| (reader.name, reader.seconds)).collect::<Vec<_>>()
    };
    let source = source(&server).await;
    assert_eq!(
        behind().await,
        [("notifications", 0), ("run triggers", 0), ("audit", 0), ("commit statuses", 0)]
    );
    applied(&server, &source, "run-1").await;
    server.pass(Duration::from_secs(7));
    assert_eq!(
        behind().await,
        [("notifications", 7), ("run triggers", 7), ("audit", 7), ("commit statuses", 7)]
    );
    events::read(&server.system()).await.unwrap();
    assert_eq!(
        behind().await,
        [("notifications", 0), ("run triggers", 0), ("audit", 0), ("commit statuses", 0)]
    );
}

#[tokio::test]
async fn old_events_are_forgotten_but_those_of_runs_that_are_still_there() {
    let server = Server::start().await;
    server.stop_clock();
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    owner.post(format!("/runs/{id}/actions/cancel"), json!({})).await.is_accepted();
    let path = format!("/runs/{id}/run-events");
    let told = owner.get(&path).await.is_ok().data().as_array().unwrap().len();
    assert!(told >= 2);
    days_pass(&server, 364);
    events::read(&server.system()).await.unwrap();
    assert_eq!(events::prune(&server.system()).await.unwrap(), 0);
    days_pass(&server, 2);
    server.workspace("another").await;
    assert!(events::prune(&server.system()).await.unwrap() > 0);
    let left = kept(&server).await;
    assert!(!left.contains(&"configuration_uploaded".to_owned()), "{left:?}");
    assert_eq!(left.last().unwrap(), "workspace_created");
    assert_eq!(owner.get(&path).await.is_ok().data().as_array().unwrap().len(), told);
    // With the workspace its runs go, and then nobody asks for their events any more.
    owner.delete(format!("/workspaces/{}", ws.id)).await.is_no_content();
    events::prune(&server.system()).await.unwrap();
    assert_eq!(kept(&server).await, ["workspace_created", "workspace_deleted"]);
}

#[tokio::test]
async fn no_event_is_forgotten_that_somebody_has_not_read() {
    let server = Server::start().await;
    server.stop_clock();
    let source = source(&server).await;
    applied(&server, &source, "run-1").await;
    applied(&server, &source, "run-2").await;
    server.execute("UPDATE events SET detail = 'what?' WHERE run_id = 'run-1'").await;
    days_pass(&server, 400);
    events::prune(&server.system()).await.unwrap();
    // The second is read, and the first is set aside.
    events::read(&server.system()).await.unwrap();
    server.workspace("another").await;
    events::prune(&server.system()).await.unwrap();
    assert!(kept(&server).await.contains(&"run_applied".to_owned()));
    server.execute("UPDATE events SET detail = '{}' WHERE run_id = 'run-1'").await;
    days_pass(&server, 1);
    events::take_again(&server.system()).await.unwrap();
    assert_eq!(triggering(&server).await, ["run-1", "run-2"]);
    events::prune(&server.system()).await.unwrap();
    assert_eq!(kept(&server).await, ["workspace_created"]);
}

#[tokio::test]
async fn administrators_decide_how_long_events_are_kept() {
    let server = Server::start().await;
    server.stop_clock();
    let admin = server.site_admin();
    let path = "/admin/general-settings";
    let change = |days: Value| json!({ "data": { "type": "general-settings", "attributes": { "events-kept-days": days } } });
    assert_eq!(admin.get(path).await.is_ok().attribute("events-kept-days"), 365);
    let decided = admin.patch(path, change(json!(30))).await.is_ok();
    assert_eq!(decided.attribute("events-kept-days"), 30);
    admin.patch(path, change(json!(0))).await.is_unprocessable("/data/attributes/events-kept-days");
    events::read(&server.system()).await.unwrap();
    days_pass(&server, 31);
    server.workspace("another").await;
    events::prune(&server.system()).await.unwrap();
    assert_eq!(kept(&server).await, ["workspace_created"]);
}
