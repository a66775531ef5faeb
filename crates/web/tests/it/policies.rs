//! Policy sets, and what they have said.

use http::StatusCode;
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
    let says = [
        ("name", "basis"),
        ("description", "For <everybody>"),
        ("global", "false"),
        ("policy-tool-version", "0.0.1"),
    ];
    let refused = owner.submit(&page, &here, &says).await;
    let text = refused.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("value=\"basis\"") && text.contains("aria-invalid"), "{text}");
    let says = [says[0], says[1], ("global", "true"), ("policy-tool-version", "latest")];
    let refused = owner.submit(&page, &here, &says).await;
    let text = refused.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("does not go with what belongs to the set"), "{text}");
    let says = [says[0], says[1], ("global", "false"), says[3]];
    assert_eq!(owner.submit(&page, &here, &says).await.redirects(), here);
    let changed = api.get(format!("/policy-sets/{set}")).await.is_ok();
    assert_eq!(changed.attribute("name"), "basis");
    assert_eq!(changed.attribute("description"), "For <everybody>");
    assert_eq!(changed.attribute("overridable"), false, "it was not ticked");
    owner.submit(&page, &format!("{here}/delete"), &[]).await.redirects();
    owner.get(&here).await.is_not_found();
}
