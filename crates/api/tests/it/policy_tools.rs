//! `/admin/opa-versions` and `/admin/sentinel-versions`, and which of them policy sets can name.

use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

use crate::{agent::Agent, policy_sets};

const SETS: &str = "/organizations/acme/policy-sets";
/// Each kind of policies, with the type of its tool's versions.
const TOOLS: [(&str, &str); 2] = [("opa", "opa-versions"), ("sentinel", "sentinel-versions")];

fn body(tool: &str, attributes: Value) -> Value {
    json!({ "data": { "type": tool, "attributes": attributes } })
}

/// Makes a version known that policy sets can name.
pub async fn register(server: &Server, tool: &str, version: &str) -> Answer {
    let new = json!({
        "version": version, "url": "https://example.com/tool.zip", "sha": "a".repeat(64),
    });
    server.site_admin().post(format!("/admin/{tool}"), body(tool, new)).await.is_created()
}

async fn name(owner: &Client<'_>, kind: &str, version: &str) -> Answer {
    let new = json!({
        "name": format!("{kind}-{}", version.replace('.', "-")), "kind": kind,
        "agent-enabled": true, "policy-tool-version": version,
    });
    owner.post(SETS, policy_sets::body(new)).await
}

/// The version that the server is itself.
async fn own(server: &Server, tool: &str) -> Answer {
    let all = server.site_admin().get(format!("/admin/{tool}")).await.is_ok();
    let id = all.data()[0]["id"].as_str().unwrap().to_owned();
    server.site_admin().get(format!("/admin/{tool}/{id}")).await.is_ok()
}

#[tokio::test]
async fn each_tool_has_versions_of_its_own() {
    let server = Server::start().await;
    let admin = server.site_admin();
    let engine = register(&server, "terraform-versions", "0.59.0").await.id();
    for (_, tool) in TOOLS {
        let made = register(&server, tool, "0.59.0").await;
        assert_eq!(made.data()["type"], tool);
        assert_eq!(made.attribute("archs")[0]["arch"], "amd64");
        let path = format!("/admin/{tool}/{}", made.id());
        assert_eq!(admin.get(&path).await.is_ok().data(), made.data());
        let list = format!("/admin/{tool}?filter[version]=0.59.0");
        assert_eq!(admin.get(list).await.is_ok().data(), json!([made.data()]));
        admin.get(format!("/admin/{tool}/{engine}")).await.is_not_found();
        admin.get(format!("/admin/terraform-versions/{}", made.id())).await.is_not_found();
        let changed = admin.patch(&path, body(tool, json!({ "version": "0.60.0" }))).await.is_ok();
        assert_eq!(changed.attribute("version"), "0.60.0");
        let official = json!({ "official": true });
        admin.patch(&path, body(tool, official)).await.is_ok();
        admin.delete(&path).await.is_unprocessable("/data");
        admin.patch(&path, body(tool, json!({ "official": false }))).await.is_ok();
        admin.delete(&path).await.is_no_content();
        admin.get(&path).await.is_not_found();
    }
}

#[tokio::test]
async fn the_server_knows_from_the_start_which_tools_it_is() {
    let server = Server::start().await;
    let admin = server.site_admin();
    for (tool, version) in [("opa-versions", "1.2.0"), ("sentinel-versions", "0.40.0")] {
        let own = own(&server, tool).await;
        assert_eq!(own.attribute("version"), version);
        assert_eq!(own.attribute("url"), Value::Null);
        assert_eq!(own.attribute("enabled"), true);
        assert_eq!(own.attribute("usage"), 0);
        let path = format!("/admin/{tool}/{}", own.id());
        let refused = admin.delete(&path).await.is_unprocessable("/data");
        assert!(refused.error().contains("evaluates policies with this version"), "{refused}");
        let renamed = admin.patch(&path, body(tool, json!({ "version": "1.3.0" }))).await;
        renamed.is_unprocessable("/data/attributes/version");
        // Once more, as after a restart.
        domain::tool_versions::learn_own(&server.system()).await.unwrap();
        let all = admin.get(format!("/admin/{tool}")).await.is_ok();
        assert_eq!(all.attributes("version"), [version]);
    }
}

#[tokio::test]
async fn no_workspace_gets_a_tool_of_policies_as_its_engine() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    assert_eq!(ws.terraform_version, "latest");
    register(&server, "terraform-versions", "1.1.0").await;
    for (_, tool) in TOOLS {
        register(&server, tool, "1.9.0").await;
    }
    assert_eq!(server.workspace("storage").await.terraform_version, "1.1.0");
    Agent::register_with_abilities(&server, "one", &json!({})).await;
    for wrong in ["1.2.0", "1.9.0"] {
        let wish = json!({ "data": { "type": "workspaces", "attributes": {
            "terraform-version": wrong,
        } } });
        let refused = server.owner().patch(format!("/workspaces/{}", ws.id), wish).await;
        refused.is_unprocessable("/data/attributes/terraform-version");
    }
}

#[tokio::test]
async fn a_set_names_an_enabled_version_of_its_own_tool() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner(), server.site_admin());
    for (kind, tool) in TOOLS {
        let (other, foreign) = match kind {
            "opa" => ("sentinel-versions", "0.7.0"),
            _ => ("opa-versions", "0.7.1"),
        };
        register(&server, other, foreign).await;
        let disabled = register(&server, tool, "0.8.0").await.id();
        let path = format!("/admin/{tool}/{disabled}");
        admin.patch(path, body(tool, json!({ "enabled": false }))).await.is_ok();
        register(&server, tool, "0.9.0").await;
        for wrong in [foreign, "0.8.0", "~> 0.9.0", "newest", ""] {
            let refused = name(&owner, kind, wrong).await;
            refused.is_unprocessable("/data/attributes/policy-tool-version");
        }
        let made = name(&owner, kind, "0.9.0").await.is_created();
        let path = format!("/policy-sets/{}", made.id());
        let wish = |version: &str| policy_sets::body(json!({ "policy-tool-version": version }));
        let refused = owner.patch(&path, wish("0.8.0")).await;
        refused.is_unprocessable("/data/attributes/policy-tool-version");
        let kept = owner.get(&path).await.is_ok();
        assert_eq!(kept.attribute("policy-tool-version"), "0.9.0", "{kind}");
        owner.patch(&path, wish("latest")).await.is_ok();
    }
}

#[tokio::test]
async fn sets_count_as_use_and_keep_no_version_from_going() {
    let server = Server::start().await;
    let (owner, admin) = (server.owner(), server.site_admin());
    let usage = async |path: String| admin.get(path).await.is_ok().attribute("usage");
    for (kind, tool) in TOOLS {
        let version = register(&server, tool, "0.9.0").await.id();
        let path = format!("/admin/{tool}/{version}");
        let set = name(&owner, kind, "0.9.0").await.is_created().id();
        assert_eq!(usage(path.clone()).await, 1, "{kind}");
        let renamed = admin.patch(&path, body(tool, json!({ "version": "0.9.1" }))).await;
        renamed.is_unprocessable("/data/attributes/version");
        admin.delete(&path).await.is_no_content();
        let kept = owner.get(format!("/policy-sets/{set}")).await.is_ok();
        assert_eq!(kept.attribute("policy-tool-version"), "0.9.0");
        let other = policy_sets::body(json!({ "description": "Still here" }));
        owner.patch(format!("/policy-sets/{set}"), other).await.is_ok();
    }
    // Whoever wants the latest OPA gets the server's own, even if a later one has a name here.
    register(&server, "opa-versions", "1.9.0").await;
    name(&owner, "opa", "latest").await.is_created();
    let all = admin.get("/admin/opa-versions").await.is_ok();
    assert_eq!(all.attributes("version"), ["1.9.0", "1.2.0"]);
    assert_eq!(all.attributes("usage"), [0, 1]);
}
