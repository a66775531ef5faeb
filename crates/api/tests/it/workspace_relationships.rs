//! The Workspaces reference, row by row: flat tags, remote state consumers, SSH keys, deletion and related resources.

use domain::row::Workspace;
use http::Method;
use serde_json::{Value, json};
use testkit::{Client, Server};

fn tags_of(ws: &Workspace) -> String {
    format!("/workspaces/{}/relationships/tags", ws.id)
}

fn named(name: &str) -> Value {
    json!({ "type": "tags", "attributes": { "name": name } })
}

fn list(items: &[Value]) -> Value {
    json!({ "data": items })
}

async fn delete(client: &Client<'_>, path: &str, body: &Value) -> testkit::Answer {
    client.raw(Method::DELETE, format!("/api/v2{path}"), body.to_string()).await
}

// Tags.

#[tokio::test]
async fn tags_are_added_by_name_or_by_id_and_listed_in_pages() {
    let server = Server::start().await;
    let (ws, other) = (server.workspace("networking").await, server.workspace("other").await);
    let owner = server.owner();
    owner.post(tags_of(&ws), list(&[named("blue"), named("green")])).await.is_no_content();
    let shown = owner.get(tags_of(&ws)).await.is_ok();
    assert_eq!(shown.attributes("name"), ["blue", "green"]);
    let blue = shown.data()[0]["id"].clone();
    owner.post(tags_of(&other), list(&[json!({ "type": "tags", "id": blue })])).await;
    assert_eq!(owner.get(tags_of(&other)).await.is_ok().attributes("name"), ["blue"]);
    let second = owner.get(format!("{}?page[number]=2&page[size]=1", tags_of(&ws))).await.is_ok();
    assert_eq!(second.attributes("name"), ["green"]);
    assert_eq!(second.json()["meta"]["pagination"]["total-count"], 2);
}

#[tokio::test]
async fn a_tag_needs_its_type_and_an_id_or_a_name() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    for (wrong, pointer) in [
        (json!({ "type": "tags" }), "/data/0"),
        (json!({ "type": "workspaces", "attributes": { "name": "x" } }), "/data/0/type"),
        (json!({ "type": "tags", "id": "nonsense" }), "/data/0/id"),
        (json!({ "type": "tags", "id": "tag-9999999999999999" }), "/data/0/id"),
    ] {
        let body = list(&[wrong]);
        owner.post(tags_of(&ws), body.clone()).await.is_unprocessable(pointer);
        delete(&owner, &tags_of(&ws), &body).await.is_unprocessable(pointer);
    }
    assert_eq!(owner.get(tags_of(&ws)).await.is_ok().data(), json!([]));
}

#[tokio::test]
async fn a_tag_that_nobody_bears_is_gone_and_an_unknown_name_is_no_mistake() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    owner.post(tags_of(&ws), list(&[named("blue")])).await.is_no_content();
    delete(&owner, &tags_of(&ws), &list(&[named("red")])).await.is_no_content();
    delete(&owner, &tags_of(&ws), &list(&[named("blue")])).await.is_no_content();
    let known = owner.get("/organizations/acme/tags").await.is_ok();
    assert_eq!(known.data(), json!([]));
}

// Remote state consumers and SSH keys.

#[tokio::test]
async fn consumers_are_workspaces_by_id() {
    let server = Server::start().await;
    let (ws, other) = (server.workspace("networking").await, server.workspace("other").await);
    let path = format!("/workspaces/{}/relationships/remote-state-consumers", ws.id);
    let owner = server.owner();
    for (wrong, pointer) in [
        (json!({ "type": "projects", "id": other.id }), "/data/0/type"),
        (json!({ "type": "workspaces" }), "/data/0/id"),
        (json!({ "type": "workspaces", "id": "nonsense" }), "/data/0/id"),
    ] {
        let body = list(&[wrong]);
        owner.post(&path, body.clone()).await.is_unprocessable(pointer);
        owner.patch(&path, body.clone()).await.is_unprocessable(pointer);
        delete(&owner, &path, &body).await.is_unprocessable(pointer);
    }
    assert_eq!(owner.get(&path).await.is_ok().data(), json!([]));
}

#[tokio::test]
async fn an_ssh_key_is_assigned_by_a_document_about_the_workspace() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let path = format!("/workspaces/{}/relationships/ssh-key", ws.id);
    let owner = server.owner();
    for (wrong, pointer) in [
        (json!({ "type": "workspaces", "attributes": { "id": 1 } }), "/data/attributes/id"),
        (json!({ "type": "workspaces" }), "/data/attributes/id"),
    ] {
        owner.patch(&path, json!({ "data": wrong })).await.is_unprocessable(pointer);
    }
    let unknown = json!({ "data": { "type": "workspaces", "attributes": { "id": "x" } } });
    owner.patch(&path, unknown).await.is_not_found();
    let none = json!({ "data": { "type": "workspaces", "attributes": { "id": null } } });
    owner.patch(&path, none).await.is_ok();
}

// Deletion.

/// By id, and by organization and name.
fn addresses(ws: &Workspace) -> [String; 2] {
    [format!("/workspaces/{}", ws.id), format!("/organizations/acme/workspaces/{}", ws.name)]
}

#[tokio::test]
async fn owners_delete_by_force_and_administrators_only_if_the_organization_lets_them() {
    let server = Server::start().await;
    for by in [0, 1] {
        let first = server.workspace("first").await;
        let second = server.workspace("second").await;
        let (address, other) = (&addresses(&first)[by], &addresses(&second)[by]);
        server.admin_of(&first).delete(address).await.is_forbidden();
        server.reader(&first).delete(address).await.is_not_found();
        server.owner().delete(address).await.is_no_content();

        let admin = server.admin_of(&second);
        let allow = |allowed: bool| {
            json!({ "data": { "type": "organizations", "attributes": {
                "allow-force-delete-workspaces": allowed } } })
        };
        server.owner().patch("/organizations/acme", allow(true)).await.is_ok();
        admin.delete(other).await.is_no_content();
        server.owner().get(other).await.is_not_found();
        server.owner().patch("/organizations/acme", allow(false)).await.is_ok();
    }
}

#[tokio::test]
async fn what_manages_resources_is_not_deleted_safely() {
    let server = Server::start().await;
    for by in [0, 1] {
        let ws = server.workspace("networking").await;
        let address = format!("{}/actions/safe-delete", addresses(&ws)[by]);
        let admin = server.admin_of(&ws);
        let manages = |count: u32| {
            format!("UPDATE workspaces SET resource_count = {count} WHERE id = '{}'", ws.id)
        };
        server.execute(&manages(1)).await;
        admin.post(&address, ()).await.is_conflict();
        server.reader(&ws).post(&address, ()).await.is_not_found();
        server.execute(&manages(0)).await;
        admin.post(&address, ()).await.is_no_content();
        server.owner().get(&addresses(&ws)[0]).await.is_not_found();
    }
}

// Related resources.

#[tokio::test]
async fn each_documented_include_is_taken_wherever_workspaces_are_shown() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    crate::runs::upload(&owner, &ws, false).await;
    let [by_id, by_name] = addresses(&ws);
    for include in [
        "current_configuration_version",
        "current_configuration_version.ingress_attributes",
        "current_run",
        "current_run.configuration_version",
        "current_run.configuration_version.ingress_attributes",
        "current_run.plan",
        "locked_by",
        "organization",
        "outputs",
        "project",
        "readme",
    ] {
        for address in [&by_id, &by_name, "/organizations/acme/workspaces"] {
            owner.get(format!("{address}?include={include}")).await.is_ok();
        }
    }
}
