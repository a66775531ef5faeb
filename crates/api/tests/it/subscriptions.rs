//! What organizations have subscribed to: there is one set of features, which has everything.

use serde_json::{Value, json};
use testkit::Server;

const EVERYTHING: &str = "fs-everythingThatIs";
const CHOSEN: &str = "/admin/organizations/acme/subscription";

fn choosing(feature_set: &str, attributes: Value) -> Value {
    json!({ "data": {
        "type": "subscription",
        "attributes": attributes,
        "relationships": {
            "feature-set": { "data": { "type": "feature-sets", "id": feature_set } },
        },
    } })
}

#[tokio::test]
async fn every_organization_has_everything_without_an_end() {
    let server = Server::start().await;
    let owner = server.owner();
    let shown = owner.get("/organizations/acme/subscription").await.is_ok();
    assert!(shown.id().starts_with("sub-"), "{shown}");
    assert_eq!(shown.attribute("is-active"), true);
    for unlimited in ["end-at", "runs-ceiling", "contract-user-limit", "policy-limit"] {
        assert_eq!(shown.attribute(unlimited), json!(null), "{unlimited}");
    }
    assert_eq!(shown.related("organization"), "acme");
    assert_eq!(shown.related("feature-set"), EVERYTHING);

    let path = format!("/subscriptions/{}", shown.id());
    assert_eq!(owner.get(&path).await.is_ok().data(), shown.data());
    server.stranger().get(&path).await.is_not_found();
    owner.get("/subscriptions/sub-1111111111111111").await.is_not_found();
    let with_features = owner.get(format!("{path}?include=feature_set")).await.is_ok();
    assert_eq!(with_features.json()["included"][0]["id"], EVERYTHING);
    let organization = owner.get("/organizations/acme?include=subscription").await.is_ok();
    assert_eq!(organization.related("subscription"), json!(shown.id()));
}

#[tokio::test]
async fn the_one_set_of_features_says_what_entitlements_say() {
    let server = Server::start().await;
    let owner = server.owner();
    let entitlements = owner.get("/organizations/acme/entitlement-set").await.is_ok();
    for path in ["/feature-sets", "/organizations/acme/feature-sets"] {
        let shown = owner.get(path).await.is_ok();
        assert_eq!(shown.json()["meta"]["pagination"]["total-count"], 1);
        assert_eq!(shown.data()[0]["id"], EVERYTHING);
        for name in ["sentinel", "run-tasks", "sso", "cost-estimation", "policy-limit"] {
            assert_eq!(shown.data()[0]["attributes"][name], entitlements.attribute(name), "{name}");
        }
        let next = owner.get(format!("{path}?page[number]=2")).await.is_ok();
        assert_eq!(next.data(), json!([]));
    }
    server.stranger().get("/organizations/acme/feature-sets").await.is_not_found();
}

#[tokio::test]
async fn scripts_find_it_by_the_names_of_plans() {
    let server = Server::start().await;
    let admin = server.site_admin();
    for (text, count) in [("", 1), ("business", 1), ("Standard (entitlement)", 1), ("Bronze", 0)] {
        let text = text.replace(' ', "%20");
        let found = admin.get(format!("/admin/feature-sets?q={text}")).await.is_ok();
        assert_eq!(found.data().as_array().unwrap().len(), count, "{text}");
    }
    server.owner().get("/admin/feature-sets").await.is_not_found();
}

#[tokio::test]
async fn choosing_it_changes_nothing_and_says_so() {
    let server = Server::start().await;
    let admin = server.site_admin();
    admin.get("/account/details").await.is_ok();
    server.owner().get("/organizations").await.is_ok();
    let rows = server.row_counts().await;
    let sent =
        choosing(EVERYTHING, json!({ "runs-ceiling": 10, "end-at": "2030-01-01T00:00:00Z" }));
    let chosen = admin.post(CHOSEN, sent).await.is_ok();
    assert_eq!(chosen.attribute("runs-ceiling"), json!(null));
    assert_eq!(chosen.json()["meta"]["not-kept"], json!(["runs-ceiling", "end-at"]));
    assert!(chosen.text().contains("Nothing has changed"), "{chosen}");

    for (wrong, place) in [
        (choosing("fs-business", json!({})), "/data/relationships/feature-set"),
        (json!({ "data": { "type": "subscription" } }), "/data/relationships/feature-set"),
        (choosing(EVERYTHING, json!({ "runs-ceiling": "many" })), "/data/attributes/runs-ceiling"),
    ] {
        admin.post(CHOSEN, wrong).await.is_unprocessable(place);
    }
    let nowhere = "/admin/organizations/nowhere/subscription";
    admin.post(nowhere, choosing(EVERYTHING, json!({}))).await.is_not_found();
    server.owner().post(CHOSEN, choosing(EVERYTHING, json!({}))).await.is_not_found();
    assert_eq!(server.row_counts().await, rows);
}
