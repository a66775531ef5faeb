//! Terraform and OpenTofu of one number: both can be listed, looked for and chosen, and a run keeps the one that it got.

use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

const PATH: &str = "/admin/terraform-versions";

/// An agent that has both.
async fn agent(server: &Server) -> Agent<'_> {
    let engines = json!({ "engines": [
        { "kind": "tofu", "version": "1.9.1" }, { "kind": "terraform", "version": "1.9.1" },
        { "kind": "tofu", "version": "1.9.2" },
    ] });
    Agent::register_with_abilities(server, "both", &engines).await
}

async fn choose(client: &Client<'_>, ws: &str, attributes: Value) -> testkit::Answer {
    let body = json!({ "data": { "type": "workspaces", "attributes": attributes } });
    client.patch(format!("/workspaces/{ws}"), body).await
}

#[tokio::test]
async fn both_are_listed_and_looked_for() {
    let server = Server::start().await;
    agent(&server).await;
    let admin = server.site_admin();
    let versions = async |query: &str| {
        let found = admin.get(format!("{PATH}{query}")).await.is_ok();
        let engines = found.attributes("engine").into_iter();
        engines.zip(found.attributes("version")).collect::<Vec<_>>()
    };
    let is = |engine: &str, version: &str| (json!(engine), json!(version));
    let all = [is("tofu", "1.9.2"), is("terraform", "1.9.1"), is("tofu", "1.9.1")];
    assert_eq!(versions("").await, all);
    assert_eq!(versions("?filter[engine]=").await, all);
    assert_eq!(versions("?filter[version]=1.9.1").await, all[1..]);
    assert_eq!(versions("?filter[engine]=terraform").await, all[1..2]);
    assert_eq!(versions("?search[engine]=terraform").await, all[1..2]);
    admin.get(format!("{PATH}?search[engine]=opa")).await.is_bad_request();
    let tofu = [is("tofu", "1.9.2"), is("tofu", "1.9.1")];
    assert_eq!(versions("?filter[engine]=tofu").await, tofu);
    let found = versions("?filter[engine]=tofu&filter[version]=1.9.1").await;
    assert_eq!(found, [is("tofu", "1.9.1")]);
    assert_eq!(versions("?filter[engine]=tofu&search[version]=9.2").await, [is("tofu", "1.9.2")]);
    let url = "https://releases.example.com/tofu_1.9.3_linux_amd64.zip";
    let made = json!({ "data": { "type": "terraform-versions", "attributes": {
        "version": "1.9.3", "engine": "tofu", "url": url, "sha": "a".repeat(64),
    } } });
    let made = admin.post(PATH, made).await.is_created();
    assert_eq!(made.attribute("engine"), "tofu");
    let path = format!("{PATH}/{}", made.id());
    assert_eq!(admin.get(&path).await.is_ok().attribute("version"), "1.9.3");
    let body = |attributes: Value| json!({ "data": { "type": "terraform-versions", "attributes": attributes } });
    admin.patch(&path, body(json!({ "engine": "tofu" }))).await.is_ok();
    let refused = admin.patch(&path, body(json!({ "engine": "terraform" }))).await;
    refused.is_unprocessable("/data/attributes/engine");
}

#[tokio::test]
async fn a_number_alone_is_terraforms_and_the_engine_says_otherwise() {
    let server = Server::start().await;
    let agent = agent(&server).await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    upload(&owner, &ws, false).await;
    let number = json!({ "terraform-version": "1.9.1" });
    choose(&owner, ws.id.as_str(), number).await.is_ok();
    for (engine, expected) in
        [(Value::Null, "terraform"), (json!("tofu"), "tofu"), (Value::Null, "terraform")]
    {
        let chosen = choose(&owner, ws.id.as_str(), json!({ "engine": engine })).await.is_ok();
        assert_eq!(chosen.attribute("engine"), engine);
        let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
        server.advance().await;
        let job = agent.must_claim().await;
        assert_eq!(job.json["engine"]["kind"], expected);
        assert_eq!(job.json["engine"]["version"], "1.9.1");
        let shown = owner.get(format!("/runs/{id}")).await.is_ok();
        assert_eq!(shown.attribute("engine"), expected);
        job.execute().await;
        owner.post(format!("/runs/{id}/actions/discard"), ()).await.is_accepted();
    }
}

#[tokio::test]
async fn what_was_planned_with_one_is_not_applied_with_the_other() {
    let server = Server::start().await;
    let agent = agent(&server).await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    upload(&owner, &ws, false).await;
    let tofu = json!({ "terraform-version": "1.9.1", "engine": "tofu" });
    choose(&owner, ws.id.as_str(), tofu).await.is_ok();
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    server.advance().await;
    agent.must_claim().await.execute().await;
    choose(&owner, ws.id.as_str(), json!({ "engine": "terraform" })).await.is_ok();
    owner.post(format!("/runs/{id}/actions/apply"), ()).await.is_accepted();
    server.advance().await;
    let apply = agent.must_claim().await;
    assert!(apply.is_apply());
    assert_eq!(apply.json["engine"]["kind"], "tofu");
}

#[tokio::test]
async fn a_version_that_the_engine_does_not_have_is_refused() {
    let server = Server::start().await;
    let agent = agent(&server).await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let pointer = "/data/attributes/terraform-version";
    let wrong = json!({ "terraform-version": "1.9.2", "engine": "terraform" });
    let refused = choose(&owner, ws.id.as_str(), wrong).await.is_unprocessable(pointer);
    assert!(refused.error().contains("Terraform 1.9.2"), "{refused}");
    // The number is OpenTofu's alone, so it needs no more words, until somebody wants the other engine.
    choose(&owner, ws.id.as_str(), json!({ "terraform-version": "1.9.2" })).await.is_ok();
    choose(&owner, ws.id.as_str(), json!({ "engine": "terraform" }))
        .await
        .is_unprocessable(pointer);
    let refused = choose(&owner, ws.id.as_str(), json!({ "engine": "opa" })).await;
    refused.is_unprocessable("/data/attributes/engine");
    // Constraints and the newest are those of the engine.
    let wish = json!({ "terraform-version": "~> 1.9.0", "engine": "terraform" });
    choose(&owner, ws.id.as_str(), wish).await.is_ok();
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    assert_eq!(agent.must_claim().await.json["engine"]["version"], "1.9.1");
}

#[tokio::test]
async fn a_new_workspace_of_an_engine_gets_its_newest_version() {
    let server = Server::start().await;
    agent(&server).await;
    let body = json!({ "data": { "type": "workspaces", "attributes": {
        "name": "networking", "engine": "tofu",
    } } });
    let made = server.owner().post("/organizations/acme/workspaces", body).await.is_created();
    assert_eq!(made.attribute("terraform-version"), "1.9.2");
    assert_eq!(made.attribute("engine"), "tofu");
}

#[tokio::test]
async fn only_a_run_that_is_only_planned_may_name_an_engine() {
    let server = Server::start().await;
    let agent = agent(&server).await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    upload(&owner, &ws, false).await;
    let refused = owner.post("/runs", run(&ws, json!({ "engine": "tofu" }))).await;
    refused.is_unprocessable("/data/attributes/engine");
    let wish = json!({ "engine": "tofu", "plan-only": true, "terraform-version": "1.9.1" });
    owner.post("/runs", run(&ws, wish)).await.is_created();
    server.advance().await;
    let job = agent.must_claim().await;
    assert_eq!(
        (&job.json["engine"]["kind"], &job.json["engine"]["version"]),
        (&json!("tofu"), &json!("1.9.1"))
    );
    let none = json!({ "engine": "terraform", "plan-only": true, "terraform-version": "1.9.2" });
    let refused = owner.post("/runs", run(&ws, none)).await;
    refused.is_unprocessable("/data/attributes/terraform-version");
}

#[tokio::test]
async fn a_version_that_only_the_other_engines_workspaces_use_may_go() {
    let server = Server::start().await;
    let admin = server.site_admin();
    let mut made = Vec::new();
    for engine in ["terraform", "tofu"] {
        let body = json!({ "data": { "type": "terraform-versions", "attributes": {
            "version": "1.9.1", "engine": engine, "sha": "a".repeat(64),
            "url": format!("https://releases.example.com/{engine}_1.9.1_linux_amd64.zip"),
        } } });
        made.push(admin.post(PATH, body).await.is_created().id());
    }
    let body = json!({ "data": { "type": "workspaces", "attributes": {
        "name": "networking", "engine": "tofu",
    } } });
    server.owner().post("/organizations/acme/workspaces", body).await.is_created();
    let usage = async |id: &str| admin.get(format!("{PATH}/{id}")).await.is_ok().attribute("usage");
    assert_eq!((usage(&made[0]).await, usage(&made[1]).await), (json!(0), json!(1)));
    admin.delete(format!("{PATH}/{}", made[1])).await.is_unprocessable("/data");
    admin.delete(format!("{PATH}/{}", made[0])).await.is_no_content();
}

#[tokio::test]
async fn an_empty_engine_is_none() {
    let server = Server::start().await;
    agent(&server).await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let changed =
        choose(&owner, ws.id.as_str(), json!({ "engine": "tofu", "terraform-version": "1.9.1" }));
    assert_eq!(changed.await.is_ok().attribute("engine"), "tofu");
    let cleared = choose(&owner, ws.id.as_str(), json!({ "engine": "" })).await.is_ok();
    let null = choose(&owner, ws.id.as_str(), json!({ "engine": null })).await.is_ok();
    assert_eq!(cleared.attribute("engine"), null.attribute("engine"));
    upload(&owner, &ws, false).await;
    let new = run(&ws, json!({ "engine": "", "plan-only": true }));
    owner.post("/runs", new).await.is_created();
    let refused = choose(&owner, ws.id.as_str(), json!({ "engine": "pulumi" })).await;
    refused.is_unprocessable("/data/attributes/engine");
}
