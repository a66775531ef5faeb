//! `/ssh-keys`, and which of them a workspace uses

use serde_json::{Value, json};
use testkit::Server;

const PATH: &str = "/organizations/acme/ssh-keys";
const SECRET: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n";

fn body(attributes: &Value) -> Value {
    json!({ "data": { "type": "ssh-keys", "attributes": attributes } })
}

async fn create(server: &Server, name: &str) -> String {
    let new = body(&json!({ "name": name, "value": SECRET }));
    server.owner().post(PATH, new).await.is_created().id()
}

fn assigned(id: &Value) -> Value {
    json!({ "data": { "type": "workspaces", "attributes": { "id": id } } })
}

#[tokio::test]
async fn a_key_is_kept_but_never_shown() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = owner.post(PATH, body(&json!({ "name": "deploy", "value": SECRET }))).await;
    let made = made.is_created();
    assert!(made.id().starts_with("sshkey-"), "{made}");
    let path = format!("/ssh-keys/{}", made.id());
    for answer in [made, owner.get(&path).await.is_ok(), owner.get(PATH).await.is_ok()] {
        assert!(!answer.text().contains("c2VjcmV0"), "{answer}");
        assert!(answer.text().contains("deploy"), "{answer}");
    }
    assert!(!server.everything().await.contains("c2VjcmV0"));
}

#[tokio::test]
async fn a_key_needs_a_name_and_a_value() {
    let server = Server::start().await;
    for (wrong, name) in [
        (json!({ "value": SECRET }), "name"),
        (json!({ "name": " ", "value": SECRET }), "name"),
        (json!({ "name": "deploy" }), "value"),
        (json!({ "name": "deploy", "value": "" }), "value"),
    ] {
        let refused = server.owner().post(PATH, body(&wrong)).await;
        refused.is_unprocessable(&format!("/data/attributes/{name}"));
    }
}

#[tokio::test]
async fn a_key_can_be_renamed() {
    let server = Server::start().await;
    let path = format!("/ssh-keys/{}", create(&server, "deploy").await);
    let renamed = server.owner().patch(&path, body(&json!({ "name": "old" }))).await.is_ok();
    assert_eq!(renamed.attribute("name"), "old");
}

#[tokio::test]
async fn administrators_of_workspaces_see_keys_and_owners_manage_them() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let path = format!("/ssh-keys/{}", create(&server, "deploy").await);
    server.admin_of(&ws).get(&path).await.is_ok();
    server.admin_of(&ws).get(PATH).await.is_ok();
    server.admin_of(&ws).delete(&path).await.is_not_found();
    server.writer(&ws).get(&path).await.is_not_found();
    server.member().get(PATH).await.is_not_found();
}

#[tokio::test]
async fn a_workspace_gets_a_key_and_loses_it() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let id = create(&server, "deploy").await;
    let path = format!("/workspaces/{}/relationships/ssh-key", ws.id);
    let admin = server.admin_of(&ws);
    let given = admin.patch(&path, assigned(&json!(id))).await.is_ok();
    assert_eq!(given.related("ssh-key"), id.as_str());
    let included = admin.get(format!("/workspaces/{}?include=ssh_key", ws.id)).await.is_ok();
    assert_eq!(included.json()["included"][0]["attributes"]["name"], "deploy");
    let taken = admin.patch(&path, assigned(&Value::Null)).await.is_ok();
    assert_eq!(taken.related("ssh-key"), Value::Null);

    let nothing = json!({ "data": { "type": "workspaces", "attributes": {} } });
    admin.patch(&path, nothing).await.is_unprocessable("/data/attributes/id");
    for unknown in ["sshkey-9999999999999999", "nonsense"] {
        admin.patch(&path, assigned(&json!(unknown))).await.is_not_found();
    }
    server.writer(&ws).patch(&path, assigned(&json!(id))).await.is_not_found();
}

#[tokio::test]
async fn the_key_of_another_organization_is_unknown() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let new = body(&json!({ "name": "theirs", "value": SECRET }));
    let theirs = server.foreigner().post("/organizations/elsewhere/ssh-keys", new).await;
    let id = json!(theirs.is_created().id());
    let path = format!("/workspaces/{}/relationships/ssh-key", ws.id);
    server.owner().patch(path, assigned(&id)).await.is_not_found();
}

#[tokio::test]
async fn a_deleted_key_is_taken_from_its_workspaces() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let id = create(&server, "deploy").await;
    let owner = server.owner();
    let path = format!("/workspaces/{}", ws.id);
    owner.patch(format!("{path}/relationships/ssh-key"), assigned(&json!(id))).await.is_ok();
    owner.delete(format!("/ssh-keys/{id}")).await.is_no_content();
    assert_eq!(owner.get(path).await.is_ok().related("ssh-key"), Value::Null);
    owner.get(format!("/ssh-keys/{id}")).await.is_not_found();
}
