//! Draft policies asked about plans of runs that are over.

use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

use crate::{
    policies_in_runs::{AGAINST, FOR, attach, planned},
    policy_sets,
};

async fn work(server: &Server) {
    domain::policy_replays::work(&server.system()).await.unwrap();
}

fn draft(attributes: Value) -> Value {
    json!({ "data": { "type": "policy-replays", "attributes": attributes } })
}

async fn ask(client: &Client<'_>, draft: Value) -> Answer {
    client.post("/organizations/acme/policy-replays", draft).await
}

fn counts(shown: &Answer) -> [u64; 5] {
    let counts = shown.attribute("counts");
    ["passed", "failed", "errored", "hidden", "total"].map(|name| counts[name].as_u64().unwrap())
}

/// Agrees with the first workspace, disagrees with the second, and errs at the third.
const SENTINEL: &str = r#"import "tfrun"
import "tfplan/v2" as tfplan
param limit default 2
name = tfrun.workspace.name
print("asked", name, limit)
# Only one.
only = rule { name is "one" }
main = rule { only or (name is "three" and nosuch) }
"#;

#[tokio::test]
async fn drafts_are_asked_about_recorded_plans_that_the_asker_may_read() {
    let server = Server::start().await;
    let owner = server.owner();
    let mut runs = Vec::new();
    let mut all = Vec::new();
    for name in ["one", "two"] {
        let ws = server.workspace(name).await;
        runs.push(planned(&server, &ws, json!({}), true).await.id());
        all.push(ws);
    }
    let files = json!({ "only.sentinel": SENTINEL });
    let asked = draft(json!({ "files": files, "parameters": { "limit": "7" } }));
    let made = ask(&owner, asked.clone()).await.is_created();
    assert_eq!((made.attribute("status"), counts(&made)), (json!("pending"), [0, 0, 0, 0, 2]));
    assert!(!server.everything().await.contains("Only one."), "drafts are sealed");
    work(&server).await;
    let path = format!("/policy-replays/{}", made.id());
    let shown = owner.get(&path).await.is_ok();
    assert_eq!((shown.attribute("status"), counts(&shown)), (json!("finished"), [1, 1, 0, 0, 2]));
    assert!(shown.attribute("finished-at").is_string());
    let results = owner.get(format!("{path}/results")).await.is_ok().data();
    // The newest plan comes first.
    let came: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let attributes = &it["attributes"];
            (attributes["workspace-name"].clone(), attributes["status"].clone())
        })
        .collect();
    assert_eq!(came, [(json!("two"), json!("failed")), (json!("one"), json!("passed"))]);
    assert_eq!(results[0]["relationships"]["run"]["data"]["id"], runs[1].as_str());
    let outcome = &results[0]["attributes"]["outcomes"][0];
    assert_eq!((&outcome["policy_name"], &outcome["status"]), (&json!("only"), &json!("failed")));
    let said = outcome["output"].to_string();
    assert!(said.contains("asked two 7") && said.contains("Only one."), "{said}");
    assert!(!server.everything().await.contains("asked two 7"), "what is printed is sealed");
    // The runs themselves know nothing of it.
    assert_eq!(
        owner.get(format!("/runs/{}", runs[1])).await.is_ok().attribute("status"),
        "planned"
    );

    // Only the newest so many, and only of chosen workspaces.
    let mut one = draft(json!({ "files": files, "plans": 1 }));
    let made = ask(&owner, one.clone()).await.is_created();
    assert_eq!(counts(&made)[4], 1);
    one["data"]["relationships"] =
        json!({ "workspaces": policy_sets::ids("workspaces", &[all[0].id.as_str()]) });
    let made = ask(&owner, one).await.is_created();
    work(&server).await;
    let shown = owner.get(format!("/policy-replays/{}", made.id())).await.is_ok();
    assert_eq!(counts(&shown), [1, 0, 0, 0, 1]);

    // Whoever manages policies and reads no plans gets numbers, and neither names nor values.
    let manager = server.policy_manager();
    let made = ask(&manager, asked.clone()).await.is_created();
    assert_eq!(counts(&made), [0, 0, 0, 2, 0]);
    work(&server).await;
    let theirs = manager.get(format!("{path}/results")).await.is_ok();
    assert_eq!(theirs.data(), json!([]));
    assert_eq!(counts(&manager.get(&path).await.is_ok()), [1, 1, 0, 0, 2]);
    server.admin_of(&all[0]).get(&path).await.is_not_found();
    ask(&server.admin_of(&all[0]), asked).await.is_not_found();
    let listed = owner.get("/organizations/acme/policy-replays").await.is_ok().data();
    assert_eq!(listed.as_array().unwrap().len(), 4);
    server.stop_clock();
    server.pass(std::time::Duration::from_hours(8 * 24));
    domain::policy_replays::forget_old(&server.system()).await.unwrap();
    owner.get(&path).await.is_not_found();
}

#[tokio::test]
async fn both_languages_sets_and_what_cannot_be_asked() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("three").await;
    planned(&server, &ws, json!({}), true).await;
    let path = |made: &Answer| format!("/policy-replays/{}", made.id());
    for (attributes, expected, why) in [
        (json!({ "files": { "only.sentinel": SENTINEL } }), [0, 0, 1, 0, 1], "nosuch"),
        (
            json!({ "kind": "opa", "query": "data.example.rule", "files": { "a.rego": AGAINST } }),
            [0, 1, 0, 0, 1],
            "no terraform_data.a in three",
        ),
        (
            json!({ "kind": "opa", "query": "data.example.rule", "files": { "a.rego": FOR } }),
            [1, 0, 0, 0, 1],
            "passed",
        ),
        (
            json!({ "kind": "opa", "files": { "p/a.rego": AGAINST,
                "policies.hcl": "policy \"a\" {\n query = \"data.example.rule\"\n enforcement_level = \"mandatory\"\n}" } }),
            [0, 1, 0, 0, 1],
            "mandatory",
        ),
        (
            json!({ "files": { "sentinel.hcl": "policy \"a\" {}\npolicy \"b\" {}",
                "a.sentinel": "main = true", "b.sentinel": "main = false" } }),
            [0, 1, 0, 0, 1],
            "\"policy_name\":\"b\"",
        ),
    ] {
        let made = ask(&owner, draft(attributes)).await.is_created();
        work(&server).await;
        let shown = owner.get(path(&made)).await.is_ok();
        assert_eq!(counts(&shown), expected, "{why}");
        let results = owner.get(path(&made) + "/results").await.is_ok().data().to_string();
        assert!(results.contains(why), "{why}: {results}");
    }
    for (attributes, pointer) in [
        (json!({}), "files"),
        (json!({ "files": { "a.sentinel": "main = true", "b.sentinel": "main = true" } }), "files"),
        (json!({ "files": { "sentinel.hcl": "policy \"a\" {}" } }), "files"),
        (json!({ "files": { "a.sentinel": "main = true" }, "plans": 501 }), "plans"),
        (json!({ "files": { "a.sentinel": "main = true" }, "plans": 0 }), "plans"),
        (json!({ "kind": "opa", "files": { "a.rego": FOR } }), "files"),
    ] {
        let pointer = format!("/data/attributes/{pointer}");
        ask(&owner, draft(attributes)).await.is_unprocessable(&pointer);
    }
    let mut unknown = draft(json!({ "files": { "a.sentinel": "main = true" } }));
    unknown["data"]["relationships"] =
        json!({ "workspaces": policy_sets::ids("workspaces", &["ws-nosuchworkspace"]) });
    ask(&owner, unknown).await.is_unprocessable("/data/relationships/workspaces");

    let set = attach(&owner, &ws, "mandatory", AGAINST, json!({ "name": "all" })).await;
    let mut of_set = draft(json!({}));
    of_set["data"]["relationships"] =
        json!({ "policy-set": { "data": { "type": "policy-sets", "id": set } } });
    let made = ask(&owner, of_set.clone()).await.is_created();
    assert_eq!(made.attribute("kind"), "opa");
    work(&server).await;
    assert_eq!(counts(&owner.get(path(&made)).await.is_ok()), [0, 1, 0, 0, 1]);
    of_set["data"]["attributes"] = json!({ "query": "data.a" });
    ask(&owner, of_set).await.is_unprocessable("/data/relationships/policy-set");
}

#[tokio::test]
async fn a_replay_is_stopped_and_few_are_under_way_at_one_time() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("one").await;
    let run = planned(&server, &ws, json!({}), true).await;
    let asked = draft(json!({ "files": { "only.sentinel": SENTINEL } }));
    let made = ask(&owner, asked.clone()).await.is_created();
    for _ in 0..2 {
        ask(&owner, asked.clone()).await.is_created();
    }
    ask(&owner, asked.clone()).await.is_conflict();
    let path = format!("/policy-replays/{}", made.id());
    let canceled = owner.post(format!("{path}/actions/cancel"), ()).await.is_ok();
    assert_eq!(canceled.attribute("status"), "canceled");
    owner.post(format!("{path}/actions/cancel"), ()).await.is_conflict();
    let last = ask(&owner, asked).await.is_created();
    server.lose_blob(testkit::Blob::PlanJson, run.related("plan").as_str().unwrap()).await;
    work(&server).await;
    assert_eq!(counts(&owner.get(&path).await.is_ok()), [0, 0, 0, 0, 1]);
    let path = format!("/policy-replays/{}", last.id());
    assert_eq!(counts(&owner.get(&path).await.is_ok()), [0, 0, 1, 0, 1]);
    let results = owner.get(format!("{path}/results")).await.is_ok().data();
    let why = results[0]["attributes"]["error"].as_str().unwrap();
    assert!(why.contains("cannot be read"), "{why}");
}
