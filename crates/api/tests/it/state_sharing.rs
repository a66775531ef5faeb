//! `/workspaces/:id/relationships/remote-state-consumers`, and what the engine inside a run may therefore read

use domain::{Ctx, can, row::Workspace, workspaces};
use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::runs::{run, upload};

fn named(workspaces: &[&Workspace]) -> Value {
    let data: Vec<_> =
        workspaces.iter().map(|ws| json!({ "type": "workspaces", "id": ws.id })).collect();
    json!({ "data": data })
}

fn path(ws: &Workspace) -> String {
    format!("/workspaces/{}/relationships/remote-state-consumers", ws.id)
}

async fn names(client: &Client<'_>, ws: &Workspace) -> Vec<Value> {
    client.get(path(ws)).await.is_ok().attributes("name")
}

async fn set(server: &Server, ws: &Workspace, name: &str, value: bool) {
    let mut attributes = serde_json::Map::new();
    attributes.insert(name.to_owned(), value.into());
    let body = json!({ "data": { "type": "workspaces", "attributes": attributes } });
    server.owner().patch(format!("/workspaces/{}", ws.id), body).await.is_ok();
}

#[tokio::test]
async fn consumers_are_added_replaced_and_removed() {
    let server = Server::start().await;
    let [ws, a, b] = [
        server.workspace("networking").await,
        server.workspace("a").await,
        server.workspace("b").await,
    ];
    let owner = server.owner();
    owner.post(path(&ws), named(&[&a])).await.is_no_content();
    owner.post(path(&ws), named(&[&a, &b])).await.is_no_content();
    assert_eq!(names(&owner, &ws).await, ["a", "b"]);
    owner.delete_with(path(&ws), named(&[&a])).await.is_no_content();
    owner.delete_with(path(&ws), named(&[&a])).await.is_no_content();
    assert_eq!(names(&owner, &ws).await, ["b"]);
    owner.patch(path(&ws), named(&[&a])).await.is_no_content();
    assert_eq!(names(&owner, &ws).await, ["a"]);
    owner.patch(path(&ws), named(&[])).await.is_no_content();
    assert_eq!(names(&owner, &ws).await, Vec::<Value>::new());
    assert_eq!(names(&owner, &a).await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_list_is_paged() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let (a, b) = (server.workspace("a").await, server.workspace("b").await);
    let owner = server.owner();
    owner.post(path(&ws), named(&[&a, &b])).await.is_no_content();
    let second = owner.get(format!("{}?page[number]=2&page[size]=1", path(&ws))).await.is_ok();
    assert_eq!(second.attributes("name"), ["b"]);
    assert_eq!(second.json()["meta"]["pagination"]["total-count"], 2);
}

#[tokio::test]
async fn who_shares_with_all_names_nobody() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let (a, _b) = (server.workspace("a").await, server.workspace("b").await);
    let owner = server.owner();
    owner.post(path(&ws), named(&[&a])).await.is_no_content();
    set(&server, &ws, "global-remote-state", true).await;
    assert_eq!(names(&owner, &ws).await, ["a", "b"]);
    let configured = owner.get(format!("{}?show_only_configured=true", path(&ws))).await.is_ok();
    assert_eq!(configured.attributes("name"), ["a"]);
    owner.post(path(&ws), named(&[&a])).await.is_unprocessable("/data");
    owner.patch(path(&ws), named(&[&a])).await.is_unprocessable("/data");
    owner.delete_with(path(&ws), named(&[&a])).await.is_unprocessable("/data");
}

#[tokio::test]
async fn a_workspace_is_no_consumer_of_itself() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    owner.post(path(&ws), named(&[&ws])).await.is_unprocessable("/data/0/id");
    owner.patch(path(&ws), named(&[&ws])).await.is_unprocessable("/data/0/id");
}

#[tokio::test]
async fn consumers_must_be_workspaces_that_the_caller_can_read() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let hidden = server.workspace("hidden").await;
    let admin = server.admin_of(&ws);
    admin.post(path(&ws), named(&[&hidden])).await.is_unprocessable("/data/0/id");
    admin.delete_with(path(&ws), named(&[&hidden])).await.is_unprocessable("/data/0/id");
    for (wrong, pointer) in [
        (json!({ "type": "workspaces", "id": "ws-9999999999999999" }), "/data/0/id"),
        (json!({ "type": "workspaces", "id": "nonsense" }), "/data/0/id"),
        (json!({ "type": "workspaces" }), "/data/0/id"),
        (json!({ "type": "runs", "id": hidden.id }), "/data/0/type"),
    ] {
        let refused = server.owner().post(path(&ws), json!({ "data": [wrong] })).await;
        refused.is_unprocessable(pointer);
    }
}

#[tokio::test]
async fn the_list_shows_only_what_the_caller_can_read() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let hidden = server.workspace("hidden").await;
    server.owner().post(path(&ws), named(&[&hidden])).await.is_no_content();
    assert_eq!(names(&server.admin_of(&ws), &ws).await, Vec::<Value>::new());
    set(&server, &ws, "global-remote-state", true).await;
    assert_eq!(names(&server.admin_of(&ws), &ws).await, Vec::<Value>::new());
}

#[tokio::test]
async fn only_who_manages_all_workspaces_replaces_all_consumers() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let admin = server.admin_of(&ws);
    admin.patch(path(&ws), named(&[])).await.is_not_found();
    admin.post(path(&ws), named(&[])).await.is_no_content();
    server.organization_token().patch(path(&ws), named(&[])).await.is_no_content();
    server.writer(&ws).post(path(&ws), named(&[])).await.is_not_found();
}

#[tokio::test]
async fn who_shares_with_a_project_shares_with_all_of_it_and_nobody_else() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let _inside = server.workspace("inside").await;
    let outside = server.workspace("outside").await;
    let owner = server.owner();
    let body = json!({ "data": { "type": "projects", "attributes": { "name": "Elsewhere" } } });
    let project = owner.post("/organizations/acme/projects", body).await.is_created().id();
    let path_of = format!("/projects/{project}/relationships/workspaces");
    owner.post(path_of, named(&[&outside])).await.is_no_content();
    owner.post(path(&ws), named(&[&outside])).await.is_no_content();
    assert!(may_read_state(&engine(&server, &outside).await, &ws).await);

    set(&server, &ws, "project-remote-state", true).await;
    assert_eq!(names(&owner, &ws).await, ["inside"]);
    assert!(!may_read_state(&engine(&server, &outside).await, &ws).await);
    let configured = owner.get(format!("{}?show_only_configured=true", path(&ws))).await.is_ok();
    assert_eq!(configured.attributes("name"), ["outside"]);

    let body = json!({ "data": { "type": "workspaces", "attributes": {
        "global-remote-state": true,
    } } });
    let refused = owner.patch(format!("/workspaces/{}", ws.id), body).await;
    let refused = refused.is_unprocessable("/data/attributes/project-remote-state");
    let expected =
        "Project remote state cannot be enabled when global remote state sharing is enabled";
    assert_eq!(refused.error(), expected);
}

/// The engine inside a fresh run of this workspace.
async fn engine(server: &Server, ws: &Workspace) -> Ctx {
    let owner = server.owner();
    upload(&owner, ws, false).await;
    let id = owner.post("/runs", run(ws, json!({}))).await.is_created().id();
    workspaces::engine_of(&server.system(), &id.parse().unwrap()).await.unwrap()
}

async fn may_read_state(engine: &Ctx, ws: &Workspace) -> bool {
    let found = workspaces::find_by_name(engine, "acme", &ws.name).await.unwrap();
    let reads = engine.check::<can::ReadState, _>(found).is_ok();
    let found = workspaces::find(engine, &ws.id).await.unwrap();
    assert!(engine.check::<can::CreateStateVersion, _>(found).is_err());
    let found = workspaces::find(engine, &ws.id).await.unwrap();
    let is_own =
        matches!(engine.actor(), domain::Actor::Run { workspace, .. } if *workspace == ws.id);
    assert_eq!(engine.check::<can::ReadVariables, _>(found).is_ok(), is_own);
    reads
}

#[tokio::test]
async fn a_run_reads_the_states_that_are_shared_with_its_workspace() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let reader = server.workspace("reader").await;
    assert!(may_read_state(&engine(&server, &reader).await, &reader).await);
    assert!(!may_read_state(&engine(&server, &reader).await, &ws).await);

    server.owner().post(path(&ws), named(&[&reader])).await.is_no_content();
    assert!(may_read_state(&engine(&server, &reader).await, &ws).await);
    assert!(!may_read_state(&engine(&server, &ws).await, &reader).await);

    server.owner().patch(path(&ws), named(&[])).await.is_no_content();
    assert!(!may_read_state(&engine(&server, &reader).await, &ws).await);
    for setting in ["project-remote-state", "global-remote-state"] {
        set(&server, &ws, setting, true).await;
        assert!(may_read_state(&engine(&server, &reader).await, &ws).await, "{setting}");
        set(&server, &ws, setting, false).await;
    }
}
