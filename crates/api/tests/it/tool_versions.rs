//! `/admin/terraform-versions`: one test for each row of the reference's tables, and that a version made here is used.

use serde_json::{Value, json};
use testkit::{Answer, Server};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

const PATH: &str = "/admin/terraform-versions";
const URL: &str = "https://releases.example.com/terraform_1.2.3_linux_amd64.zip";

fn sha(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn body(attributes: &Value) -> Value {
    json!({ "data": { "type": "terraform-versions", "attributes": attributes } })
}

fn attributes(version: &str) -> Value {
    json!({ "version": version, "url": URL, "sha": sha('a') })
}

async fn create(server: &Server, version: &str) -> Answer {
    server.site_admin().post(PATH, body(&attributes(version))).await.is_created()
}

/// Creates a version with one attribute more, or another.
async fn create_with(server: &Server, name: &str, value: Value) -> Answer {
    let mut all = attributes("1.2.3");
    all[name] = value;
    server.site_admin().post(PATH, body(&all)).await
}

#[tokio::test]
async fn what_is_not_said_has_its_default() {
    let server = Server::start().await;
    let made = create(&server, "1.2.3").await;
    let path = format!("{PATH}/{}", made.id());
    let shown = server.site_admin().get(&path).await.is_ok();
    assert_eq!(shown.data(), made.data());
    assert_eq!(shown.data()["type"], "terraform-versions");
    assert!(shown.id().starts_with("tool-"), "{shown}");
    for (name, value) in [
        ("version", json!("1.2.3")),
        ("url", json!(URL)),
        ("sha", json!(sha('a'))),
        ("deprecated", json!(false)),
        ("deprecated-reason", json!(null)),
        ("official", json!(false)),
        ("enabled", json!(true)),
        ("beta", json!(false)),
        ("usage", json!(0)),
        ("archs", json!([{ "url": URL, "sha": sha('a'), "os": "linux", "arch": "amd64" }])),
    ] {
        assert_eq!(shown.attribute(name), value, "{name}");
    }
    assert!(shown.attribute("created-at").as_str().unwrap().ends_with('Z'), "{shown}");
}

#[tokio::test]
async fn a_version_has_three_numbers_and_perhaps_a_name() {
    let server = Server::start().await;
    for right in ["0.11.0", "0.12.20-beta1"] {
        create(&server, right).await;
    }
    for wrong in ["1.2", "v1.2.3", "latest", "1.2.3+linux"] {
        let refused = create_with(&server, "version", json!(wrong)).await;
        refused.is_unprocessable("/data/attributes/version");
    }
    let refused = create_with(&server, "version", Value::Null).await;
    refused.is_unprocessable("/data/attributes/version");
}

#[tokio::test]
async fn a_version_is_known_once() {
    let server = Server::start().await;
    create(&server, "1.2.3").await;
    let refused = server.site_admin().post(PATH, body(&attributes("1.2.3"))).await;
    let refused = refused.is_unprocessable("/data/attributes/version");
    assert_eq!(refused.error(), "Version has already been taken");
}

#[tokio::test]
async fn an_address_is_required_and_must_be_one() {
    let server = Server::start().await;
    for wrong in [Value::Null, json!(""), json!("ftp://example.com/x.zip"), json!("nonsense")] {
        let refused = create_with(&server, "url", wrong).await;
        refused.is_unprocessable("/data/attributes/url");
    }
}

#[tokio::test]
async fn a_checksum_is_required_and_must_be_one() {
    let server = Server::start().await;
    for wrong in [Value::Null, json!(""), json!("abc"), json!("z".repeat(64))] {
        let refused = create_with(&server, "sha", wrong).await;
        refused.is_unprocessable("/data/attributes/sha");
    }
}

#[tokio::test]
async fn archives_by_platform_take_the_place_of_address_and_checksum() {
    let server = Server::start().await;
    let arm = json!({ "url": "https://example.com/arm.zip", "sha": sha('b'), "os": "linux", "arch": "arm64" });
    let amd = json!({ "url": "https://example.com/amd.zip", "sha": sha('c'), "os": "linux", "arch": "amd64" });
    let admin = server.site_admin();
    let new = |archs: Value| body(&json!({ "version": "1.2.3", "archs": archs }));
    admin.post(PATH, new(json!([arm]))).await.is_unprocessable("/data/attributes/url");
    let mut wrong = amd.clone();
    wrong["sha"] = json!("abc");
    admin.post(PATH, new(json!([wrong]))).await.is_unprocessable("/data/attributes/archs");
    let mut wrong = amd.clone();
    wrong["os"] = json!("../linux");
    admin.post(PATH, new(json!([wrong]))).await.is_unprocessable("/data/attributes/archs");
    let mut other = amd.clone();
    other["url"] = json!("https://example.org/amd.zip");
    let refused = admin.post(PATH, new(json!([amd, arm, other]))).await;
    let refused = refused.is_unprocessable("/data/attributes/archs");
    assert!(refused.error().contains("two archives for linux and amd64"), "{refused}");
    let made = admin.post(PATH, new(json!([arm, amd]))).await.is_created();
    assert_eq!(made.attribute("archs"), json!([arm, amd]));
    assert_eq!(made.attribute("url"), amd["url"]);
    assert_eq!(made.attribute("sha"), amd["sha"]);

    let path = format!("{PATH}/{}", made.id());
    let changed = admin.patch(&path, body(&json!({ "url": URL }))).await.is_ok();
    let one = json!([{ "url": URL, "sha": sha('c'), "os": "linux", "arch": "amd64" }]);
    assert_eq!(changed.attribute("archs"), one);

    let changed = admin.patch(&path, body(&json!({ "archs": [arm] }))).await.is_ok();
    assert_eq!(changed.attribute("archs"), json!([arm]));
    assert_eq!(changed.attribute("url"), Value::Null);
    assert_eq!(changed.attribute("sha"), Value::Null);
    let refused = admin.patch(&path, body(&json!({ "archs": [] }))).await;
    refused.is_unprocessable("/data/attributes/url");
}

#[tokio::test]
async fn a_reason_is_kept_while_the_version_is_deprecated() {
    let server = Server::start().await;
    let admin = server.site_admin();
    let made = create_with(&server, "deprecated-reason", json!("too old")).await.is_created();
    assert_eq!(made.attribute("deprecated-reason"), Value::Null);
    let path = format!("{PATH}/{}", made.id());
    let both = json!({ "deprecated": true, "deprecated-reason": "too old" });
    let changed = admin.patch(&path, body(&both)).await.is_ok();
    assert_eq!(changed.attribute("deprecated"), true);
    assert_eq!(changed.attribute("deprecated-reason"), "too old");
    let changed = admin.patch(&path, body(&json!({ "deprecated": false }))).await.is_ok();
    assert_eq!(changed.attribute("deprecated-reason"), Value::Null);
}

#[tokio::test]
async fn switches_are_kept_and_must_be_boolean() {
    let server = Server::start().await;
    for (name, unlike_default) in
        [("official", true), ("enabled", false), ("beta", true), ("deprecated", true)]
    {
        let refused = create_with(&server, name, json!("perhaps")).await;
        refused.is_unprocessable(&format!("/data/attributes/{name}"));
        let mut all = attributes(&format!("1.2.3-{name}"));
        all[name] = json!(unlike_default);
        let made = server.site_admin().post(PATH, body(&all)).await.is_created();
        assert_eq!(made.attribute(name), unlike_default, "{name}");
    }
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_name() {
    let server = Server::start().await;
    let made = create(&server, "1.2.3").await;
    let path = format!("{PATH}/{}", made.id());
    let admin = server.site_admin();
    for (name, value) in [
        ("version", json!("1.2.4")),
        ("url", json!("https://elsewhere.example.com/x.zip")),
        ("sha", json!(sha('b'))),
        ("official", json!(true)),
        ("deprecated", json!(true)),
        ("deprecated-reason", json!("too old")),
        ("enabled", json!(false)),
        ("beta", json!(true)),
    ] {
        let before = admin.get(&path).await.is_ok();
        let mut named = serde_json::Map::new();
        named.insert(name.to_owned(), value.clone());
        let after = admin.patch(&path, body(&named.into())).await.is_ok();
        assert_eq!(after.attribute(name), value, "{name}");
        for other in ["version", "official", "deprecated", "enabled", "beta"] {
            if other != name {
                assert_eq!(after.attribute(other), before.attribute(other), "{other} with {name}");
            }
        }
    }
    for (name, wrong) in [("version", "1.2"), ("url", "x"), ("sha", "x")] {
        let mut named = serde_json::Map::new();
        named.insert(name.to_owned(), wrong.into());
        let refused = admin.patch(&path, body(&named.into())).await;
        refused.is_unprocessable(&format!("/data/attributes/{name}"));
    }
}

#[tokio::test]
async fn the_list_is_filtered_searched_and_paged() {
    let server = Server::start().await;
    for version in ["1.0.4", "1.10.0", "1.9.0", "1.0.4-acme"] {
        create(&server, version).await;
    }
    let admin = server.site_admin();
    let list = async |query: &str| admin.get(format!("{PATH}?{query}")).await.is_ok();
    let versions = async |query: &str| list(query).await.attributes("version");
    assert_eq!(versions("").await, ["1.10.0", "1.9.0", "1.0.4", "1.0.4-acme"]);
    assert_eq!(versions("filter[version]=1.0.4").await, ["1.0.4"]);
    assert_eq!(versions("filter[version]=1.0").await, Vec::<Value>::new());
    assert_eq!(versions("search[version]=1.0").await, ["1.0.4", "1.0.4-acme"]);
    assert_eq!(versions("filter[version]=1.9.0&search[version]=1.0").await, ["1.9.0"]);
    let second = list("page[number]=2&page[size]=3").await;
    assert_eq!(second.attributes("version"), ["1.0.4-acme"]);
    assert_eq!(second.json()["meta"]["pagination"]["total-count"], 4);
    assert_eq!(versions("page[number]=999").await, Vec::<Value>::new());
    assert_eq!(list("").await.json()["meta"]["pagination"]["page-size"], 20);
}

#[tokio::test]
async fn to_others_there_are_no_versions() {
    let server = Server::start().await;
    let made = create(&server, "1.2.3").await;
    let path = format!("{PATH}/{}", made.id());
    for client in [server.owner(), server.stranger(), server.organization_token()] {
        client.get(PATH).await.is_not_found();
        client.post(PATH, body(&attributes("1.2.4"))).await.is_not_found();
        client.get(&path).await.is_not_found();
        client.patch(&path, body(&json!({}))).await.is_not_found();
        client.delete(&path).await.is_not_found();
    }
    server.nobody().get(PATH).await.is_unauthorized();
    server.site_admin().get(format!("{PATH}/tool-9999999999999999")).await.is_not_found();
}

#[tokio::test]
async fn official_versions_and_those_in_use_stay() {
    let server = Server::start().await;
    let admin = server.site_admin();
    let made = create(&server, "1.2.3").await;
    let path = format!("{PATH}/{}", made.id());
    let ws = server.workspace("networking").await;
    assert_eq!(ws.terraform_version, "1.2.3");
    assert_eq!(admin.get(&path).await.is_ok().attribute("usage"), 1);
    let refused = admin.delete(&path).await.is_unprocessable("/data");
    assert!(refused.error().contains("in use"), "{refused}");
    let renamed = admin.patch(&path, body(&json!({ "version": "1.2.4" }))).await;
    renamed.is_unprocessable("/data/attributes/version");

    server.owner().delete(format!("/workspaces/{}", ws.id)).await.is_no_content();
    admin.patch(&path, body(&json!({ "official": true }))).await.is_ok();
    let refused = admin.delete(&path).await.is_unprocessable("/data");
    assert!(refused.error().contains("official"), "{refused}");
    admin.patch(&path, body(&json!({ "official": false }))).await.is_ok();
    admin.delete(&path).await.is_no_content();
    admin.get(&path).await.is_not_found();
}

#[tokio::test]
async fn constraints_count_as_use_of_the_version_that_they_come_down_to() {
    let server = Server::start().await;
    let admin = server.site_admin();
    let old = create(&server, "1.2.3").await;
    let new = create(&server, "1.2.4").await;
    let usage =
        async |id: String| admin.get(format!("{PATH}/{id}")).await.is_ok().attribute("usage");
    let change = domain::workspaces::Change {
        name: Some("networking".into()),
        terraform_version: Some("~> 1.2.0".into()),
        ..Default::default()
    };
    server.workspace_with(change).await;
    assert_eq!((usage(old.id()).await, usage(new.id()).await), (json!(0), json!(1)));
}

#[tokio::test]
async fn the_newest_version_may_go_as_long_as_only_latest_means_it() {
    let server = Server::start().await;
    let admin = server.site_admin();
    create(&server, "1.2.3").await.is_created();
    let newest = create(&server, "1.2.4").await.is_created();
    let path = format!("{PATH}/{}", newest.id());
    let wish = |version: &str| domain::workspaces::Change {
        name: Some(format!("wants-{}", version.replace('.', "-"))),
        terraform_version: Some(version.into()),
        ..Default::default()
    };
    server.workspace_with(wish("latest")).await;
    let exact = server.workspace_with(wish("1.2.4")).await;
    assert_eq!(admin.get(&path).await.is_ok().attribute("usage"), 2);
    admin.delete(&path).await.is_unprocessable("/data");
    server.owner().delete(format!("/workspaces/{}", exact.id)).await.is_no_content();
    assert_eq!(admin.get(&path).await.is_ok().attribute("usage"), 1);
    admin.delete(&path).await.is_no_content();
    // To whom the newest one is good, another one is now.
    let left = admin.get(PATH).await.is_ok();
    assert_eq!(
        (left.attributes("version"), left.attributes("usage")),
        (vec![json!("1.2.3")], vec![json!(1)])
    );
}

#[tokio::test]
async fn workspaces_cannot_use_what_is_disabled() {
    let server = Server::start().await;
    let made = create_with(&server, "enabled", json!(false)).await.is_created();
    let ws = server.workspace("networking").await;
    assert_ne!(ws.terraform_version, "1.2.3");
    let wish = json!({ "data": { "type": "workspaces", "attributes": {
        "terraform-version": "1.2.3",
    } } });
    let path = format!("/workspaces/{}", ws.id);
    let refused = server.owner().patch(&path, &wish).await;
    refused.is_unprocessable("/data/attributes/terraform-version");
    let version = format!("{PATH}/{}", made.id());
    server.site_admin().patch(version, body(&json!({ "enabled": true }))).await.is_ok();
    server.owner().patch(&path, &wish).await.is_ok();
    // Whoever has it already may go on to say so.
    let version = format!("{PATH}/{}", made.id());
    server.site_admin().patch(version, body(&json!({ "enabled": false }))).await.is_ok();
    server.owner().patch(&path, &wish).await.is_ok();
}

#[tokio::test]
async fn agents_get_the_address_and_the_checksum_of_what_was_made_here() {
    let server = Server::start().await;
    let made = create(&server, "1.2.3").await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    let agent = Agent::register(&server).await;
    server.advance().await;
    // The run keeps its engine, even if nobody else may use it from now on.
    let path = format!("{PATH}/{}", made.id());
    server.site_admin().patch(path, body(&json!({ "enabled": false }))).await.is_ok();
    let job = agent.must_claim().await;
    assert_eq!(
        job.json["engine"],
        json!({ "kind": "terraform", "version": "1.2.3", "url": URL, "sha256": sha('a') }),
    );
}
