//! Drafts of policies, asked about recorded plans, on pages.

use serde_json::json;

use crate::{
    browser::{Browser, server},
    changes::brought,
    runs::run,
};

#[tokio::test]
async fn whoever_manages_policies_tries_a_draft_on_recorded_plans() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    brought(&server, &json!({ "resource_changes": [] })).await;
    let here = "/app/acme/policy-replays";
    let mut owner = Browser::of(&server, &server.owner()).await;
    let policies = owner.get("/app/acme/policies").await.is_ok().text();
    assert!(policies.contains(&format!("href=\"{here}\"")), "{policies}");
    let page = owner.get(here).await.is_ok();
    assert!(page.text().contains("No replays"));
    let wrong = owner.submit(&page, here, &[("files", "main = ("), ("plans", "0")]).await;
    assert!(
        wrong
            .has_status(http::StatusCode::UNPROCESSABLE_ENTITY)
            .text()
            .contains("between 1 and 500")
    );
    let code = "print(\"no <b>such</b>\")\nmain = false";
    let fields = [("files", code), ("plans", "5"), ("workspaces", "networking\r\n")];
    let replay = owner.submit(&page, here, &fields).await.redirects();
    let page = owner.get(&replay).await.is_ok();
    assert!(page.text().contains("to come") && page.text().contains("Stop"), "{page}");
    domain::policy_replays::work(&server.system()).await.unwrap();
    let text = owner.get(&replay).await.is_ok().text();
    for said in ["1 plans: 0 passed, 1 failed", "no &lt;b&gt;such&lt;/b&gt;", &run, "finished"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("Stop"));
    let unknown = [("files", code), ("plans", "5"), ("workspaces", "nowhere")];
    let page = owner.get(here).await.is_ok();
    let wrong = owner.submit(&page, here, &unknown).await.text();
    assert!(wrong.contains("nowhere"), "{wrong}");
    let mut writer = Browser::of(&server, &server.writer(&ws)).await;
    writer.get(&replay).await.is_not_found();
}
