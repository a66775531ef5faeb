//! `vcs-repo` of workspaces, row by row of the Workspaces reference.

use domain::{
    Json,
    entity::{policy_set, workspace},
    id::{PolicySetId, WorkspaceId},
};
use serde_json::{Value, json};
use testkit::{Answer, Server};

const PATH: &str = "/organizations/acme/workspaces";

fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "workspaces", "attributes": attributes } })
}

fn repo() -> Value {
    json!({ "identifier": "acme/network", "oauth-token-id": "ot-1" })
}

/// The repository with something else in it.
fn with(name: &str, value: &Value) -> Value {
    let mut repo = repo();
    repo[name] = value.clone();
    repo
}

async fn create(server: &Server, name: &str, mut attributes: Value) -> Answer {
    attributes["name"] = json!(name);
    server.owner().post(PATH, body(attributes)).await
}

/// As if it had been connected before anybody looked whether the connection is there.
pub async fn connect_workspace(server: &Server, id: &WorkspaceId, repo: Value) {
    let tx = server.db.write().await.unwrap();
    let mut row = tx.lock::<workspace::Entity>(id.clone()).await.unwrap().unwrap();
    row.vcs_repo = Some(Json(serde_json::from_value(repo).unwrap()));
    tx.update(row).await.unwrap();
    tx.commit().await.unwrap();
}

pub async fn connect_policy_set(server: &Server, id: &str, repo: Value) {
    let id: PolicySetId = id.parse().unwrap();
    let tx = server.db.write().await.unwrap();
    let mut row = tx.lock::<policy_set::Entity>(id).await.unwrap().unwrap();
    row.vcs_repo = Some(Json(serde_json::from_value(repo).unwrap()));
    tx.update(row).await.unwrap();
    tx.commit().await.unwrap();
}

/// A workspace that has one, and its path.
async fn connected(server: &Server, repo: Value) -> String {
    let ws = server.workspace("networking").await;
    connect_workspace(server, &ws.id, repo).await;
    format!("/workspaces/{}", ws.id)
}

#[tokio::test]
async fn a_connection_that_is_not_there_is_refused() {
    let server = Server::start().await;
    let owner = server.owner();
    let path = format!("/workspaces/{}", server.workspace("plain").await.id);
    let set = json!({ "data": { "type": "policy-sets", "attributes": { "name": "set" } } });
    let sets = "/organizations/acme/policy-sets";
    let set = format!("/policy-sets/{}", owner.post(sets, set).await.is_created().id());
    let rows = server.row_counts().await;
    for (name, id) in [
        ("oauth-token-id", "ot-1"),
        ("oauth-token-id", "ot-hmAyP66qk2AMVdbJ"),
        ("github-app-installation-id", "ghain-1"),
    ] {
        let repo = json!({ "identifier": "acme/network", name: id });
        let pointer = format!("/data/attributes/vcs-repo/{name}");
        create(&server, "new", json!({ "vcs-repo": repo })).await.is_unprocessable(&pointer);
        let sent = body(json!({ "vcs-repo": repo }));
        owner.patch(&path, sent.clone()).await.is_unprocessable(&pointer);
        owner.patch(&set, sent.clone()).await.is_unprocessable(&pointer);
        let new = body(json!({ "name": "new", "vcs-repo": repo }));
        let refused = owner.post(sets, new).await.is_unprocessable(&pointer);
        assert!(refused.error().contains("names no"), "{refused}");
    }
    assert_eq!(server.row_counts().await, rows);
    let none = body(json!({ "vcs-repo": null }));
    owner.patch(&set, none.clone()).await.is_ok();
    assert_eq!(owner.patch(&path, none).await.is_ok().attribute("vcs-repo"), Value::Null);
}

#[tokio::test]
async fn a_repository_that_was_connected_is_shown_and_sent_back_as_it_is() {
    let server = Server::start().await;
    let path = connected(&server, repo()).await;
    let made = server.owner().get(&path).await.is_ok();
    let shown = made.attribute("vcs-repo");
    assert_eq!(shown["identifier"], "acme/network");
    assert_eq!(shown["oauth-token-id"], "ot-1");
    assert_eq!(shown["branch"], "");
    assert_eq!(shown["ingress-submodules"], false);
    assert_eq!(shown["tags-regex"], Value::Null);
    assert_eq!(made.attribute("vcs-repo-identifier"), "acme/network");
    let sent = body(json!({ "vcs-repo": shown }));
    let kept = server.owner().patch(&path, sent).await.is_ok();
    assert_eq!(kept.attribute("vcs-repo"), shown);
}

#[tokio::test]
async fn each_part_of_a_repository_has_its_rule() {
    let server = Server::start().await;
    let path = connected(&server, repo()).await;
    let owner = server.owner();
    let too_long = "x".repeat(256);
    for (name, takes, refuses) in [
        (
            "identifier",
            json!(["a/b", "group/sub/repo", "org/project/_git/repo"]),
            json!(["", "b", "/b", "a/", "a//b", "a b/c", 1, format!("a/{too_long}")]),
        ),
        ("branch", json!(["main", "feature/one", ""]), json!([1, too_long])),
        ("ingress-submodules", json!([true, false]), json!(["perhaps"])),
        ("tags-regex", json!([r"^v\d+\.\d+$"]), json!(["(", "[z-a]", 1])),
        ("oauth-token-id", json!(["ot-1"]), json!(["ot-2", null, "", 1, too_long])),
        ("github-app-installation-id", json!([null, ""]), json!(["ghain-1", 1])),
    ] {
        for value in takes.as_array().unwrap() {
            let sent = json!({ "vcs-repo": with(name, value) });
            let changed = owner.patch(&path, body(sent)).await.is_ok();
            let stored = if name.starts_with("github") { &Value::Null } else { value };
            assert_eq!(changed.attribute("vcs-repo")[name], *stored);
        }
        let before = owner.get(&path).await.is_ok();
        for value in refuses.as_array().unwrap() {
            // Without one way and without the other it is the first that is missing.
            let sent = json!({ "vcs-repo": with(name, value) });
            let pointer = format!("/data/attributes/vcs-repo/{name}");
            owner.patch(&path, body(sent.clone())).await.is_unprocessable(&pointer);
            create(&server, "new", sent).await.is_unprocessable(&pointer);
        }
        assert_eq!(owner.get(&path).await.is_ok().data(), before.data(), "after {name}");
    }
    assert_eq!(owner.get(format!("{PATH}/new")).await.status, 404);
}

#[tokio::test]
async fn a_change_names_what_it_changes_and_the_rest_stays() {
    let server = Server::start().await;
    let full = json!({
        "identifier": "acme/network", "oauth-token-id": "ot-1", "branch": "main",
        "ingress-submodules": true, "tags-regex": "^v",
    });
    let path = connected(&server, full).await;
    let owner = server.owner();
    let change = async |attributes: Value| owner.patch(&path, body(attributes)).await.is_ok();

    let changed = change(json!({ "vcs-repo": { "branch": "next" } })).await;
    assert_eq!(changed.attribute("vcs-repo")["branch"], "next");
    assert_eq!(changed.attribute("vcs-repo")["ingress-submodules"], true);
    assert_eq!(changed.attribute("vcs-repo")["tags-regex"], "^v");
    let untagged = change(json!({ "vcs-repo": { "tags-regex": "" } })).await;
    assert_eq!(untagged.attribute("vcs-repo")["tags-regex"], Value::Null);
    let kept = change(json!({ "description": "Cables" })).await;
    assert_eq!(kept.attribute("vcs-repo"), untagged.attribute("vcs-repo"));
    assert_eq!(change(json!({ "vcs-repo": null })).await.attribute("vcs-repo"), Value::Null);
    let missing = json!({ "vcs-repo": { "branch": "main" } });
    let refused = owner.patch(&path, body(missing)).await;
    refused.is_unprocessable("/data/attributes/vcs-repo/identifier");
}

#[tokio::test]
async fn runs_are_started_by_prefixes_or_patterns_or_tags() {
    let server = Server::start().await;
    let tags = with("tags-regex", &json!("^v"));
    for (attributes, pointer) in [
        (json!({ "vcs-repo": tags, "trigger-prefixes": ["/a"] }), "vcs-repo/tags-regex"),
        (json!({ "vcs-repo": tags, "trigger-patterns": ["/a/*"] }), "vcs-repo/tags-regex"),
        (json!({ "trigger-prefixes": ["/a"], "trigger-patterns": ["/a/*"] }), "trigger-patterns"),
    ] {
        let refused = create(&server, "both", attributes).await;
        refused.is_unprocessable(&format!("/data/attributes/{pointer}"));
    }
    let path = connected(&server, repo()).await;
    let change =
        async |attributes: Value| server.owner().patch(&path, body(attributes)).await.is_ok();
    let empty = json!({ "vcs-repo": tags, "trigger-prefixes": [], "trigger-patterns": [] });
    assert_eq!(change(empty).await.attribute("vcs-repo")["tags-regex"], "^v");
    let by_patterns = change(json!({ "trigger-patterns": ["/a/*"] })).await;
    assert_eq!(by_patterns.attribute("vcs-repo")["tags-regex"], Value::Null);
    let by_tags = change(json!({ "vcs-repo": { "tags-regex": "^v" } })).await;
    assert_eq!(by_tags.attribute("trigger-patterns"), json!([]));
    assert_eq!(by_tags.attribute("vcs-repo")["tags-regex"], "^v");
    let by_branch = change(json!({ "vcs-repo": { "branch": "next" } })).await;
    assert_eq!(by_branch.attribute("vcs-repo")["tags-regex"], "^v");
}

#[tokio::test]
async fn what_says_nothing_changes_nothing() {
    let server = Server::start().await;
    let nothing = json!({ "vcs-repo": {} });
    let made = create(&server, "plain", nothing.clone()).await.is_created();
    assert_eq!(made.attribute("vcs-repo"), Value::Null);
    let path = connected(&server, repo()).await;
    let kept = server.owner().patch(&path, body(nothing)).await.is_ok();
    assert_eq!(kept.attribute("vcs-repo")["oauth-token-id"], "ot-1");
}
