//! `/workspaces`

use domain::workspaces::Change;
use serde_json::{Value, json};
use testkit::Server;

fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "workspaces", "attributes": attributes } })
}

#[tokio::test]
async fn a_workspace_is_made_and_found_by_id_and_by_name() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = owner
        .post("/organizations/acme/workspaces", body(json!({ "name": "networking" })))
        .await
        .is_created();
    let by_id = owner.get(format!("/workspaces/{}", made.id())).await.is_ok();
    let by_name = owner.get("/organizations/ACME/workspaces/Networking").await.is_ok();
    assert_eq!(by_id.data(), by_name.data());
    assert_eq!(by_id.attribute("name"), "networking");
    assert_eq!(by_id.attribute("vcs-repo"), Value::Null);
    assert_eq!(by_id.related("organization"), "acme");
}

#[tokio::test]
async fn names_of_workspaces_are_unique_whatever_their_case() {
    let server = Server::start().await;
    server.workspace("networking").await;
    let refused = server
        .owner()
        .post("/organizations/acme/workspaces", body(json!({ "name": "Networking" })))
        .await
        .is_unprocessable("/data/attributes/name");
    assert_eq!(refused.error(), "Name has already been taken");
}

#[tokio::test]
async fn an_update_changes_only_what_it_names() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let path = format!("/workspaces/{}", ws.id);
    let changed = server
        .admin_of(&ws)
        .patch(&path, body(json!({ "description": "Cables", "working_directory": "/envs/" })))
        .await
        .is_ok();
    assert_eq!(changed.attribute("description"), "Cables");
    assert_eq!(changed.attribute("working-directory"), "/envs/");
    let emptied =
        server.admin_of(&ws).patch(&path, body(json!({ "description": null }))).await.is_ok();
    assert_eq!(emptied.attribute("description"), Value::Null);
    assert_eq!(emptied.attribute("working-directory"), "/envs/");
}

#[tokio::test]
async fn permissions_in_answers_are_those_that_are_enforced() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let path = format!("/workspaces/{}", ws.id);
    let lock = format!("{path}/actions/lock");
    for (client, may_lock) in [(server.reader(&ws), false), (server.writer(&ws), true)] {
        let permissions = client.get(&path).await.is_ok().attribute("permissions");
        assert_eq!(permissions["can-lock"], may_lock);
        let answer = client.post(&lock, ()).await;
        if may_lock {
            answer.is_ok()
        } else {
            answer.is_not_found()
        };
    }
}

#[tokio::test]
async fn a_lock_is_opened_by_its_holder_or_by_force() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let act = |action: &str| format!("/workspaces/{}/actions/{action}", ws.id);
    let writer = server.writer(&ws);
    let locked = writer.post(act("lock"), json!({ "reason": "by hand" })).await.is_ok();
    assert_eq!(locked.attribute("locked"), true);
    assert_eq!(locked.attribute("locked-reason"), "by hand");
    writer.post(act("lock"), ()).await.is_conflict();
    let refused = server.admin_of(&ws).post(act("unlock"), ()).await.is_conflict();
    assert!(refused.error().contains("locked by User write-"), "{refused}");
    writer.post(act("force-unlock"), ()).await.is_not_found();
    let opened = server.admin_of(&ws).post(act("force-unlock"), ()).await.is_ok();
    assert_eq!(opened.attribute("locked"), false);
    writer.post(act("unlock"), ()).await.is_conflict();
}

#[tokio::test]
async fn pages_have_true_totals() {
    let server = Server::start().await;
    for name in ["delta", "alpha", "Bravo", "charlie"] {
        server.workspace(name).await;
    }
    let path = "/organizations/acme/workspaces?page[size]=3";
    let first = server.owner().get(path).await.is_ok();
    // Byte by byte on both databases: capitals come first.
    assert_eq!(first.attributes("name"), ["Bravo", "alpha", "charlie"]);
    assert_eq!(first.json()["meta"]["pagination"]["total-count"], 4);
    assert_eq!(first.json()["meta"]["pagination"]["next-page"], 2);
    let next = first.json()["links"]["next"].as_str().unwrap().to_owned();
    let second = server.owner().get(next).await.is_ok();
    assert_eq!(second.attributes("name"), ["delta"]);
    assert_eq!(second.json()["meta"]["pagination"]["next-page"], Value::Null);
}

#[tokio::test]
async fn lists_show_only_what_the_caller_may_see() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    server.workspace("secrets").await;
    let path = "/organizations/acme/workspaces";
    assert_eq!(server.reader(&ws).get(path).await.is_ok().attributes("name"), ["networking"]);
    assert_eq!(server.member().get(path).await.is_ok().data(), json!([]));
    server.foreigner().get(path).await.is_not_found();
    server.nobody().get(path).await.is_unauthorized();
}

#[tokio::test]
async fn searches_take_wildcards_for_letters() {
    let server = Server::start().await;
    for name in ["net_work", "network", "old-network"] {
        server.workspace(name).await;
    }
    let names = async |query: &str| {
        let path = format!("/organizations/acme/workspaces?{query}");
        server.owner().get(path).await.is_ok().attributes("name")
    };
    assert_eq!(names("search[name]=T_W").await, ["net_work"]);
    assert_eq!(names("search[name]=%25").await, Vec::<Value>::new());
    assert_eq!(names("search[wildcard-name]=*-NETwork").await, ["old-network"]);
    assert_eq!(names("search[wildcard-name]=net*").await, ["net_work", "network"]);
}

#[tokio::test]
async fn safe_deletion_spares_what_is_locked() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let act = |action: &str| format!("/workspaces/{}/actions/{action}", ws.id);
    owner.post(act("lock"), ()).await.is_ok();
    owner.post(act("safe-delete"), ()).await.is_conflict();
    owner.post(act("unlock"), ()).await.is_ok();
    owner.post(act("safe-delete"), ()).await.is_no_content();
    owner.get(format!("/workspaces/{}", ws.id)).await.is_not_found();
}

#[tokio::test]
async fn related_resources_are_included_once() {
    let server = Server::start().await;
    server.workspace("one").await;
    server.workspace_with(Change { name: Some("two".into()), ..Change::default() }).await;
    let path = "/organizations/acme/workspaces?include=organization,project,nonsense";
    let list = server.owner().get(path).await.is_ok().json();
    let mut kinds: Vec<_> = list["included"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["type"].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["organizations", "projects"]);
}

#[tokio::test]
async fn changes_of_several_people_at_once_all_hold() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let path = format!("/workspaces/{}", ws.id);
    let change = |name: &str, value: Value| {
        owner.patch(
            &path,
            json!({ "data": { "type": "workspaces", "attributes": { name: value } } }),
        )
    };
    for round in 0..10 {
        let (description, allowed) = (format!("Round {round}"), round % 2 == 0);
        let (one, other) = tokio::join!(
            change("description", json!(description)),
            change("allow-destroy-plan", json!(allowed)),
        );
        one.is_ok();
        other.is_ok();
        let shown = owner.get(&path).await.is_ok();
        assert_eq!(shown.attribute("description"), description);
        assert_eq!(shown.attribute("allow-destroy-plan"), allowed);
    }
}
