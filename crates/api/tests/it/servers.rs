//! Two servers on one database.

use std::time::Duration;

use domain::{bell, events, keeper, notifications, row::Workspace, run_triggers};
use serde_json::json;
use testkit::{Client, Server, TestDatabase, Working};

use crate::{
    agent::Agent,
    notifications::{Recipient, generic, loopback, of},
    runs::{run, upload},
};

const NEVER: Duration = Duration::from_hours(1);
const SOON: Duration = Duration::from_millis(50);
/// Why there is nothing to see on SQLite.
pub const ONE_SERVER: &str = "a database in a file belongs to one server";

/// Without the limit a failure would be a test without an end.
async fn in_time(what: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_mins(2), what).await.expect("it waits");
}

async fn ready(server: &Server, name: &str) -> Workspace {
    let ws = Box::pin(server.workspace(name)).await;
    Box::pin(upload(&server.owner(), &ws, false)).await;
    ws
}

/// Makes a run, and waits until its plan is queued.
async fn is_dispatched(owner: &Client<'_>, ws: &Workspace) {
    let id = Box::pin(owner.post("/runs", run(ws, json!({})))).await.is_created().id();
    in_time(Box::pin(async {
        let shown = async || owner.get(format!("/runs/{id}")).await.is_ok();
        while shown().await.attribute("status") != "plan_queued" {
            tokio::task::yield_now().await;
        }
    }))
    .await;
}

#[tokio::test]
async fn a_run_that_is_queued_at_one_server_is_dispatched_by_the_other_as_soon_as_it_is_told() {
    if TestDatabase::is_left_to_postgres(ONE_SERVER) {
        return;
    }
    let server = Server::start().await;
    let _agent = Agent::register(&server).await;
    let other = server.beside().await;
    let working = Working::at(&other, NEVER);
    let app = server.app.clone();
    let telling = tokio::spawn(async move { bell::with_others(&app).await });
    // The first may be found by chance, while the other one begins; of all the others it has to be told.
    for number in 0..6 {
        let ws = ready(&server, &format!("networking-{number}")).await;
        is_dispatched(&server.owner(), &ws).await;
    }
    // A lost connection is made anew.
    server
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND query LIKE 'LISTEN%'",
        )
        .await;
    for number in 6..9 {
        let ws = ready(&server, &format!("networking-{number}")).await;
        is_dispatched(&server.owner(), &ws).await;
    }
    telling.abort();
    working.end().await;
}

#[tokio::test]
async fn a_run_is_dispatched_by_the_other_server_when_nobody_tells_it() {
    let server = Server::start().await;
    let _agent = Agent::register(&server).await;
    let other = server.beside().await;
    let working = Working::at(&other, SOON);
    for number in 0..3 {
        let ws = ready(&server, &format!("networking-{number}")).await;
        is_dispatched(&server.owner(), &ws).await;
    }
    working.end().await;
}

#[tokio::test]
async fn two_servers_tell_everybody_once_and_trigger_each_run_once() {
    const PAIRS: usize = 5;
    if TestDatabase::is_left_to_postgres(ONE_SERVER) {
        return;
    }
    let server = Server::start_with(loopback).await;
    let (owner, agent) = (server.owner(), Agent::register(&server).await);
    let recipient = Recipient::new().await;
    let (mut sources, mut targets) = (Vec::new(), Vec::new());
    for number in 0..PAIRS {
        let source = ready(&server, &format!("source-{number}")).await;
        let target = ready(&server, &format!("target-{number}")).await;
        let trigger = json!({ "data": { "type": "run-triggers", "relationships": {
            "sourceable": { "data": { "type": "workspaces", "id": source.id } } } } });
        owner.post(format!("/workspaces/{}/run-triggers", target.id), trigger).await.is_created();
        let hook = generic(&recipient.url, true, &["run:created", "run:completed"]);
        owner.post(of(&source), hook).await.is_created();
        sources.push(source);
        targets.push(target);
    }
    let other = server.beside().await;
    let (one, two) = (Working::at(&server.app, SOON), Working::at(&other, SOON));
    for source in &sources {
        let new = run(source, json!({ "auto-apply": true }));
        owner.post("/runs", new).await.is_created();
    }
    let triggered = async || {
        let mut count = 0;
        for target in &targets {
            let runs = owner.get(format!("/workspaces/{}/runs", target.id)).await.is_ok();
            count += runs.data().as_array().unwrap().len();
        }
        count
    };
    in_time(Box::pin(async {
        while triggered().await < PAIRS || recipient.triggers().await.len() < 2 * PAIRS {
            if let Some(job) = agent.claim().await {
                job.execute().await;
            }
        }
    }))
    .await;
    let keeping = [&server.app, &other].into_iter().filter(|app| keeper::is_here(app)).count();
    assert_eq!(keeping, 1);
    one.end().await;
    two.end().await;
    // Nothing is left that would come later.
    let cx = server.system();
    events::read(&cx).await.unwrap();
    run_triggers::work(&cx).await.unwrap();
    notifications::deliveries().finish(&cx).await.unwrap();
    assert_eq!(triggered().await, PAIRS);
    let mut told = recipient.triggers().await;
    told.sort();
    assert_eq!(told, [["run:completed"; PAIRS], ["run:created"; PAIRS]].concat());
}
