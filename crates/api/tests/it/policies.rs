//! `/policies`, and their code

use serde_json::{Value, json};
use testkit::Server;

const PATH: &str = "/organizations/acme/policies";

pub fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "policies", "attributes": attributes } })
}

fn opa(name: &str) -> Value {
    body(json!({ "name": name, "kind": "opa", "query": "data.example.rule" }))
}

#[tokio::test]
async fn a_policy_is_made_with_the_documented_defaults() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = owner.post(PATH, body(json!({ "name": "tags" }))).await.is_created();
    assert!(made.id().starts_with("pol-"), "{made}");
    assert_eq!(made.attribute("kind"), "sentinel");
    assert_eq!(made.attribute("enforcement-level"), "soft-mandatory");
    assert_eq!(made.attribute("enforce"), json!([]));
    assert_eq!(made.attribute("query"), Value::Null);
    assert_eq!(made.attribute("updated-at"), Value::Null);
    assert_eq!(made.attribute("policy-set-count"), 0);
    assert_eq!(made.related("organization"), "acme");
    let shown = owner.get(format!("/policies/{}", made.id())).await.is_ok();
    assert_eq!(shown.data(), made.data());
    let opa = owner.post(PATH, opa("ports")).await.is_created();
    assert_eq!(opa.attribute("enforcement-level"), "advisory");
    assert_eq!(opa.attribute("query"), "data.example.rule");
}

#[tokio::test]
async fn the_level_can_be_said_in_the_older_way() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = owner
        .post(
            PATH,
            body(json!({
                "name": "tags", "enforce": [{ "path": "tags.sentinel", "mode": "hard-mandatory" }],
            })),
        )
        .await
        .is_created();
    assert_eq!(made.attribute("enforcement-level"), "hard-mandatory");
    let path = format!("/policies/{}", made.id());
    owner.put(format!("{path}/upload"), "main = rule { true }").await.is_ok();
    let change = |path: &str| body(json!({ "enforce": [{ "path": path, "mode": "advisory" }] }));
    let other = owner.patch(&path, change("nonexisting")).await.is_ok();
    assert_eq!(other.attribute("enforcement-level"), "hard-mandatory");
    let own = owner.patch(&path, change("tags.sentinel")).await.is_ok();
    assert_eq!(own.attribute("enforce"), json!([{ "path": "tags.sentinel", "mode": "advisory" }]));
}

#[tokio::test]
async fn what_makes_no_policy_is_refused() {
    let server = Server::start().await;
    let owner = server.owner();
    owner.post(PATH, opa("taken")).await.is_created();
    for (wrong, attribute) in [
        (json!({}), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "no/slash" }), "name"),
        (json!({ "name": "x".repeat(256) }), "name"),
        (json!({ "name": "taken" }), "name"),
        (json!({ "name": "a", "kind": "opa" }), "query"),
        (json!({ "name": "a", "kind": "opa", "query": " " }), "query"),
        (json!({ "name": "a", "kind": "cobol" }), "kind"),
        (json!({ "name": "a", "enforcement-level": "mandatory" }), "enforcement-level"),
        (json!({ "name": "a", "enforcement-level": "always" }), "enforcement-level"),
        (json!({ "name": "a", "description": "x".repeat(5000) }), "description"),
    ] {
        let refused = owner.post(PATH, body(wrong)).await;
        refused.is_unprocessable(&format!("/data/attributes/{attribute}"));
    }
}

#[tokio::test]
async fn a_policy_is_changed_but_for_its_name_and_kind() {
    let server = Server::start().await;
    let owner = server.owner();
    let path = format!("/policies/{}", owner.post(PATH, opa("ports")).await.is_created().id());
    let changed = owner
        .patch(
            &path,
            body(json!({
                "name": "ports", "kind": "opa", "description": "New", "query": "data.a.b",
                "enforcement-level": "mandatory",
            })),
        )
        .await
        .is_ok();
    assert_eq!(changed.attribute("name"), "ports");
    assert_eq!(changed.attribute("kind"), "opa");
    assert_eq!(changed.attribute("description"), "New");
    assert_eq!(changed.attribute("query"), "data.a.b");
    assert_eq!(changed.attribute("enforcement-level"), "mandatory");
    let refused = owner.patch(&path, body(json!({ "query": null }))).await;
    refused.is_unprocessable("/data/attributes/query");
    for (name, other) in [("name", "disks"), ("kind", "sentinel")] {
        let refused = owner.patch(&path, body(json!({ name: other }))).await;
        refused.is_unprocessable(&format!("/data/attributes/{name}"));
    }
}

#[tokio::test]
async fn a_sentinel_policy_has_no_query() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = owner.post(PATH, body(json!({ "name": "tags" }))).await.is_created();
    let path = format!("/policies/{}", made.id());
    let refused = owner.post(PATH, body(json!({ "name": "disks", "query": "data.a.b" }))).await;
    refused.is_unprocessable("/data/attributes/query");
    // HashiCorp's own suite sends it with a change.
    let changed = owner.patch(&path, body(json!({ "query": "data.example.rule" }))).await.is_ok();
    assert_eq!(changed.attribute("query"), Value::Null);
}

#[tokio::test]
async fn code_is_uploaded_sealed_and_downloaded() {
    let server = Server::start().await;
    let owner = server.owner();
    let path = format!("/policies/{}", owner.post(PATH, opa("ports")).await.is_created().id());
    owner.get(format!("{path}/download")).await.is_not_found();
    for code in ["package one", "package two"] {
        let uploaded = owner.put(format!("{path}/upload"), code).await.is_ok();
        assert_eq!(uploaded.data(), owner.get(&path).await.is_ok().data());
        let address = owner.get(format!("{path}/download")).await.redirects();
        assert_eq!(server.nobody().get(address).await.is_ok().text(), code);
    }
    let shown = owner.get(&path).await.is_ok();
    assert!(shown.attribute("updated-at").is_string(), "{shown}");
    assert_eq!(shown.attribute("enforce"), json!([{ "path": "ports.rego", "mode": "advisory" }]));
    let too_much = "x".repeat((10 << 20) + 1);
    assert_eq!(owner.put(format!("{path}/upload"), too_much).await.status, 413);
    let address = owner.get(format!("{path}/download")).await.redirects();
    assert_eq!(server.nobody().get(address).await.is_ok().text(), "package two");
}

#[tokio::test]
async fn policies_are_listed_searched_and_filtered() {
    let server = Server::start().await;
    let owner = server.owner();
    for new in [opa("ports"), opa("disks"), body(json!({ "name": "tags" }))] {
        owner.post(PATH, new).await.is_created();
    }
    let names =
        async |query: &str| owner.get(format!("{PATH}?{query}")).await.is_ok().attributes("name");
    assert_eq!(names("").await, ["disks", "ports", "tags"]);
    assert_eq!(names("sort=-name").await, ["tags", "ports", "disks"]);
    assert_eq!(names("search[name]=OR").await, ["ports"]);
    assert_eq!(names("filter[kind]=sentinel").await, ["tags"]);
    assert!(names("filter[kind]=cobol").await.is_empty());
    assert_eq!(names("page[size]=1&page[number]=2").await, ["ports"]);
    let beyond = owner.get(format!("{PATH}?page[number]=999")).await.is_ok();
    assert_eq!(beyond.json()["meta"]["pagination"]["total-count"], 3);
    assert_eq!(owner.get(format!("{PATH}?sort=size")).await.status, 400);
}

#[tokio::test]
async fn a_policy_names_the_sets_that_it_is_in() {
    let server = Server::start().await;
    let owner = server.owner();
    let id = owner.post(PATH, opa("ports")).await.is_created().id();
    let set = json!({ "data": {
        "type": "policy-sets", "attributes": { "name": "network", "kind": "opa" },
        "relationships": { "policies": { "data": [{ "type": "policies", "id": id }] } },
    } });
    let set = owner.post("/organizations/acme/policy-sets", set).await.is_created().id();
    let shown = owner.get(format!("/policies/{id}?include=policy_sets")).await.is_ok();
    assert_eq!(shown.attribute("policy-set-count"), 1);
    assert_eq!(shown.json()["included"][0]["id"], set);
    owner.delete(format!("/policies/{id}")).await.is_no_content();
    owner.get(format!("/policies/{id}")).await.is_not_found();
    let left = owner.get(format!("/policy-sets/{set}")).await.is_ok();
    assert_eq!(left.attribute("policy-count"), 0);
}

#[tokio::test]
async fn only_those_who_manage_policies_see_them() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let path =
        format!("/policies/{}", server.owner().post(PATH, opa("ports")).await.is_created().id());
    for nobody in [server.member(), server.admin_of(&ws), server.foreigner()] {
        nobody.get(&path).await.is_not_found();
        nobody.delete(&path).await.is_not_found();
        nobody.put(format!("{path}/upload"), "package x").await.is_not_found();
    }
    server.organization_token().get(&path).await.is_ok();
}
