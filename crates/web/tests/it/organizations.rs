//! The pages of organizations: making one, and what their lists show.

use http::StatusCode;
use serde_json::json;

use crate::browser::{Browser, person, server};

#[tokio::test]
async fn an_empty_overview_offers_an_organization_and_its_maker_owns_it() {
    let server = server().await;
    server.let_everybody_create_organizations().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let overview = browser.get("/").await.is_ok().text();
    assert!(overview.contains("href=\"/organizations/new\""), "{overview}");
    let page = browser.get("/organizations/new").await.is_ok();
    let fields = [("name", "widgets"), ("email", "ops@people.example")];
    let made = browser.submit(&page, "/organizations/new", &fields).await;
    assert_eq!(made.redirects(), "/app/widgets/workspaces");
    browser.get("/app/widgets/workspaces").await.is_ok();
    assert!(browser.get("/").await.is_ok().text().contains("widgets"));
}

#[tokio::test]
async fn where_only_administrators_create_organizations_others_are_told_whom_to_ask() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let overview = browser.get("/").await.is_ok().text();
    assert!(!overview.contains("href=\"/organizations/new\""), "{overview}");
    assert!(overview.contains("site administrator"), "{overview}");
    browser.get("/organizations/new").await.is_not_found();
}

#[tokio::test]
async fn a_wrong_name_comes_back_with_what_was_typed_and_makes_nothing() {
    let server = server().await;
    server.let_everybody_create_organizations().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let before = server.row_counts().await;
    for (name, word) in [
        ("a b", "name"),
        ("", "name"),
        ("acme", "taken"),
        ("Site", "pages of this server"),
        ("settings", "pages of this server"),
    ] {
        let page = browser.get("/organizations/new").await.is_ok();
        let fields = [("name", name), ("email", "kept@people.example")];
        let answer = browser.submit(&page, "/organizations/new", &fields).await;
        let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
        assert!(text.contains(word) && text.contains("kept@people.example"), "{text}");
    }
    assert_eq!(server.row_counts().await, before);
}

#[tokio::test]
async fn a_plan_only_run_is_seen_in_the_list_of_workspaces() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let new = json!({ "data": { "type": "configuration-versions",
        "attributes": { "auto-queue-runs": false, "speculative": true } } });
    let path = format!("/workspaces/{}/configuration-versions", ws.id);
    let configuration = owner.post(path, new).await.is_created().id();
    let relation = |kind: &str, id: &str| json!({ "data": { "type": kind, "id": id } });
    let run = json!({ "data": { "type": "runs", "attributes": { "plan-only": true },
        "relationships": {
            "workspace": relation("workspaces", ws.id.as_str()),
            "configuration-version": relation("configuration-versions", &configuration),
        } } });
    let run = owner.post("/runs", run).await.is_created().id();
    let mut browser = Browser::of(&server, &owner).await;
    for page in ["/", "/app/acme/workspaces"] {
        let text = browser.get(page).await.is_ok().text();
        assert!(text.contains("plan only: ") && text.contains(&run), "{page}: {text}");
        assert!(!text.contains("no runs"), "{text}");
    }
    // Where runs are counted, it counts as well.
    let queued = browser.get("/app/acme/workspaces?status=queued").await.is_ok().text();
    assert!(queued.contains(&run), "{queued}");
    assert!(queued.contains("Queued <span class=\"count\">1</span>"), "{queued}");
    let failed = browser.get("/app/acme/workspaces?status=failed").await.is_ok().text();
    assert!(failed.contains("Failed <span class=\"count\">0</span>"), "{failed}");
    assert!(!failed.contains(&run), "{failed}");
}
