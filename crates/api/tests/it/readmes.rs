//! `include=readme` of workspaces

use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

use crate::policy_sets::archive;

async fn configure(client: &Client<'_>, workspace: &str, files: &[(&str, &str)]) {
    let new = json!({ "data": { "type": "configuration-versions",
        "attributes": { "auto-queue-runs": false } } });
    let path = format!("/workspaces/{workspace}/configuration-versions");
    let made = client.post(path, new).await.is_created();
    let address = made.attribute("upload-url");
    client.put(address.as_str().unwrap(), archive(files)).await.is_ok();
}

fn readme(answer: &Answer) -> Value {
    answer.json()["included"][0]["attributes"]["raw-markdown"].clone()
}

#[tokio::test]
async fn the_readme_of_the_current_configuration_is_shown_to_those_who_may_read_it() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let path = format!("/workspaces/{}?include=readme", ws.id);
    let without = owner.get(&path).await.is_ok();
    assert_eq!(without.json()["data"]["relationships"]["readme"]["data"], Value::Null);

    let files = [("main.tf", ""), ("./README.md", "# Cables"), ("envs/readme.md", "# Envs")];
    configure(&owner, ws.id.as_str(), &files).await;
    let shown = server.reader(&ws).get(&path).await.is_ok();
    assert_eq!(readme(&shown), "# Cables");
    assert_eq!(shown.json()["included"][0]["type"], "workspace-readme");
    assert_eq!(shown.related("readme"), ws.id.as_str());
    let plain = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert!(plain.json()["data"]["relationships"]["readme"].is_null());

    let moved = json!({ "data": { "attributes": { "working-directory": "/envs/" } } });
    owner.patch(format!("/workspaces/{}", ws.id), moved).await.is_ok();
    assert_eq!(readme(&owner.get(&path).await.is_ok()), "# Envs");
}

#[tokio::test]
async fn an_archive_that_cannot_be_read_has_no_readme() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    crate::runs::upload(&owner, &ws, false).await;
    let shown = owner.get(format!("/workspaces/{}?include=readme", ws.id)).await.is_ok();
    assert_eq!(shown.json()["data"]["relationships"]["readme"]["data"], Value::Null);
}
