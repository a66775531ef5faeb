//! `vcs-repo` of workspaces, row by row of the Workspaces reference.

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

#[tokio::test]
async fn a_repository_is_kept_as_it_was_sent() {
    let server = Server::start().await;
    let made = create(&server, "plain", json!({ "vcs-repo": repo() })).await.is_created();
    let shown = made.attribute("vcs-repo");
    assert_eq!(shown["identifier"], "acme/network");
    assert_eq!(shown["oauth-token-id"], "ot-1");
    assert_eq!(shown["branch"], "");
    assert_eq!(shown["ingress-submodules"], false);
    assert_eq!(shown["tags-regex"], Value::Null);
    assert_eq!(made.attribute("vcs-repo-identifier"), "acme/network");
}

#[tokio::test]
async fn each_part_of_a_repository_has_its_rule() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let path = format!("/workspaces/{}", ws.id);
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
        ("oauth-token-id", json!(["ot-2"]), json!([null, "", 1, too_long])),
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
    let made = create(&server, "networking", json!({ "vcs-repo": full })).await.is_created();
    let path = format!("/workspaces/{}", made.id());
    let owner = server.owner();
    let change = async |attributes: Value| owner.patch(&path, body(attributes)).await.is_ok();

    let changed = change(json!({ "vcs-repo": { "branch": "next" } })).await;
    assert_eq!(changed.attribute("vcs-repo")["branch"], "next");
    assert_eq!(changed.attribute("vcs-repo")["ingress-submodules"], true);
    assert_eq!(changed.attribute("vcs-repo")["tags-regex"], "^v");
    let by_app = json!({ "vcs-repo": { "github-app-installation-id": "ghain-1" } });
    let changed = change(by_app).await;
    assert_eq!(changed.attribute("vcs-repo")["github-app-installation-id"], "ghain-1");
    assert_eq!(changed.attribute("vcs-repo")["oauth-token-id"], Value::Null);
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
    let empty = json!({ "vcs-repo": tags, "trigger-prefixes": [], "trigger-patterns": [] });
    let made = create(&server, "networking", empty).await.is_created();
    let path = format!("/workspaces/{}", made.id());
    let change =
        async |attributes: Value| server.owner().patch(&path, body(attributes)).await.is_ok();
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
    let made = create(&server, "networking", json!({ "vcs-repo": repo() })).await.is_created();
    let body = json!({ "data": { "type": "workspaces", "attributes": nothing } });
    let kept = server.owner().patch(format!("/workspaces/{}", made.id()), body).await.is_ok();
    assert_eq!(kept.attribute("vcs-repo"), made.attribute("vcs-repo"));
}
