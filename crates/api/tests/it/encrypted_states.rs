//! States that OpenTofu has encrypted: kept and given back as they are.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::row::Workspace;
use md5::{Digest, Md5};
use serde_json::{Value, json};
use testkit::Server;

const LINEAGE: &str = "11111111-1111-1111-1111-111111111111";

/// On one line and in this order, as OpenTofu writes it.
fn sealed(serial: i64) -> String {
    format!(
        r#"{{"serial":{serial},"lineage":"{LINEAGE}","meta":{{"key_provider.pbkdf2.k":"eyJzYWx0IjoiYWJjIn0="}},"encrypted_data":"b2s=","encryption_version":"v0"}}"#
    )
}

fn body(serial: i64, content: &str) -> Value {
    json!({ "data": { "type": "state-versions", "attributes": {
        "serial": serial, "md5": hex::encode(Md5::digest(content)), "lineage": LINEAGE,
    } } })
}

fn whole(serial: i64, content: &str) -> Value {
    let mut body = body(serial, content);
    body["data"]["attributes"]["state"] = json!(STANDARD.encode(content));
    body
}

async fn locked(server: &Server, name: &str) -> (Workspace, String) {
    let ws = server.workspace(name).await;
    server.owner().post(format!("/workspaces/{}/actions/lock", ws.id), ()).await.is_ok();
    let versions = format!("/workspaces/{}/state-versions", ws.id);
    (ws, versions)
}

#[tokio::test]
async fn an_encrypted_state_is_given_back_byte_by_byte_whichever_way_it_came() {
    let server = Server::start().await;
    let owner = server.owner();
    let (ws, versions) = locked(&server, "networking").await;
    let first = owner.post(&versions, whole(1, &sealed(1))).await.is_created();
    assert_eq!(first.attribute("encrypted"), true);
    let announced = owner.post(&versions, body(2, &sealed(2))).await.is_created();
    let url = announced.attribute("hosted-state-upload-url").as_str().unwrap().to_owned();
    server.nobody().put(url, sealed(2)).await.is_ok();
    let current = owner.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_ok();
    assert_eq!(current.id(), announced.id());
    assert_eq!(current.attribute("serial"), 2);
    assert_eq!(current.attribute("lineage"), LINEAGE);
    assert_eq!(current.attribute("encrypted"), true);
    assert_eq!(current.attribute("billable-rum-count"), Value::Null);
    for (version, serial) in [(&first, 1), (&announced, 2)] {
        let content = owner.get(format!("/state-versions/{}/download", version.id())).await;
        assert_eq!(content.is_ok().text(), sealed(serial));
    }
    // A state of early versions says nothing of itself; what was announced counts.
    let early = r#"{"meta":{},"encrypted_data":"x","encryption_version":"v0"}"#;
    let early = owner.post(&versions, whole(3, early)).await.is_created();
    assert_eq!(early.attribute("serial"), 3);
}

#[tokio::test]
async fn what_cannot_be_read_of_it_is_said_to_be_unreadable() {
    let server = Server::start().await;
    let owner = server.owner();
    let (ws, versions) = locked(&server, "networking").await;
    let made = owner.post(&versions, whole(1, &sealed(1))).await.is_created();
    for path in [
        format!("/state-versions/{}/outputs", made.id()),
        format!("/workspaces/{}/current-state-version-outputs", ws.id),
        format!("/workspaces/{}/resources", ws.id),
    ] {
        let refused = owner.get(path).await.is_conflict();
        assert!(refused.error().contains("is encrypted by OpenTofu"), "{refused}");
    }
    let shown = owner.get(format!("/state-versions/{}?include=outputs", made.id())).await.is_ok();
    assert_eq!(shown.attribute("encrypted"), true);
}

#[tokio::test]
async fn nothing_is_taken_for_empty_because_it_is_encrypted() {
    let server = Server::start().await;
    let owner = server.owner();
    let (ws, versions) = locked(&server, "networking").await;
    let made = owner.post(&versions, whole(1, &sealed(1))).await.is_created();
    owner.post(&versions, whole(2, &sealed(2))).await.is_created();
    let rollback = json!({ "data": { "type": "state-versions", "relationships": {
        "rollback-state-version": { "data": { "type": "state-versions", "id": made.id() } } } } });
    let refused = owner.patch(&versions, rollback).await;
    let refused = refused.is_unprocessable("/data/relationships/rollback-state-version");
    assert!(refused.error().contains("encrypted"), "{refused}");
    owner.post(format!("/workspaces/{}/actions/unlock", ws.id), ()).await.is_ok();
    let deletion = format!("/workspaces/{}/actions/safe-delete", ws.id);
    let refused = owner.post(&deletion, ()).await.is_conflict();
    assert!(refused.error().contains("encrypted"), "{refused}");
    owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
}

#[tokio::test]
async fn half_of_an_encrypted_state_is_none() {
    let server = Server::start().await;
    let owner = server.owner();
    let (ws, versions) = locked(&server, "networking").await;
    for content in [
        r#"{"serial":1,"lineage":"l","encrypted_data":"x"}"#,
        &sealed(1).replace("\"b2s=\"", "5"),
        &sealed(1).replacen('{', r#"{"version":4,"#, 1),
        &sealed(1).replacen('{', r#"{"version":4,"resources":[],"outputs":{},"#, 1),
        &sealed(1).replace("\"v0\"", "0"),
        r#"{"serial":1,"lineage":"l","encryption_version":"v0"}"#,
        &sealed(1)[..60],
    ] {
        owner.post(&versions, whole(1, content)).await.is_unprocessable("/data/attributes/state");
    }
    owner.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_not_found();
}
