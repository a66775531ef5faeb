//! Nothing holds up what it has nothing to do with: what is held, cannot be read, cannot be executed or takes its time
//! is passed over by the queue, by agents and by deliveries.

use std::time::Duration;

use domain::{Ctx, entity::workspace, runs, scans};
use serde_json::json;
use testkit::{Client, Server, TestDatabase};

use crate::{
    agent::Agent,
    asked::Asked,
    runs::{run, upload},
};

async fn advance(server: &Server) {
    // Nobody waits here for whatever another one holds; without the limit a failure would be a test without an end.
    let cx = server.system();
    let pass = runs::advance_all(&cx);
    tokio::time::timeout(Duration::from_mins(2), pass).await.expect("it waits").unwrap();
}

async fn status(client: &Client<'_>, id: &str) -> String {
    let run = client.get(format!("/runs/{id}")).await.is_ok();
    run.attribute("status").as_str().unwrap().to_owned()
}

async fn make_unreadable(server: &Server, id: &str) {
    server.execute(&format!("UPDATE runs SET source = 'tomorrow' WHERE id = '{id}'")).await;
}

#[tokio::test]
async fn a_workspace_that_somebody_holds_holds_up_no_other() {
    let server = Server::start().await;
    let _agent = Agent::register(&server).await;
    let owner = server.owner();
    let mut ids = Vec::new();
    for name in ["held", "free"] {
        let ws = server.workspace(name).await;
        upload(&owner, &ws, false).await;
        let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
        ids.push((ws, id));
    }
    // SQLite has one writer: whoever holds a row there holds them all, and nobody does for long.
    let tx = if TestDatabase::is_postgres() {
        let tx = server.db.write().await.unwrap();
        tx.lock::<workspace::Entity>(ids[0].0.id.clone()).await.unwrap().unwrap();
        Some(tx)
    } else {
        None
    };
    advance(&server).await;
    assert_eq!(status(&owner, &ids[1].1).await, "plan_queued");
    if let Some(tx) = tx {
        assert_eq!(status(&owner, &ids[0].1).await, "pending");
        drop(tx);
        // The rollback of a dropped transaction goes its own way; a lock waits for it.
        let tx = server.db.write().await.unwrap();
        tx.lock::<workspace::Entity>(ids[0].0.id.clone()).await.unwrap().unwrap();
        tx.commit().await.unwrap();
    }
    advance(&server).await;
    assert_eq!(status(&owner, &ids[0].1).await, "plan_queued");
}

#[tokio::test]
async fn a_run_that_cannot_be_read_holds_up_no_other_not_even_in_its_workspace() {
    let server = Server::start().await;
    let _agent = Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(owner.post("/runs", run(&ws, json!({}))).await.is_created().id());
    }
    let other = server.workspace("other").await;
    upload(&owner, &other, false).await;
    let other = owner.post("/runs", run(&other, json!({}))).await.is_created().id();
    make_unreadable(&server, &ids[0]).await;
    make_unreadable(&server, &ids[1]).await;
    for _ in 0..3 {
        advance(&server).await;
    }
    assert_eq!(status(&owner, &other).await, "plan_queued");
    assert_eq!(status(&owner, &ids[2]).await, "plan_queued");
    assert_eq!(status(&owner, &ids[3]).await, "pending");
    // Told by name and count, and over when it is.
    assert_eq!(server.app.troubles().count("the queue"), 2);
    let mend = "UPDATE runs SET source = 'tfe-api'";
    server.execute(mend).await;
    owner.post(format!("/runs/{}/actions/cancel", ids[2]), json!({})).await.is_accepted();
    advance(&server).await;
    assert_eq!(status(&owner, &ids[0]).await, "plan_queued");
}

#[tokio::test]
async fn one_that_cannot_be_read_keeps_no_chore_from_the_others() {
    let server = Server::start().await;
    server.stop_clock();
    let agent = Agent::register(&server).await;
    let owner = server.owner();
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        let ws = server.workspace(name).await;
        upload(&owner, &ws, false).await;
        ids.push(owner.post("/runs", run(&ws, json!({}))).await.is_created().id());
        advance(&server).await;
        server.pass(Duration::from_millis(5));
    }
    make_unreadable(&server, &ids[0]).await;
    // Agents get what is behind it.
    let job = agent.must_claim().await;
    assert_eq!(job.run(), ids[1]);
    job.start().await;
    let mend = format!("UPDATE runs SET source = 'tfe-api' WHERE id = '{}'", ids[0]);
    server.execute(&mend).await;
    let first = agent.must_claim().await;
    assert_eq!(first.run(), ids[0]);
    make_unreadable(&server, &ids[0]).await;
    // Lost agents are noticed.
    for _ in 0..3 {
        server.pass(Duration::from_secs(61));
        domain::agents::sweep(&server.system()).await.unwrap();
        if let Some(again) = agent.claim().await {
            again.start().await;
        }
    }
    server.pass(Duration::from_secs(61));
    domain::agents::sweep(&server.system()).await.unwrap();
    assert_eq!(status(&owner, &ids[1]).await, "errored");
}

#[tokio::test]
async fn jobs_that_only_others_can_do_do_not_hide_those_behind_them() {
    let server = Server::start_with(|options| options.settings.concurrency = 200).await;
    server.stop_clock();
    let owner = server.owner();
    // An agent that has a version of its own, and claims nothing.
    let client = server.bearer(server.app.embedded_agent_token().expose());
    let body = json!({
        "name": "other", "version": "0", "instance": "other",
        "engines": [{ "kind": "terraform", "version": "1.8.4" }],
    });
    client.post("/agent/v1/register", body).await.is_ok();
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    upload(&owner, &ws, false).await;
    let special = json!({ "plan-only": true, "terraform-version": "1.8.4" });
    let first = owner.post("/runs", run(&ws, special)).await.is_created().id();
    server.multiply(&first, 120).await;
    server.pass(Duration::from_secs(1));
    let usual = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    advance(&server).await;
    assert_eq!(status(&owner, &first).await, "plan_queued");
    assert_eq!(agent.must_claim().await.run(), usual);
    assert!(agent.claim().await.is_none());
}

#[tokio::test]
async fn no_more_begins_than_there_are_slots_and_the_oldest_first() {
    let server = Server::start_with(|options| options.settings.concurrency = 3).await;
    server.stop_clock();
    let _agent = Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let first = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let others = server.multiply(&first, 500).await;
    advance(&server).await;
    advance(&server).await;
    for id in [&first, &others[0], &others[1]] {
        assert_eq!(status(&owner, id).await, "plan_queued");
    }
    for id in [&others[2], &others[499]] {
        assert_eq!(status(&owner, id).await, "pending");
    }
}

/// Makes what a busy server has: many runs that are over, and some that wait.
async fn fill(server: &Server) -> Ctx {
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let first = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.multiply(&first, 3000).await;
    server
        .execute("UPDATE runs SET status = 'applied', is_final = TRUE WHERE created_at % 20 <> 0")
        .await;
    server.execute("ANALYZE").await;
    server.system()
}

#[tokio::test]
async fn whatever_looks_for_work_reads_an_index() {
    let server = Server::start().await;
    let cx = fill(&server).await;
    for (name, statement) in scans::all(&cx) {
        let plan = server.explain(&statement).await;
        for scanned in ["SCAN r", "SCAN runs", "SCAN e", "SCAN jobs", "SCAN j", "Seq Scan on runs"]
        {
            let reads = |line: &&str| {
                let line = line.trim_start_matches([' ', '-', '>']);
                line.strip_prefix(scanned)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            };
            let found: Vec<_> = plan.lines().filter(reads).collect();
            assert!(found.is_empty(), "{name} is read by a scan:\n{plan}");
        }
    }
}

/// What a pass asks the database that finds room for three runs, and what the next one asks that finds none.
async fn costs(waiting: usize) -> [usize; 2] {
    let server = Server::start_with(|options| options.settings.concurrency = 3).await;
    let _agent = Agent::register(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let first = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.multiply(&first, waiting).await;
    let asked = Asked::default();
    let _counting = metrics::set_default_local_recorder(&asked);
    advance(&server).await;
    let begun = asked.take();
    advance(&server).await;
    [begun, asked.take()]
}

#[tokio::test]
async fn a_pass_costs_the_same_whether_few_runs_wait_or_thousands() {
    let few = Box::pin(costs(10)).await;
    assert_eq!(Box::pin(costs(5000)).await, few);
    assert!(few[1] > 0 && few[1] <= 5 && few[0] > few[1], "{few:?}");
}
