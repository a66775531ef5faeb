//! The workspaces of all organizations, for administrators of the site.

use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

const PATH: &str = "/admin/workspaces";

async fn names(admin: &Client<'_>, query: &str) -> Vec<Value> {
    admin.get(format!("{PATH}?{query}")).await.is_ok().attributes("name")
}

#[tokio::test]
async fn administrators_find_every_workspace_and_see_nothing_in_it() {
    let server = Server::start().await;
    let admin = server.site_admin();
    let other = json!({ "data": { "attributes": { "name": "zulu", "email": "z@example.com" } } });
    admin.post("/organizations", other).await.is_created();
    let new = json!({ "data": { "attributes": { "name": "harbour" } } });
    admin.post("/organizations/zulu/workspaces", new).await.is_created();
    let ws = server.workspace("networking").await;
    let storage = server.workspace("storage").await;
    let owner = server.owner();
    for of in [&storage, &ws] {
        upload(&owner, of, false).await;
    }
    let older = owner.post("/runs", run(&storage, json!({}))).await.is_created().id();
    server.advance().await;
    server.pass(std::time::Duration::from_secs(1));
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;

    assert_eq!(names(&admin, "").await, ["harbour", "networking", "storage"]);
    assert_eq!(names(&admin, "q=ARB").await, ["harbour"]);
    assert_eq!(names(&admin, "q=zul").await, ["harbour"]);
    assert_eq!(names(&admin, "sort=-name").await, ["storage", "networking", "harbour"]);
    let by_run = names(&admin, "sort=current-run.created-at").await;
    assert_eq!(by_run, ["storage", "networking", "harbour"]);
    let status = owner.get(format!("/runs/{older}")).await.is_ok().attribute("status");
    let status = status.as_str().unwrap().to_owned();
    let waiting = names(&admin, &format!("filter[current_run][status]={status},errored")).await;
    assert_eq!(waiting, ["networking", "storage"]);
    assert_eq!(names(&admin, "filter[current_run][status]=errored").await, Vec::<Value>::new());
    for wrong in ["filter[current_run][status]=asleep", "sort=colour"] {
        admin.get(format!("{PATH}?{wrong}")).await.is_bad_request();
    }

    let shown = admin.get(format!("{PATH}/{}?include=current_run,organization.owners", storage.id));
    let shown = shown.await.is_ok();
    let attributes = shown.data()["attributes"].as_object().unwrap().clone();
    assert_eq!(attributes.keys().collect::<Vec<_>>(), ["locked", "name", "vcs-repo"]);
    assert_eq!(shown.related("organization"), "acme");
    assert_eq!(shown.related("current-run"), json!(older));
    let included = shown.json()["included"].as_array().unwrap().clone();
    let mut types: Vec<_> = included.iter().map(|item| item["type"].clone()).collect();
    types.sort_by_key(Value::to_string);
    assert_eq!(types, ["organizations", "runs", "users"]);
    for other in [owner, server.organization_token()] {
        other.get(PATH).await.is_not_found();
        other.get(format!("{PATH}/{}", ws.id)).await.is_not_found();
        other.delete(format!("{PATH}/{}", ws.id)).await.is_not_found();
    }
}

#[tokio::test]
async fn an_administrator_deletes_a_workspace_but_not_beneath_an_apply() {
    let server = Server::start().await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let (admin, owner) = (server.site_admin(), server.owner());
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({ "auto-apply": true }))).await.is_created();
    server.advance().await;
    agent.must_claim().await.execute().await;
    server.advance().await;
    let apply = agent.must_claim().await;
    assert_eq!(apply.start().await, 204);
    let path = format!("{PATH}/{}", ws.id);
    let said = admin.delete(&path).await.is_conflict().error();
    assert!(said.contains("whose apply is under way"), "{said}");
    assert_eq!(apply.save_state(1, 2).await, 200);
    assert_eq!(apply.outcome("finished", true).await, 204);
    // Whether or not it still manages something.
    admin.delete(&path).await.is_no_content();
    owner.get(format!("/workspaces/{}", ws.id)).await.is_not_found();
    admin.delete(&path).await.is_not_found();
}
