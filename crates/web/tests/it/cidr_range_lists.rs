//! IP allow lists on pages, and whom they keep from pages.

use http::StatusCode;
use serde_json::json;
use testkit::{Server, world::resource};

use crate::browser::{Browser, server};

const LISTS: &str = "/app/acme/settings/cidr-range-lists";

/// What the first form leads to whose address has this in it.
fn action(page: &str, part: &str) -> String {
    let mut forms = page.split("action=\"").filter_map(|form| form.split('"').next());
    forms
        .find(|action| action.contains(part))
        .unwrap_or_else(|| panic!("{part}: {page}"))
        .to_owned()
}

async fn pool(server: &Server, name: &str) -> String {
    let new = resource("agent-pools", &json!({ "name": name }));
    server.owner().post("/organizations/acme/agent-pools", new).await.is_created().id()
}

#[tokio::test]
async fn a_list_is_made_filled_assigned_and_deleted() {
    let server = server().await;
    let pool = pool(&server, "basement").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    owner.address = Some("203.0.113.9");
    let page = owner.get(LISTS).await.is_ok();
    assert!(page.text().contains("No IP allow lists yet"), "{page}");
    let nameless = [("name", " "), ("enforcement-scope", "selected_agent_pools")];
    let refused = owner.submit(&page, LISTS, &nameless).await;
    let refused = refused.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(refused.contains("list-name-wrong"), "{refused}");
    let new = [("name", "<office>"), ("enforcement-scope", "selected_agent_pools")];
    let list = owner.submit(&page, LISTS, &new).await.redirects();
    let page = owner.get(&list).await.is_ok();
    let text = page.text();
    assert!(text.contains("&lt;office&gt;") && text.contains("lets in nobody"), "{text}");
    assert!(text.contains("You come from <code>203.0.113.9</code>"), "{text}");

    let ranges = format!("{list}/ranges");
    let refused = owner.submit(&page, &ranges, &[("range", "203.0.113.9/24")]).await;
    let refused = refused.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(
        refused.contains("range-range-wrong") && refused.contains("203.0.113.0/24 is the network")
    );
    assert!(refused.contains("value=\"203.0.113.9/24\""), "it is shown again: {refused}");
    let new = [("range", " 203.0.113.0/24 "), ("description", "the VPN")];
    owner.submit(&page, &ranges, &new).await.redirects();
    let page = owner.get(&list).await.is_ok();
    assert!(page.text().contains("the VPN") && page.text().contains("lets in</td>"), "{page}");
    let range = action(&page.text(), "/cidr-ranges/");
    owner.submit(&page, &range, &[("enabled", "false")]).await.redirects();
    let page = owner.get(&list).await.is_ok();
    assert!(page.text().contains("disabled"), "{page}");
    owner.submit(&page, &range, &[("enabled", "true")]).await.redirects();
    let page = owner.get(&list).await.is_ok();
    assert!(!page.text().contains("disabled"), "{page}");

    let pools = format!("{list}/agent-pools");
    owner.submit(&page, &pools, &[("agent-pool", &pool)]).await.redirects();
    let page = owner.get(&list).await.is_ok();
    assert!(!page.text().contains("Assigned to no agent pool"), "{page}");
    owner.submit(&page, &format!("{pools}/delete"), &[("agent-pool", &pool)]).await.redirects();
    let page = owner.get(&list).await.is_ok();
    assert!(page.text().contains("Assigned to no agent pool"), "{page}");

    let changed = [("name", "all"), ("enforcement-scope", "all_agent_pools")];
    owner.submit(&page, &list, &changed).await.redirects();
    let page = owner.get(&list).await.is_ok();
    assert!(!page.text().contains("Assign it to a pool"), "{page}");
    owner.submit(&page, &format!("{range}/delete"), &[]).await.redirects();
    let page = owner.get(&list).await.is_ok();
    assert!(page.text().contains("No ranges yet"), "{page}");
    owner.submit(&page, &format!("{list}/delete"), &[]).await.redirects();
    assert!(owner.get(LISTS).await.is_ok().text().contains("No IP allow lists yet"));
    let mut member = Browser::of(&server, &server.member()).await;
    member.get(LISTS).await.is_not_found();
    let page = member.get("/app/acme/settings/tags").await.is_ok().text();
    assert!(!page.contains("IP allow lists"), "{page}");
}

#[tokio::test]
async fn a_page_of_an_organization_says_to_its_members_that_they_are_elsewhere() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let mut owner = Browser::of(&server, &api).await;
    let new = json!({ "name": "office", "enforcement-scope": "organization" });
    let new = resource("cidr-range-lists", &new);
    let list = api.post("/organizations/acme/cidr-range-lists", new).await.is_created().id();
    let new = resource("cidr-ranges", &json!({ "range": "203.0.113.0/24", "enabled": true }));
    let path = format!("/cidr-range-lists/{list}/relationships/cidr-ranges");
    api.post(path, new).await.is_created();
    reader.address = Some("203.0.113.9");
    let here = "/app/acme/workspaces/networking";
    reader.get(here).await.is_ok();
    reader.address = Some("198.51.100.7");
    owner.address = reader.address;
    let refused = reader.get(here).await.has_status(StatusCode::FORBIDDEN).text();
    assert!(refused.contains("takes no requests from 198.51.100.7"), "{refused}");
    reader.get("/app/acme/workspaces/nothing").await.has_status(StatusCode::FORBIDDEN);
    assert!(reader.get("/").await.is_ok().text().contains("You are in no organization yet"));
    reader.get("/app/settings/sessions").await.is_ok();
    owner.get(here).await.is_ok();
}
