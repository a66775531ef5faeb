//! `/policy-sets`: what belongs to them, their parameters and their versions

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use testkit::{Client, Server};

use crate::repositories::connect_policy_set;

const PATH: &str = "/organizations/acme/policy-sets";

pub fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "policy-sets", "attributes": attributes } })
}

pub fn ids(kind: &str, ids: &[&str]) -> Value {
    let each: Vec<_> = ids.iter().map(|id| json!({ "type": kind, "id": id })).collect();
    json!({ "data": each })
}

async fn set(owner: &Client<'_>, attributes: Value) -> String {
    owner.post(PATH, body(attributes)).await.is_created().id()
}

/// An archive of these files.
pub fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, content) in files {
        let mut header = [0_u8; 512];
        header[..path.len()].copy_from_slice(path.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        let size = format!("{:011o}", content.len());
        header[124..135].copy_from_slice(size.as_bytes());
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'0';
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend_from_slice(&header);
        tar.extend_from_slice(content.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar).unwrap();
    gzip.finish().unwrap()
}

#[tokio::test]
async fn a_set_is_made_with_the_documented_defaults() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = owner.post(PATH, body(json!({ "name": "all" }))).await.is_created();
    assert!(made.id().starts_with("polset-"), "{made}");
    assert_eq!(made.attribute("kind"), "sentinel");
    assert_eq!(made.attribute("agent-enabled"), false);
    assert_eq!(made.attribute("overridable"), Value::Null);
    assert_eq!(made.attribute("policy-tool-version"), Value::Null);
    assert_eq!(made.attribute("versioned"), false);
    assert_eq!(made.attribute("scoping-type"), "explicit");
    assert_eq!(owner.get(format!("/policy-sets/{}", made.id())).await.is_ok().data(), made.data());
    let opa = owner.post(PATH, body(json!({ "name": "opa", "kind": "opa" }))).await.is_created();
    assert_eq!(opa.attribute("overridable"), false);
    assert_eq!(opa.attribute("policy-tool-version"), "latest");
    assert_eq!(opa.attribute("global"), false);
}

#[tokio::test]
async fn a_set_that_is_a_policy_check_has_no_version_of_an_engine() {
    let server = Server::start().await;
    crate::policy_tools::register(&server, "sentinel-versions", "0.24.1").await;
    let owner = server.owner();
    let id = set(&owner, json!({
        "name": "all", "agent-enabled": true, "policy-tool-version": "0.24.1", "overridable": true,
    }))
    .await;
    let path = format!("/policy-sets/{id}");
    let shown = owner.get(&path).await.is_ok();
    assert_eq!(shown.attribute("policy-tool-version"), "0.24.1");
    assert_eq!(shown.attribute("overridable"), true);
    let changed = owner.patch(&path, body(json!({ "agent-enabled": false }))).await.is_ok();
    assert_eq!(changed.attribute("policy-tool-version"), Value::Null);
    assert_eq!(changed.attribute("overridable"), Value::Null);
}

#[tokio::test]
async fn what_makes_no_set_is_refused() {
    let server = Server::start().await;
    let owner = server.owner();
    set(&owner, json!({ "name": "taken" })).await;
    for (wrong, attribute) in [
        (json!({}), "name"),
        (json!({ "name": "nope/nope!" }), "name"),
        (json!({ "name": "taken" }), "name"),
        (json!({ "name": "a", "kind": "tfpolicy" }), "kind"),
        (
            json!({ "name": "a", "kind": "opa", "policy-tool-version": "new" }),
            "policy-tool-version",
        ),
        (json!({ "name": "a", "policies-path": "x".repeat(5000) }), "policies-path"),
        (json!({ "name": "a", "vcs-repo": { "identifier": "a/b" } }), "vcs-repo/oauth-token-id"),
        (
            json!({ "name": "a", "vcs-repo": { "identifier": "b", "oauth-token-id": "ot-1" } }),
            "vcs-repo/identifier",
        ),
    ] {
        let refused = owner.post(PATH, body(wrong)).await;
        refused.is_unprocessable(&format!("/data/attributes/{attribute}"));
    }
}

#[tokio::test]
async fn everything_that_belongs_to_a_set_is_added_shown_and_removed() {
    let server = Server::start().await;
    let owner = server.owner();
    let (one, two) = (server.workspace("one").await, server.workspace("two").await);
    let policy = json!({ "name": "ports", "kind": "opa", "query": "data.a.b" });
    let policy = crate::policies::body(policy);
    let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
    let path =
        format!("/policy-sets/{}", set(&owner, json!({ "name": "all", "kind": "opa" })).await);
    let project = one.project_id.as_str();
    for (relation, kind, id) in [
        ("policies", "policies", policy.as_str()),
        ("workspaces", "workspaces", one.id.as_str()),
        ("workspace-exclusions", "workspaces", two.id.as_str()),
        ("projects", "projects", project),
        ("project-exclusions", "projects", project),
    ] {
        let at = format!("{path}/relationships/{relation}");
        // Twice is once.
        owner.post(&at, ids(kind, &[id])).await.is_no_content();
        owner.post(&at, ids(kind, &[id, id])).await.is_no_content();
        let shown = owner.get(format!("{path}?include={relation}")).await.is_ok();
        let data = &shown.data()["relationships"][relation]["data"];
        assert_eq!(*data, json!([{ "type": kind, "id": id }]), "{relation}");
        assert_eq!(shown.json()["included"][0]["id"], id, "{relation}");
        let unknown = ids(kind, &["ws-9999999999999999"]);
        owner.post(&at, unknown).await.is_unprocessable("/data/0/id");
    }
    let shown = owner.get(&path).await.is_ok();
    assert_eq!(shown.attribute("policy-count"), 1);
    assert_eq!(shown.attribute("workspace-count"), 1);
    assert_eq!(shown.attribute("project-count"), 1);
    owner
        .delete_with(format!("{path}/relationships/policies"), ids("policies", &[&policy]))
        .await
        .is_no_content();
    assert_eq!(owner.get(&path).await.is_ok().attribute("policy-count"), 0);
    owner.delete(&path).await.is_no_content();
    owner.get(&path).await.is_not_found();
    owner.get(format!("/policies/{policy}")).await.is_ok();
}

#[tokio::test]
async fn a_set_has_policies_of_its_own_kind_only() {
    let server = Server::start().await;
    let owner = server.owner();
    let policy = crate::policies::body(json!({ "name": "tags" }));
    let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
    let id = set(&owner, json!({ "name": "all", "kind": "opa" })).await;
    let refused = owner
        .post(format!("/policy-sets/{id}/relationships/policies"), ids("policies", &[&policy]))
        .await;
    refused.is_unprocessable("/data/0/id");
}

#[tokio::test]
async fn a_global_set_names_no_workspaces() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let members = ids("workspaces", &[ws.id.as_str()]);
    let path =
        format!("/policy-sets/{}", set(&owner, json!({ "name": "all", "global": true })).await);
    owner
        .post(format!("{path}/relationships/workspaces"), &members)
        .await
        .is_unprocessable("/data");
    let exclusions = format!("{path}/relationships/workspace-exclusions");
    owner.post(exclusions, &members).await.is_no_content();
    let path = format!("/policy-sets/{}", set(&owner, json!({ "name": "some" })).await);
    owner.post(format!("{path}/relationships/workspaces"), &members).await.is_no_content();
    let refused = owner.patch(&path, body(json!({ "global": true }))).await;
    refused.is_unprocessable("/data/attributes/global");
    let mut new = body(json!({ "name": "third", "global": true }));
    new["data"]["relationships"] = json!({ "workspaces": members });
    owner.post(PATH, new).await.is_unprocessable("/data/relationships/workspaces");
}

#[tokio::test]
async fn tag_selectors_are_added_and_removed_and_do_not_go_with_names() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let path =
        format!("/policy-sets/{}", set(&owner, json!({ "name": "all", "kind": "opa" })).await);
    let selectors = json!({ "data": [
        { "tag-key": "env", "tag-value": "prod", "is-exclude": false },
        { "tag-key": "team", "tag-value": null, "is-exclude": true },
    ] });
    let at = format!("{path}/tag-selectors");
    owner.post(&at, &selectors).await.is_no_content();
    owner.post(&at, &selectors).await.is_no_content();
    let shown = owner.get(&path).await.is_ok();
    assert_eq!(shown.attribute("tag-selectors"), selectors["data"]);
    assert_eq!(shown.attribute("scoping-type"), "tag");
    owner
        .post(format!("{path}/relationships/workspaces"), ids("workspaces", &[ws.id.as_str()]))
        .await
        .is_unprocessable("/data");
    let refused = owner.patch(&path, body(json!({ "global": true }))).await;
    refused.is_unprocessable("/data/attributes/tag-selectors");
    let wrong = json!({ "data": [{ "tag-key": "", "tag-value": null, "is-exclude": false }] });
    owner.post(&at, wrong).await.is_unprocessable("/data/0/tag-key");
    owner.delete_with(&at, &selectors).await.is_no_content();
    assert_eq!(owner.get(&path).await.is_ok().attribute("scoping-type"), "explicit");
}

#[tokio::test]
async fn a_set_is_made_and_changed_with_its_tag_selectors() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let selector = |key: &str, is_exclude: bool| json!({ "tag-key": key, "tag-value": "x", "is-exclude": is_exclude });
    let with =
        |name: &str, selectors: Value| body(json!({ "name": name, "tag-selectors": selectors }));
    let both = json!([selector("env", false), selector("team", true)]);
    let made = owner.post(PATH, with("all", both.clone())).await.is_created();
    assert_eq!(made.attribute("tag-selectors"), both);
    assert_eq!(made.attribute("scoping-type"), "tag");
    let path = format!("/policy-sets/{}", made.id());
    let fewer = json!([selector("env", false)]);
    let changed = owner.patch(&path, body(json!({ "tag-selectors": fewer }))).await.is_ok();
    assert_eq!(changed.attribute("tag-selectors"), fewer);
    let kept = owner.patch(&path, body(json!({ "description": "x" }))).await.is_ok();
    assert_eq!(kept.attribute("tag-selectors"), fewer);

    for (wrong, pointer) in [
        (json!([selector("", false)]), "/0/tag-key"),
        (json!([selector("a", false), selector(&"x".repeat(129), true)]), "/1/tag-key"),
        (json!(vec![selector("a", false); 101]), ""),
        (json!("env"), ""),
    ] {
        let pointer = format!("/data/attributes/tag-selectors{pointer}");
        owner.post(PATH, with("wrong", wrong)).await.is_unprocessable(&pointer);
    }
    let mut named = with("named", both);
    named["data"]["relationships"] = json!({ "workspaces": ids("workspaces", &[ws.id.as_str()]) });
    owner.post(PATH, named).await.is_unprocessable("/data/relationships/workspaces");
    let names = owner.get(PATH).await.is_ok().attributes("name");
    assert_eq!(names, ["all"]);
}

#[tokio::test]
async fn a_global_set_excludes_by_tags_and_includes_by_none() {
    let server = Server::start().await;
    let owner = server.owner();
    let path =
        format!("/policy-sets/{}", set(&owner, json!({ "name": "all", "global": true })).await);
    let selector = |is_exclude: bool| json!({ "data": [{ "tag-key": "env", "tag-value": "dev", "is-exclude": is_exclude }] });
    let at = format!("{path}/tag-selectors");
    owner.post(&at, selector(false)).await.is_unprocessable("/data");
    owner.post(&at, selector(true)).await.is_no_content();
    assert_eq!(owner.get(&path).await.is_ok().attribute("global"), true);
    owner.delete_with(&at, selector(true)).await.is_no_content();
    owner.patch(&path, body(json!({ "global": false }))).await.is_ok();
    owner.post(&at, selector(false)).await.is_no_content();
    let refused = owner.patch(&path, body(json!({ "global": true }))).await;
    refused.is_unprocessable("/data/attributes/tag-selectors");
}

#[tokio::test]
async fn whatever_the_kind_it_is_remembered_whether_an_agent_evaluates() {
    let server = Server::start().await;
    let owner = server.owner();
    for kind in ["opa", "sentinel"] {
        let new = body(json!({ "name": kind, "kind": kind, "agent-enabled": true }));
        let made = owner.post(PATH, new).await.is_created();
        assert_eq!(made.attribute("agent-enabled"), true, "{kind}");
        let path = format!("/policy-sets/{}", made.id());
        let changed = owner.patch(path, body(json!({ "agent-enabled": false }))).await.is_ok();
        assert_eq!(changed.attribute("agent-enabled"), false, "{kind}");
    }
}

#[tokio::test]
async fn parameters_are_kept_sealed_and_secrets_are_never_told() {
    let server = Server::start().await;
    let owner = server.owner();
    let set = set(&owner, json!({ "name": "all" })).await;
    let path = format!("/policy-sets/{set}/parameters");
    let parameter =
        |attributes: Value| json!({ "data": { "type": "vars", "attributes": attributes } });
    let new = json!({ "key": "limit", "value": "hunter2", "category": "policy-set" });
    let made = owner.post(&path, parameter(new.clone())).await.is_created();
    assert_eq!(made.attribute("value"), "hunter2");
    assert_eq!(made.related("configurable"), set);
    let one = format!("{path}/{}", made.id());
    assert_eq!(owner.get(&one).await.is_ok().data(), made.data());
    owner.post(&path, parameter(new)).await.is_unprocessable("/data/attributes/key");
    let secret = owner.patch(&one, parameter(json!({ "sensitive": true }))).await.is_ok();
    assert_eq!(secret.attribute("value"), Value::Null);
    let back = owner.patch(&one, parameter(json!({ "sensitive": false }))).await;
    back.is_unprocessable("/data/attributes/sensitive");
    assert!(!server.everything().await.contains("hunter2"));
    let listed = owner.get(format!("{path}?page[number]=999")).await.is_ok();
    assert_eq!(listed.json()["meta"]["pagination"]["total-count"], 1);
    for (wrong, attribute) in [
        (json!({ "value": "1", "category": "policy-set" }), "key"),
        (json!({ "key": "a" }), "category"),
        (json!({ "key": "a", "category": "env" }), "category"),
        (json!({ "key": "a", "category": "policy-set", "hcl": true }), "hcl"),
        (json!({ "key": "a", "category": "policy-set", "value": "x".repeat(300_000) }), "value"),
    ] {
        let refused = owner.post(&path, parameter(wrong)).await;
        refused.is_unprocessable(&format!("/data/attributes/{attribute}"));
    }
    let other = self::set(&owner, json!({ "name": "other" })).await;
    owner.get(format!("/policy-sets/{other}/parameters/{}", made.id())).await.is_not_found();
    owner.delete(&one).await.is_no_content();
    owner.get(&one).await.is_not_found();
}

#[tokio::test]
async fn a_version_counts_as_soon_as_its_archive_could_be_read() {
    let server = Server::start().await;
    let owner = server.owner();
    let path =
        format!("/policy-sets/{}", set(&owner, json!({ "name": "all", "kind": "opa" })).await);
    let made = owner.post(format!("{path}/versions"), ()).await.is_created();
    assert!(made.id().starts_with("polsetver-"), "{made}");
    assert_eq!(made.attribute("status"), "pending");
    assert_eq!(made.attribute("source"), "tfe-api");
    let shown = owner.get(&path).await.is_ok();
    assert_eq!(shown.related("newest-version"), made.id());
    assert!(shown.data()["relationships"]["current-version"].is_null());
    assert_eq!(shown.attribute("versioned"), true);

    let upload = made.data()["links"]["upload"].as_str().unwrap().to_owned();
    let good = archive(&[
        (
            "policies.hcl",
            "policy \"a\" { query = \"data.a.deny\" }\npolicy \"b\" { query = \"data.b.deny\" }",
        ),
        ("a.rego", "package a"),
    ]);
    server.nobody().put(&upload, good.clone()).await.is_ok();
    server.nobody().put(&upload, good).await.is_conflict();
    let ready = owner.get(format!("/policy-set-versions/{}", made.id())).await.is_ok();
    assert_eq!(ready.attribute("status"), "ready");
    assert!(ready.attribute("status-timestamps")["ready-at"].is_string());
    assert!(ready.data()["links"]["upload"].is_null());
    let include = "include=current_version,newest_version";
    let shown = owner.get(format!("{path}?{include}")).await.is_ok();
    assert_eq!(shown.related("current-version"), made.id());
    assert_eq!(shown.attribute("policy-count"), 2);
    assert_eq!(shown.json()["included"][0]["attributes"]["status"], "ready");

    let newer = owner.post(format!("{path}/versions"), ()).await.is_created();
    let upload = newer.data()["links"]["upload"].as_str().unwrap().to_owned();
    let bad = archive(&[("policies.hcl", "policy \"a\" { enforcement_level = \"always\" }")]);
    server.nobody().put(&upload, bad).await.is_unprocessable("/data");
    let errored = owner.get(format!("/policy-set-versions/{}", newer.id())).await.is_ok();
    assert_eq!(errored.attribute("status"), "errored");
    assert!(errored.attribute("error-message").as_str().unwrap().contains("enforcement_level"));
    let shown = owner.get(&path).await.is_ok();
    assert_eq!(shown.related("current-version"), made.id(), "the last good one goes on");
    assert_eq!(shown.related("newest-version"), newer.id());
    let listed = owner.get(format!("{path}/versions")).await.is_ok();
    assert_eq!(listed.attributes("status"), ["errored", "ready"]);
}

#[tokio::test]
async fn an_archive_without_what_a_set_needs_is_refused() {
    let server = Server::start().await;
    let owner = server.owner();
    for (index, (kind, files, why)) in [
        ("opa", vec![("a.rego", "package a")], "no policies.hcl"),
        ("opa", vec![("policies.hcl", "policy \"a\" {}")], "needs a query"),
        ("opa", vec![("policies.hcl", "policy {")], "policies.hcl:"),
        ("sentinel", vec![("policies.hcl", "")], "no sentinel.hcl"),
        (
            "sentinel",
            vec![("sentinel.hcl", "policy \"a\" { enforcement_level = \"mandatory\" }")],
            "not one of advisory",
        ),
        ("sentinel", vec![("sentinel.hcl", "policy \"a\" {}")], "the archive has no such file"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = set(&owner, json!({ "name": format!("set-{index}"), "kind": kind })).await;
        let made = owner.post(format!("/policy-sets/{id}/versions"), ()).await.is_created();
        let upload = made.data()["links"]["upload"].as_str().unwrap().to_owned();
        let refused = server.nobody().put(upload, archive(&files)).await.is_unprocessable("/data");
        assert!(refused.error().contains(why), "{refused}");
    }
}

#[tokio::test]
async fn versions_and_policies_of_the_organization_exclude_each_other() {
    let server = Server::start().await;
    let owner = server.owner();
    let policy = json!({ "name": "ports", "kind": "opa", "query": "data.a.b" });
    let policy = crate::policies::body(policy);
    let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
    let members = ids("policies", &[&policy]);
    let versioned = set(&owner, json!({ "name": "versioned", "kind": "opa" })).await;
    owner.post(format!("/policy-sets/{versioned}/versions"), ()).await.is_created();
    let relation = format!("/policy-sets/{versioned}/relationships/policies");
    owner.post(relation, &members).await.is_unprocessable("/data");
    let manual = set(&owner, json!({ "name": "manual", "kind": "opa" })).await;
    owner
        .post(format!("/policy-sets/{manual}/relationships/policies"), &members)
        .await
        .is_no_content();
    owner.post(format!("/policy-sets/{manual}/versions"), ()).await.is_unprocessable("/data");
}

#[tokio::test]
async fn a_set_remembers_its_repository() {
    let server = Server::start().await;
    let owner = server.owner();
    let repo = json!({
        "identifier": "acme/policies", "branch": "main", "oauth-token-id": "ot-1", "ingress-submodules": true,
    });
    let new = json!({ "name": "all", "kind": "opa", "policies-path": "/opa" });
    let id = owner.post(PATH, body(new)).await.is_created().id();
    connect_policy_set(&server, &id, repo).await;
    let made = owner.get(format!("/policy-sets/{id}")).await.is_ok();
    assert_eq!(made.attribute("vcs-repo")["identifier"], "acme/policies");
    assert_eq!(made.attribute("vcs-repo")["ingress-submodules"], true);
    assert_eq!(made.attribute("policies-path"), "/opa");
    assert_eq!(made.attribute("versioned"), true);
    owner.post(format!("/policy-sets/{}/versions", made.id()), ()).await.is_unprocessable("/data");
}

#[tokio::test]
async fn sets_are_listed_searched_and_filtered() {
    let server = Server::start().await;
    server.stop_clock();
    let owner = server.owner();
    for (name, kind) in [("ports", "opa"), ("tags", "sentinel"), ("disks", "opa")] {
        set(&owner, json!({ "name": name, "kind": kind })).await;
        server.pass(std::time::Duration::from_secs(1));
    }
    let id = owner.get(PATH).await.is_ok().data()[0]["id"].as_str().unwrap().to_owned();
    owner.post(format!("/policy-sets/{id}/versions"), ()).await.is_created();
    let names =
        async |query: &str| owner.get(format!("{PATH}?{query}")).await.is_ok().attributes("name");
    assert_eq!(names("").await, ["ports", "tags", "disks"]);
    assert_eq!(names("search[name]=S").await, ["ports", "tags", "disks"]);
    assert_eq!(names("search[name]=dis").await, ["disks"]);
    assert_eq!(names("filter[kind]=opa").await, ["ports", "disks"]);
    assert_eq!(names("filter[versioned]=true").await, ["ports"]);
    assert_eq!(names("filter[versioned]=false").await, ["tags", "disks"]);
    assert_eq!(names("page[size]=2&page[number]=2").await, ["disks"]);
}
