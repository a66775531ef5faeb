//! States that a workspace had on another server.

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use testkit::Server;

fn state(serial: i64) -> String {
    format!(
        r#"{{"version":4,"terraform_version":"1.5.0","serial":{serial},"lineage":"l","outputs":{{"n":{{"value":{serial},"type":"number"}}}},"resources":[]}}"#
    )
}

fn sent(serial: i64, created_at: Option<&str>) -> Value {
    let content = state(serial);
    let mut attributes = json!({
        "serial": serial, "lineage": "l", "md5": hex::encode(Md5::digest(&content)),
        "state": STANDARD.encode(&content),
    });
    if let Some(at) = created_at {
        attributes["created-at"] = json!(at);
    }
    json!({ "data": { "type": "state-versions", "attributes": attributes } })
}

#[tokio::test]
async fn past_states_stand_behind_all_others_and_change_nothing() {
    let server = Server::start().await;
    let workspace = server.workspace("net").await;
    let of = |rest: &str| format!("/workspaces/{}/{rest}", workspace.id);
    let owner = server.owner();
    let import = of("actions/import-state-version");
    let early = sent(3, Some("2021-01-01T00:00:00.000Z"));
    owner.post(&import, &early).await.is_conflict();
    owner.post(of("actions/lock"), ()).await.is_ok();
    let current = owner.post(of("state-versions"), sent(5, None)).await.is_created().id();
    owner.post(of("actions/unlock"), ()).await.is_ok();

    let third = owner.post(&import, &early).await.is_created();
    assert_eq!(third.attribute("created-at"), "2021-01-01T00:00:00.000Z");
    let second = owner.post(&import, sent(2, Some("2020-01-01T00:00:00Z"))).await.is_created();
    let again = owner.post(&import, &early).await.is_created();
    assert_eq!(again.id(), third.id(), "the same once more is the same");

    let listed = owner.get(of("state-versions")).await.is_ok();
    assert_eq!(listed.attributes("serial"), [5, 3, 2]);
    let shown = owner.get(of("current-state-version")).await.is_ok();
    assert_eq!(shown.id(), current);
    let raw = owner.get(format!("/state-versions/{}/download", second.id())).await.is_ok();
    assert_eq!(raw.text(), state(2));
    let outputs = owner.get(format!("/state-versions/{}/outputs", second.id())).await.is_ok();
    assert_eq!(outputs.attributes("value"), [2]);

    owner.post(&import, sent(1, None)).await.is_unprocessable("/data/attributes/created-at");
    let later = sent(1, Some("2999-01-01T00:00:00Z"));
    owner.post(&import, later).await.is_unprocessable("/data/attributes/created-at");
    let mut wrong = sent(1, Some("2019-01-01T00:00:00Z"));
    wrong["data"]["attributes"]["md5"] = json!("00000000000000000000000000000000");
    owner.post(&import, wrong).await.is_unprocessable("/data/attributes/md5");
    server.workspace_manager().post(&import, &early).await.is_not_found();
    assert_eq!(owner.get(of("state-versions")).await.attributes("serial"), [5, 3, 2]);
}
