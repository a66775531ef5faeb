//! How the databases mean to read the lists that grow: a page comes in the order of an index, and no filter reads the
//! workspaces of everybody.

use domain::{
    Order,
    entity::run::Status,
    row::Workspace,
    scans,
    tags::TagFilter,
    workspaces::{Filter, Sort},
};
use serde_json::json;
use testkit::Server;

use crate::runs::{run, upload};

/// An organization with many workspaces, each with a run, and as many that have none.
async fn filled(server: &Server) -> Workspace {
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    let first = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.multiply(&first, 3000).await;
    server
        .execute(
            "UPDATE workspaces SET current_run_created_at = created_at + length(name), \
             current_run_status = 'pending' WHERE name LIKE '%7'",
        )
        .await;
    server
        .execute("UPDATE runs SET status = 'applied', is_final = TRUE WHERE created_at % 3 = 0")
        .await;
    server.execute("ANALYZE").await;
    ws
}

/// Lines that sort more than the last terms of what an index has ordered.
fn sorts(plan: &str) -> Vec<&str> {
    let sorts = |line: &&str| {
        let line = line.trim_start_matches([' ', '-', '>']);
        line.starts_with("Sort ") || line.starts_with("Incremental Sort") || line.contains("B-TREE")
    };
    plan.lines().filter(sorts).collect()
}

#[tokio::test]
async fn every_order_of_workspaces_is_the_order_of_an_index() {
    let server = Server::start().await;
    filled(&server).await;
    let cx = server.system();
    for sort in [Sort::Name, Sort::LatestChangeAt, Sort::CurrentRunCreatedAt] {
        for order in [Order::Ascending, Order::Descending] {
            let statement = scans::workspaces(&cx, "acme", Filter::default(), sort, order).await;
            let plan = server.explain(&statement.unwrap()).await;
            assert_eq!(sorts(&plan), [""; 0], "{sort:?} {order:?}:\n{plan}");
        }
    }
}

#[tokio::test]
async fn every_list_of_runs_comes_in_the_order_of_an_index() {
    let server = Server::start().await;
    let ws = filled(&server).await;
    for (name, statement) in scans::runs(&server.system(), "acme", &ws.id) {
        let plan = server.explain(&statement).await;
        assert_eq!(sorts(&plan), [""; 0], "{name}:\n{plan}");
    }
}

#[tokio::test]
async fn no_filter_of_workspaces_reads_those_of_other_organizations() {
    let server = Server::start().await;
    let ws = filled(&server).await;
    let attributes = json!({ "name": "other", "email": "a@example.com" });
    let other = json!({ "data": { "type": "organizations", "attributes": attributes } });
    server.site_admin().post("/organizations", other).await.is_created();
    let most = "UPDATE workspaces SET organization_name = 'other' WHERE name LIKE 'n%' AND name NOT LIKE '%7'";
    server.execute(most).await;
    server.execute("ANALYZE").await;
    let cx = server.system();
    let tag = || TagFilter { key: Some("team".into()), value: None };
    let filters = [
        ("search", Filter { search: Some("working-17".into()), ..Filter::default() }),
        ("wildcard", Filter { wildcard: Some("*-17".into()), ..Filter::default() }),
        ("project", Filter { project: Some(ws.project_id.clone()), ..Filter::default() }),
        ("tags", Filter { tags: vec!["team".into()], ..Filter::default() }),
        ("other tags", Filter { without_tags: vec!["team".into()], ..Filter::default() }),
        ("bindings", Filter { tagged: vec![tag()], ..Filter::default() }),
        ("current run", Filter { current_run_status: vec![Status::Pending], ..Filter::default() }),
        ("either run", Filter { run_status: vec![Status::Pending], ..Filter::default() }),
    ];
    for (name, filter) in filters {
        let statement = scans::workspaces(&cx, "acme", filter, Sort::Name, Order::Ascending).await;
        let plan = server.explain(&statement.unwrap()).await;
        for scanned in
            ["SCAN workspaces", "Seq Scan on workspaces", "SCAN runs", "Seq Scan on runs"]
        {
            assert!(!plan.contains(scanned), "{name}:\n{plan}");
        }
        if server.db.is_postgres() && name == "search" {
            assert!(plan.contains("workspaces_name_parts"), "{name}:\n{plan}");
        }
    }
}
