//! Lists: what is found, what is counted, and what waits for whom.

use http::StatusCode;

use crate::{
    browser::{Browser, server},
    runs::{run, set_status},
};

/// As the roof of each page says it.
const COUNTED: &str = "1<span class=\"word\"> waits for you</span>";

#[tokio::test]
async fn workspaces_are_found_by_name_and_by_how_they_stand() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    server.workspace("billing").await;
    let run = run(&server, &ws).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let here = "/app/acme/workspaces";
    let link = |name: &str| format!("href=\"/app/acme/workspaces/{name}\"");
    let both = owner.get(here).await.is_ok().text();
    assert!(both.contains(&link("networking")) && both.contains(&link("billing")), "{both}");

    let named = owner.get(&format!("{here}?q=BILL")).await.is_ok().text();
    assert!(!named.contains(&link("networking")) && named.contains(&link("billing")), "{named}");
    // What was asked for stays in the address of every other question.
    assert!(named.contains("?q=BILL&amp;status=waiting"), "{named}");

    set_status(&server, &run, "planned").await;
    let sql = "UPDATE workspaces SET current_run_status = 'planned' WHERE name = 'networking'";
    server.execute(sql).await;
    let waiting = owner.get(&format!("{here}?status=waiting")).await.is_ok().text();
    assert!(waiting.contains(&link("networking")), "{waiting}");
    assert!(!waiting.contains(&link("billing")), "{waiting}");
    let counted = "Need a person <span class=\"count\">1</span>";
    assert!(waiting.contains(counted), "{waiting}");
    let failed = owner.get(&format!("{here}?status=failed")).await.is_ok().text();
    assert!(failed.contains("Nothing found"), "{failed}");
}

#[tokio::test]
async fn a_page_far_beyond_the_end_is_empty_and_a_project_of_nobody_is_not_found() {
    let server = server().await;
    server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    for number in ["99999999999999999999", "18446744073709551615", "-3", "x", "0"] {
        owner.get(&format!("/app/acme/workspaces?page={number}")).await.is_ok();
        owner.get(&format!("/app/acme/runs?page={number}")).await.is_ok();
        owner.get(&format!("/?page={number}")).await.is_ok();
    }
    owner.get("/app/acme/workspaces?project=nonsense").await.is_not_found();
}

#[tokio::test]
async fn what_waits_for_somebody_is_counted_for_whoever_may_decide() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    assert!(owner.get("/waiting").await.is_ok().text().contains("Nothing waits for you"));
    set_status(&server, &run, "planned").await;
    let page = owner.get("/waiting").await.is_ok().text();
    assert!(page.contains(COUNTED) && page.contains(&run), "{page}");
    let page = reader.get("/waiting").await.is_ok().text();
    assert!(!page.contains(COUNTED) && !page.contains(&run), "{page}");
}

#[tokio::test]
async fn a_search_finds_by_a_part_of_the_name_and_leads_to_what_an_id_names() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let mut stranger = Browser::of(&server, &server.stranger()).await;
    let text = owner.get("/search?q=work").await.is_ok().text();
    assert!(text.contains("/app/acme/workspaces/networking"), "{text}");
    let to = owner.get(&format!("/search?q={run}")).await.has_status(StatusCode::SEE_OTHER);
    assert_eq!(to.redirects(), format!("/app/acme/workspaces/networking/runs/{run}"));
    let to = owner.get(&format!("/search?q=%20{}", ws.id)).await;
    assert_eq!(to.redirects(), "/app/acme/workspaces/networking");
    for asked in ["work", &run, ws.id.as_str()] {
        let text = stranger.get(&format!("/search?q={asked}")).await.is_ok().text();
        assert!(text.contains("Nothing found") && !text.contains("networking"), "{text}");
    }
}

#[tokio::test]
async fn the_palette_knows_what_the_visitor_may_see_and_names_are_text_in_it() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let run = run(&server, &ws).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let text = owner.get("/jump").await.is_ok().text();
    assert!(text.contains("networking") && text.contains(&run), "{text}");
    assert!(text.contains("Widen &lt;the&gt; road") && !text.contains("<the>"), "{text}");
    let mut member = Browser::of(&server, &server.member()).await;
    let text = member.get("/jump").await.is_ok().text();
    assert!(!text.contains("networking") && !text.contains(&run), "{text}");
}

#[tokio::test]
async fn a_workspace_is_made_where_one_may_and_a_wrong_name_comes_back() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let path = "/app/acme/new-workspace";
    let page = owner.get(path).await.is_ok();
    let fields =
        [("name", "bill ing"), ("project", ws.project_id.as_str()), ("description", "Money")];
    let text = owner
        .submit(&page, path, &fields)
        .await
        .has_status(StatusCode::UNPROCESSABLE_ENTITY)
        .text();
    assert!(text.contains("workspace-name-wrong") && text.contains("Money"), "{text}");
    let fields = [
        ("name", "billing"),
        ("project", ws.project_id.as_str()),
        ("engine", "terraform"),
        ("description", "Money"),
    ];
    let to = owner.submit(&page, path, &fields).await.redirects();
    assert_eq!(to, "/app/acme/workspaces/billing");
    let text = owner.get(&to).await.is_ok().text();
    assert!(text.contains("Money") && text.contains("Terraform latest"), "{text}");
    let made = server.owner().get("/organizations/acme/workspaces/billing").await.is_ok();
    assert_eq!(made.attribute("source"), "tfe-ui");
    assert_eq!(made.attribute("engine"), "terraform");

    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    reader.get(path).await.is_not_found();
}
