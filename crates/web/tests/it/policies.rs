//! Policy sets, and what they have said.

use serde_json::json;

use crate::{
    browser::{Browser, server},
    world::resource,
};

const ALL: &str = "/app/acme/policies";

#[tokio::test]
async fn a_set_tells_what_it_asks_where_it_counts_and_that_it_has_said_nothing_yet() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    let new = resource(
        "policies",
        &json!({ "name": "no-public-buckets", "kind": "opa", "query": "data.a.deny",
            "description": "Nobody <else> reads them", "enforce": [{ "path": "a.rego", "mode": "mandatory" }] }),
    );
    let policy = api.post("/organizations/acme/policies", new).await.is_created().id();
    let new = json!({ "data": { "type": "policy-sets",
        "attributes": { "name": "basics", "kind": "opa", "overridable": true },
        "relationships": {
            "policies": { "data": [{ "type": "policies", "id": policy }] },
            "workspaces": { "data": [{ "type": "workspaces", "id": ws.id }] },
        } } });
    let set = api.post("/organizations/acme/policy-sets", new).await.is_created().id();
    let mut owner = Browser::of(&server, &api).await;
    let text = owner.get(ALL).await.is_ok().text();
    for part in ["basics", "1 workspace", "no-public-buckets", "Rego (OPA)", "no code yet"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let here = format!("{ALL}/{set}");
    assert!(text.contains(&format!("href=\"{here}\"")), "{text}");
    let page = owner.get(&here).await.is_ok();
    let text = page.text();
    for part in ["Nobody &lt;else&gt; reads them", "mandatory", "Nothing said yet"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let mut writer = Browser::of(&server, &server.writer(&ws)).await;
    writer.get(ALL).await.is_not_found();
    assert!(!writer.get("/app/acme/workspaces").await.is_ok().text().contains(ALL));
    owner.submit(&page, &format!("{here}/delete"), &[]).await.redirects();
    owner.get(&here).await.is_not_found();
}
