//! What HashiCorp's clients send, and clients that were written against HCP Terraform: other words for none, documents
//! that leave most out, slashes and types where they do not belong.

use domain::entity::team_project::Access;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Answer, Server};

fn body(kind: &str, attributes: Value) -> Value {
    json!({ "data": { "type": kind, "attributes": attributes } })
}

async fn pool(server: &Server) -> String {
    let new = body("agent-pools", json!({ "name": "basement" }));
    server.owner().post("/organizations/acme/agent-pools", new).await.is_created().id()
}

#[tokio::test]
async fn an_empty_id_is_none_in_every_mode() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let pool = pool(&server).await;
    let places = [
        (format!("/workspaces/{}", ws.id), "execution-mode", "agent-pool-id", "agent-pool"),
        (
            format!("/projects/{}", ws.project_id),
            "default-execution-mode",
            "default-agent-pool-id",
            "default-agent-pool",
        ),
        (
            "/organizations/acme".to_owned(),
            "default-execution-mode",
            "default-agent-pool-id",
            "default-agent-pool",
        ),
    ];
    for (path, mode, id, relation) in places {
        let change = async |attributes: Value| owner.patch(&path, body("", attributes)).await;
        for other in ["remote", "local"] {
            change(json!({ mode: "agent", id: pool })).await.is_ok();
            let shown = change(json!({ mode: other, id: "" })).await.is_ok();
            assert_eq!(shown.attribute(mode), other, "{path}");
            assert_eq!(shown.related(relation), Value::Null, "{path}");
        }
        let pointer = format!("/data/attributes/{id}");
        change(json!({ mode: "agent", id: "" })).await.is_unprocessable(&pointer);
        change(json!({ mode: "local", id: "basement" })).await.is_unprocessable(&pointer);
        change(json!({ id: "" })).await.is_ok();
    }
}

#[tokio::test]
async fn whoever_goes_back_to_inheriting_may_send_the_inherited_pool_along() {
    let server = Server::start().await;
    let owner = server.owner();
    let pool = pool(&server).await;
    let default = json!({ "default-execution-mode": "agent", "default-agent-pool-id": pool });
    owner.patch("/organizations/acme", body("organizations", default)).await.is_ok();
    let ws = server.workspace("networking").await;
    for (path, mode, id, relation, overwrites) in [
        (
            format!("/workspaces/{}", ws.id),
            "execution-mode",
            "agent-pool-id",
            "agent-pool",
            json!({ "execution-mode": false, "agent-pool": false }),
        ),
        (
            format!("/projects/{}", ws.project_id),
            "default-execution-mode",
            "default-agent-pool-id",
            "default-agent-pool",
            json!({ "default-execution-mode": false, "default-agent-pool": false }),
        ),
    ] {
        let sent = json!({ mode: "agent", id: pool, "setting-overwrites": overwrites });
        let shown = owner.patch(path, body("", sent)).await.is_ok();
        assert_eq!(shown.attribute(mode), "agent");
        assert_eq!(shown.related(relation), json!(pool));
        assert_eq!(shown.attribute("setting-overwrites"), overwrites);
    }
}

#[tokio::test]
async fn an_empty_relation_is_none() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let pool = pool(&server).await;
    let mode = |mode: &str, relation: Value| {
        let mut body = body("organizations", json!({ "default-execution-mode": mode }));
        body["data"]["relationships"] = json!({ "default-agent-pool": { "data": relation } });
        body
    };
    for none in [json!(null), json!({}), json!({ "type": "agent-pools", "id": "" })] {
        let there = json!({ "type": "agent-pools", "id": pool });
        let set = owner.patch("/organizations/acme", mode("agent", there)).await.is_ok();
        assert_eq!(set.related("default-agent-pool"), json!(pool));
        let gone = owner.patch("/organizations/acme", mode("remote", none)).await.is_ok();
        assert_eq!(gone.related("default-agent-pool"), Value::Null);
    }
    // Of a run without a configuration, and of a workspace that stays where it is.
    for none in [json!({}), json!({ "type": "configuration-versions", "id": "" })] {
        let mut run = body("runs", json!({ "is-destroy": true }));
        run["data"]["relationships"] = json!({
            "workspace": { "data": { "type": "workspaces", "id": ws.id } },
            "configuration-version": { "data": none },
        });
        owner.post("/runs", run).await.is_created();
    }
    let mut still = body("workspaces", json!({}));
    still["data"]["relationships"] =
        json!({ "project": { "data": { "type": "projects", "id": "" } } });
    let still = owner.patch(format!("/workspaces/{}", ws.id), still).await.is_ok();
    assert_eq!(still.related("project"), json!(ws.project_id));
    // Where one is needed, none is not enough.
    let mut nowhere = body("runs", json!({}));
    nowhere["data"]["relationships"] = json!({ "workspace": { "data": {} } });
    owner.post("/runs", nowhere).await.is_unprocessable("/data/relationships/workspace");
}

#[tokio::test]
async fn an_empty_relation_to_many_removes_nothing() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let path = format!("/agent-pools/{}", pool(&server).await);
    let allowed = |relation: Value| {
        let mut body = body("agent-pools", json!({}));
        body["data"]["relationships"] = json!({ "allowed-workspaces": relation });
        body
    };
    let there = json!([{ "type": "workspaces", "id": ws.id }]);
    owner.patch(&path, allowed(json!({ "data": there }))).await.is_ok();
    for nothing in [json!(null), json!({}), json!({ "data": null })] {
        let shown = owner.patch(&path, allowed(nothing)).await.is_ok();
        assert_eq!(shown.data()["relationships"]["allowed-workspaces"]["data"], there);
    }
    let shown = owner.patch(&path, allowed(json!({ "data": [] }))).await.is_ok();
    assert_eq!(shown.data()["relationships"]["allowed-workspaces"]["data"], json!([]));
}

#[tokio::test]
async fn other_ids_may_be_empty_as_well() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let key = json!({ "name": "deploy", "value": "-----BEGIN OPENSSH PRIVATE KEY-----\nx" });
    let key =
        owner.post("/organizations/acme/ssh-keys", body("ssh-keys", key)).await.is_created().id();
    let assigned = format!("/workspaces/{}/relationships/ssh-key", ws.id);
    let set = owner.patch(&assigned, body("workspaces", json!({ "id": key }))).await.is_ok();
    assert_eq!(set.related("ssh-key"), json!(key));
    let gone = owner.patch(&assigned, body("workspaces", json!({ "id": "" }))).await.is_ok();
    assert_eq!(gone.related("ssh-key"), Value::Null);

    let team = json!({ "name": "sso", "sso-team-id": "abc" });
    let team = owner.post("/organizations/acme/teams", body("teams", team)).await.is_created().id();
    let none = body("teams", json!({ "sso-team-id": "" }));
    let shown = owner.patch(format!("/teams/{team}"), none).await.is_ok();
    assert_eq!(shown.attribute("sso-team-id"), Value::Null);

    let by_app = json!({ "vcs-repo": {
        "identifier": "acme/infra", "oauth-token-id": "", "github-app-installation-id": "ghain-1",
    } });
    // The empty one is none: what is refused is the other one, which names no connection.
    let refused = owner.patch(format!("/workspaces/{}", ws.id), body("workspaces", by_app)).await;
    refused.is_unprocessable("/data/attributes/vcs-repo/github-app-installation-id");
}

#[tokio::test]
async fn a_member_is_shown_with_the_address_to_those_who_may_read_memberships() {
    let server = Server::start().await;
    let owner = server.owner();
    let member = server.member().user().await;
    let path =
        format!("/organizations/acme/organization-memberships?include=user&q={}", member.username);
    let address = |answer: Answer| {
        let user = answer.is_ok().json()["included"][0].clone();
        assert_eq!(user["id"], json!(member.id));
        user["attributes"].get("email").cloned().unwrap_or_default()
    };
    assert_eq!(address(owner.get(&path).await), json!(member.email));
    let one = owner.get(&path).await.is_ok().data()[0]["id"].as_str().unwrap().to_owned();
    let one = format!("/organization-memberships/{one}?include=user");
    assert_eq!(address(owner.get(one).await), json!(member.email));
    assert_eq!(address(server.member().get(&path).await), json!(member.email));
    let shown = owner.get(format!("/users/{}", member.id)).await.is_ok();
    assert_eq!(shown.attribute("email"), json!(member.email));

    // Whoever may not read memberships sees who did something, but not their addresses.
    let ws = server.workspace("networking").await;
    let mut run = body("runs", json!({ "is-destroy": true }));
    run["data"]["relationships"] =
        json!({ "workspace": { "data": { "type": "workspaces", "id": ws.id } } });
    let run = owner.post("/runs", run).await.is_created().id();
    let other = server.in_project_of(&ws, Access::Read);
    let seen = other.get(format!("/runs/{run}?include=created_by")).await.is_ok();
    let user = &seen.json()["included"][0];
    assert_eq!(user["id"], json!(owner.user().await.id));
    assert!(user["attributes"].get("email").is_none(), "{seen}");
}

#[tokio::test]
async fn a_run_with_a_comment_shows_no_identifiers_that_the_go_client_cannot_read() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let mut run = body("runs", json!({ "is-destroy": true, "policy-paths": ["policies/a", "b"] }));
    run["data"]["relationships"] =
        json!({ "workspace": { "data": { "type": "workspaces", "id": ws.id } } });
    let run = owner.post("/runs", run).await.is_created().id();
    let path = format!("/runs/{run}");
    owner
        .post(format!("{path}/comments"), body("comments", json!({ "body": "Why?" })))
        .await
        .is_created();
    let shown = owner.get(&path).await.is_ok();
    let comments = &shown.data()["relationships"]["comments"];
    assert_eq!(
        *comments,
        json!({ "links": { "related": format!("/api/v2/runs/{run}/comments") } })
    );
    assert_eq!(shown.attribute("policy-paths"), json!(["policies/a", "b"]));
    let included = owner.get(format!("{path}?include=comments")).await.is_ok();
    assert_eq!(included.json()["included"][0]["attributes"]["body"], "Why?");
}

#[tokio::test]
async fn names_and_triggers_are_taken_as_clients_send_them() {
    let server = Server::start().await;
    let owner = server.owner();
    let team = body("teams", json!({ "name": "network/edge" }));
    let team = owner.post("/organizations/acme/teams", team).await.is_created();
    assert_eq!(team.attribute("name"), "network/edge");
    let found = owner.get("/organizations/acme/teams?filter[names]=network/edge").await.is_ok();
    assert_eq!(found.attributes("name"), ["network/edge"]);

    let organization = |length: usize| {
        body("organizations", json!({ "name": "o".repeat(length), "email": "a@example.com" }))
    };
    for length in [3, 41, 49, 64] {
        let name = "o".repeat(length);
        server.site_admin().post("/organizations", organization(length)).await.is_created();
        server.site_admin().get(format!("/organizations/{name}")).await.is_ok();
    }
    for length in [0, 2, 65] {
        let refused = server.site_admin().post("/organizations", organization(length)).await;
        refused.is_unprocessable("/data/attributes/name");
    }

    let ws = server.workspace("networking").await;
    let path = format!("/workspaces/{}", ws.id);
    let set = async |attributes: Value| {
        let shown = owner.patch(&path, body("workspaces", attributes)).await.is_ok();
        (shown.attribute("trigger-prefixes"), shown.attribute("trigger-patterns"))
    };
    let (none, prefixes, patterns) = (json!([]), json!(["/a"]), json!(["/a/**"]));
    let patterned = (none.clone(), patterns.clone());
    assert_eq!(set(json!({ "trigger-patterns": patterns })).await, patterned);
    let both = json!({ "trigger-patterns": patterns, "trigger-prefixes": [] });
    assert_eq!(set(both).await, patterned);
    assert_eq!(set(json!({ "trigger-prefixes": [] })).await, (none.clone(), none.clone()));
    let prefixed = (prefixes.clone(), none.clone());
    assert_eq!(set(json!({ "trigger-prefixes": prefixes })).await, prefixed);
    assert_eq!(set(json!({ "description": "x" })).await, prefixed);
    assert_eq!(set(json!({ "trigger-patterns": [] })).await, (none.clone(), none));
}

#[tokio::test]
async fn what_is_not_built_is_not_announced() {
    let server = Server::start().await;
    let services = server.nobody().get("/.well-known/terraform.json").await.is_ok().json();
    for absent in ["modules.v1", "providers.v1"] {
        assert!(services.get(absent).is_none(), "{services}");
    }
    // The provider asks for some things only of servers that claim to be new enough.
    let ping = server.owner().get("/ping").await.has_status(StatusCode::NO_CONTENT);
    assert_eq!(ping.header("x-tfe-current-version"), "2.0.1");
}

#[tokio::test]
async fn null_freezes_nothing_that_is_inherited() {
    let server = Server::start().await;
    let owner = server.owner();
    let pool = pool(&server).await;
    let default = json!({ "default-execution-mode": "agent", "default-agent-pool-id": pool });
    owner.patch("/organizations/acme", body("organizations", default)).await.is_ok();
    let ws = server.workspace("networking").await;
    let places = [
        (format!("/workspaces/{}", ws.id), "execution-mode", "agent-pool-id"),
        (format!("/projects/{}", ws.project_id), "default-execution-mode", "default-agent-pool-id"),
    ];
    for (path, mode, id) in &places {
        for nothing in [
            json!({ *mode: null }),
            json!({ *id: null }),
            json!({ *mode: null, *id: null, "setting-overwrites": null }),
            json!({ "auto-destroy-activity-duration": null, "terraform-version": null }),
        ] {
            let shown = owner.patch(path, body("", nothing.clone())).await.is_ok();
            assert_eq!(shown.attribute(mode), "agent", "{path} {nothing}");
            assert_eq!(shown.attribute("setting-overwrites")[*mode], false, "{path} {nothing}");
        }
    }
    let local = json!({ "default-execution-mode": "local" });
    owner.patch("/organizations/acme", body("organizations", local)).await.is_ok();
    for (path, mode, _) in &places {
        assert_eq!(owner.get(path).await.is_ok().attribute(mode), "local", "{path}");
    }
}
