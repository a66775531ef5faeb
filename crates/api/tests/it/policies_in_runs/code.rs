//! What policies are made of: code of one, of a version, or none that can be asked.

use serde_json::json;
use testkit::Server;

use super::{attach, outcomes, planned, stage};
use crate::{policies, policy_sets};

#[tokio::test]
async fn a_policy_that_cannot_be_asked_counts_as_one_that_disagrees() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    for (name, code) in [
        ("syntax", "package example\nrule :="),
        ("missing", "package other"),
        ("boolean", "package example\nrule := true"),
        ("network", "package example\nrule contains 1 if http.send({}).ok"),
    ] {
        let set = attach(&owner, &ws, "mandatory", code, json!({ "name": name })).await;
        let run = planned(&server, &ws, json!({}), true).await;
        assert_eq!(run.attribute("status"), "errored", "{name}");
        let stage = stage(&owner, &run).await;
        assert_eq!(stage.attribute("status"), "errored", "{name}");
        let said = outcomes(&owner, &stage, "").await;
        let outcome = &said[0]["attributes"]["outcomes"][0];
        assert_eq!(outcome["status"], "errored", "{name}");
        assert!(outcome["output"][0]["print"].is_string(), "{name}");
        owner.delete(format!("/policy-sets/{set}")).await.is_no_content();
    }
}

#[tokio::test]
async fn a_policy_without_code_stops_the_run() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let policy = policies::body(json!({
        "name": "ports", "kind": "opa", "query": "data.a.b", "enforcement-level": "mandatory",
    }));
    let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
    let mut set = policy_sets::body(json!({ "name": "all", "kind": "opa", "global": true }));
    set["data"]["relationships"] = json!({ "policies": policy_sets::ids("policies", &[&policy]) });
    owner.post("/organizations/acme/policy-sets", set).await.is_created();
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let said = outcomes(&owner, &stage(&owner, &run).await, "").await;
    assert!(said[0]["attributes"]["error"].as_str().unwrap().contains("has no code"));
}

#[tokio::test]
async fn policies_that_were_made_one_by_one_know_nothing_of_each_other() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    // One package, one rule, and helpers of one name that clash or are only complete by each other.
    let mut ids = Vec::new();
    for (name, code) in [
        ("agrees", "package example\nlimit := 1\nrule contains \"a\" if { limit > 1 }"),
        ("breaks", "package example\nrule :="),
        ("disagrees", "package example\nlimit := 2\nrule contains \"d\" if { limit > 1 }"),
        ("leans", "package example\nrule contains \"l\" if { data.example.limit }"),
    ] {
        let policy = policies::body(json!({
            "name": name, "kind": "opa", "query": "data.example.rule",
            "enforcement-level": "advisory",
        }));
        let policy = owner.post("/organizations/acme/policies", policy).await.is_created().id();
        owner.put(format!("/policies/{policy}/upload"), code.to_owned()).await.is_ok();
        ids.push(policy);
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut set = policy_sets::body(json!({ "name": "all", "kind": "opa", "global": true }));
    set["data"]["relationships"] = json!({ "policies": policy_sets::ids("policies", &ids) });
    owner.post("/organizations/acme/policy-sets", set).await.is_created();
    let run = planned(&server, &ws, json!({}), true).await;
    let said = outcomes(&owner, &stage(&owner, &run).await, "").await;
    assert!(said[0]["attributes"]["error"].is_null(), "{said}");
    let outcomes = said[0]["attributes"]["outcomes"].as_array().unwrap();
    let ends: Vec<_> = outcomes.iter().map(|it| (&it["policy_name"], &it["status"])).collect();
    let expected = [
        (json!("agrees"), json!("passed")),
        (json!("breaks"), json!("errored")),
        (json!("disagrees"), json!("failed")),
        (json!("leans"), json!("passed")),
    ];
    assert_eq!(ends, expected.iter().map(|(name, end)| (name, end)).collect::<Vec<_>>(), "{said}");
    assert_eq!(outcomes[2]["output"], json!([{ "print": "d" }]));
}

#[tokio::test]
async fn the_policies_of_a_version_are_evaluated_with_all_its_code() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let set = policy_sets::body(json!({ "name": "all", "kind": "opa", "global": true }));
    let set = owner.post("/organizations/acme/policy-sets", set).await.is_created().id();
    let made = owner.post(format!("/policy-sets/{set}/versions"), ()).await.is_created();
    let archive = policy_sets::archive(&[
        (
            "policies.hcl",
            "policy \"names\" {\n query = \"data.names.deny\"\n enforcement_level = \"mandatory\"\n description = \"Names are short\"\n}",
        ),
        ("names.rego", "package names\nimport data.lib\ndeny contains m if { some m in lib.long }"),
        (
            "lib/lib.rego",
            "package lib\nlong contains c.address if { some c in input.plan.resource_changes; count(c.address) > 3 }",
        ),
        ("names_test.rego", "package names\nthis is no policy"),
    ]);
    let address = made.data()["links"]["upload"].as_str().unwrap().to_owned();
    owner.put(address, archive).await.is_ok();
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let said = outcomes(&owner, &stage(&owner, &run).await, "").await;
    let outcome = &said[0]["attributes"]["outcomes"][0];
    assert_eq!(outcome["description"], "Names are short");
    assert_eq!(outcome["output"], json!([{ "print": "terraform_data.a" }]));
}
