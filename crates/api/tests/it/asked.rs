//! What requests cost the database, in statements: how few are enough, and that a commit does not make them more.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use domain::Happened;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use serde_json::json;
use testkit::{Client, Server};

/// Counts what this thread asks the database.
#[derive(Clone, Default)]
pub struct Asked(Arc<AtomicUsize>);

impl Asked {
    /// How many statements since the last time.
    pub fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl metrics::HistogramFn for Asked {
    fn record(&self, _: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Recorder for Asked {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        match key.name() {
            "statehouse_database_statement_duration_seconds" => {
                Histogram::from_arc(Arc::new(self.clone()))
            }
            _ => Histogram::noop(),
        }
    }
}

/// The fewest that one request has asked: once a second it is looked whether another process has decided anything, and
/// that second may end at any time.
async fn fewest(asked: &Asked, client: &Client<'_>, path: &str) -> usize {
    let mut fewest = usize::MAX;
    for _ in 0..4 {
        asked.take();
        client.get(path).await.is_ok();
        fewest = fewest.min(asked.take());
    }
    fewest
}

#[tokio::test]
async fn a_workspace_is_read_by_few_statements_whatever_else_is_committed() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let (owner, reader) = (server.owner(), server.reader(&ws));
    let path = format!("/workspaces/{}", ws.id);
    reader.get(&path).await.is_ok();
    let asked = Asked::default();
    let _counting = metrics::set_default_local_recorder(&asked);
    let few = fewest(&asked, &reader, &path).await;
    assert!(few <= 6, "{few} statements");

    let described =
        json!({ "data": { "type": "workspaces", "attributes": { "description": "x" } } });
    let mut after = Vec::new();
    for _ in 0..4 {
        owner.patch(&path, described.clone()).await.is_ok();
        asked.take();
        reader.get(&path).await.is_ok();
        after.push(asked.take());
    }
    assert_eq!(after.iter().min(), Some(&few), "{after:?}");

    // The count would show who looks the caller up again.
    let team = json!({ "data": { "type": "teams", "attributes": { "name": "new" } } });
    owner.post("/organizations/acme/teams", team).await.is_created();
    asked.take();
    reader.get(&path).await.is_ok();
    assert!(asked.take() > few + 4);
}

#[tokio::test]
async fn a_page_costs_as_many_statements_as_one_workspace_or_less() {
    let server = Server::start().await;
    for number in 0..30 {
        server.workspace(&format!("workspace-{number}")).await;
    }
    let owner = server.owner();
    let asked = Asked::default();
    let _counting = metrics::set_default_local_recorder(&asked);
    let page = "/organizations/acme/workspaces?page[size]=";
    let one = fewest(&asked, &owner, &format!("{page}1")).await;
    let thirty = fewest(&asked, &owner, &format!("{page}30")).await;
    assert_eq!(one, thirty);
    assert!(one <= 6, "{one} statements");
}

#[tokio::test]
async fn an_entry_of_the_audit_trail_asks_nothing_that_another_has_asked() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let asked = Asked::default();
    let _counting = metrics::set_default_local_recorder(&asked);
    let mut reads = Vec::new();
    for events in [2, 40] {
        domain::events::read(&server.system()).await.unwrap();
        let tx = server.telling(Happened::WorkspaceUpdated, &ws, "run-1").await;
        for _ in 1..events {
            server.tell(&tx, Happened::WorkspaceUpdated, &ws, "run-1").await;
        }
        tx.commit().await.unwrap();
        asked.take();
        domain::events::read(&server.system()).await.unwrap();
        reads.push(asked.take());
    }
    assert_eq!(reads[0], reads[1], "{reads:?} statements");
}
