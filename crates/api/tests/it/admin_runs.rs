//! The runs of all organizations, for administrators of the site.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

const PATH: &str = "/admin/runs";

async fn ids(admin: &Client<'_>, query: &str) -> Vec<Value> {
    let list = admin.get(format!("{PATH}?{query}")).await.is_ok().data();
    list.as_array().unwrap().iter().map(|run| run["id"].clone()).collect()
}

fn force_cancel(id: &str) -> String {
    format!("{PATH}/{id}/actions/force-cancel")
}

#[tokio::test]
async fn administrators_find_every_run_and_see_how_it_stands() {
    let server = Server::start().await;
    server.stop_clock();
    let (admin, owner) = (server.site_admin(), server.owner());
    let (ws, storage) = (server.workspace("networking").await, server.workspace("storage").await);
    upload(&owner, &ws, false).await;
    upload(&owner, &storage, false).await;
    let older = owner.post("/runs", run(&ws, json!({ "message": "secret" }))).await.is_created();
    server.pass(Duration::from_mins(1));
    let newer = owner.post("/runs", run(&storage, json!({}))).await.is_created();
    let (older_id, newer_id) = (older.id(), newer.id());

    assert_eq!(ids(&admin, "").await, [&*newer_id, &*older_id]);
    for query in [&*format!("q={older_id}"), "q=NETWORK"] {
        assert_eq!(ids(&admin, query).await, [&*older_id], "{query}");
    }
    for query in ["q=acm", "q=acme@example"] {
        assert_eq!(ids(&admin, query).await.len(), 2, "{query}");
    }
    assert_eq!(ids(&admin, "q=nowhere").await, Vec::<Value>::new());
    assert_eq!(ids(&admin, "filter[status]=pending,applied").await.len(), 2);
    assert_eq!(ids(&admin, "filter[status]=applied").await, Vec::<Value>::new());
    let at = newer.attribute("created-at");
    let at = at.as_str().unwrap();
    assert_eq!(ids(&admin, &format!("filter[from]={at}")).await, [&*newer_id]);
    let before = older.attribute("created-at");
    let before = before.as_str().unwrap();
    assert_eq!(ids(&admin, &format!("filter[to]={before}")).await, [&*older_id]);
    assert_eq!(ids(&admin, &format!("filter[from]={at}&filter[to]={before}")).await.len(), 0);
    admin.get(format!("{PATH}?filter[from]=yesterday")).await.is_bad_request();

    let shown = admin.get(format!("{PATH}?include=workspace.organization.owners")).await.is_ok();
    assert!(!shown.text().contains("secret"), "{shown}");
    let included = shown.json()["included"].as_array().unwrap().clone();
    let mut types: Vec<_> = included.iter().map(|item| item["type"].clone()).collect();
    types.sort_by_key(Value::to_string);
    assert_eq!(types, ["organizations", "users", "workspaces", "workspaces"]);
    owner.get(PATH).await.is_not_found();
    owner.post(force_cancel(&older.id()), ()).await.is_not_found();
}

#[tokio::test]
async fn an_administrator_cancels_what_does_not_go_on() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let (admin, owner) = (server.site_admin(), server.owner());
    upload(&owner, &ws, false).await;
    let first = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let second = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let status = async |id: &str| owner.get(format!("/runs/{id}")).await.is_ok();
    // What has not begun is over at once.
    admin.post(force_cancel(&second), json!({ "comment": "Misclick" })).await.is_ok();
    assert_eq!(status(&second).await.attribute("status"), "canceled");
    let comments = owner.get(format!("/runs/{second}/comments")).await.is_ok();
    assert_eq!(comments.attributes("body"), ["Misclick"]);
    admin.post(force_cancel(&second), ()).await.is_conflict();

    // An engine is killed, without a cancel before it.
    server.advance().await;
    let plan = agent.must_claim().await;
    assert_eq!(plan.start().await, 204);
    admin.post(force_cancel(&first), ()).await.is_ok();
    assert_eq!(plan.cancel_order().await, "force");
    admin.post(force_cancel(&first), ()).await.is_conflict();
    assert!(!status(&first).await.attribute("canceled-at").is_null());
    admin.post(force_cancel("run-1111111111111111"), ()).await.is_not_found();
}
