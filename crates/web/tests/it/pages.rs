//! What all pages have in common.

use http::StatusCode;

use crate::browser::{Browser, person, server};

#[tokio::test]
async fn every_page_runs_only_our_scripts_and_is_kept_by_nobody() {
    let server = server().await;
    person(&server, "ada").await;
    server.workspace("networking").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let mut nobody = Browser::new(&server);
    for page in [
        browser.get("/").await.is_ok(),
        browser.get("/app/settings/tokens").await.is_ok(),
        browser.get("/app/settings/password").await.is_ok(),
        browser.get("/app/nowhere/workspaces").await.is_not_found(),
        nobody.get("/session/new").await.is_ok(),
    ] {
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        let text = page.text();
        assert!(!text.contains(" style=\"") && !text.contains(" onclick"), "{text}");
        assert!(policy.contains("font-src 'self'"), "{policy}");
        assert_eq!(
            text.matches("<script").count(),
            text.matches("<script type=\"module\" src=\"/assets/").count()
        );
        // Nothing is asked of another host.
        assert!(!text.contains("src=\"http") && !text.contains("href=\"http"), "{text}");
        assert!(text.contains("<html lang=\"en\">") && text.contains("<h1>"), "{text}");
    }
}

#[tokio::test]
async fn assets_are_named_by_their_content_and_kept_for_ever() {
    let server = server().await;
    let mut browser = Browser::new(&server);
    let page = browser.get("/session/new").await.text();
    let mut paths: std::collections::BTreeSet<String> = page
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
        .map(|path| path.split('#').next().unwrap().to_owned())
        .collect();
    // Style, font, icons, mark, three scripts.
    assert_eq!(paths.len(), 7, "{paths:?}");
    let style = paths
        .iter()
        .find(|path| path.starts_with("/assets/statehouse.") && path.contains(".css"))
        .unwrap();
    let style = browser.get(style).await.is_ok().text();
    let font = style.split("url(\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(paths.contains(&font), "{font}");
    paths.insert(font);
    for path in paths {
        let asset = browser.get(&path).await.is_ok();
        assert!(asset.header("cache-control").contains("immutable"), "{asset}");
        let kind = asset.header("content-type");
        assert!(["text/", "font/woff2", "image/svg+xml"].iter().any(|k| kind.starts_with(k)));
    }
    browser.get("/assets/statehouse.0000000000000000.css").await.is_not_found();
}

#[tokio::test]
async fn only_what_one_may_see_is_listed() {
    let server = server().await;
    person(&server, "ada").await;
    let workspace = server.workspace("networking").await;
    let mut stranger = Browser::signed_in(&server, "ada").await;
    assert!(!stranger.get("/").await.is_ok().text().contains("networking"));
    for path in [
        "/app/acme/workspaces",
        "/app/acme",
        "/app/acme/networking",
        "/app/acme/workspaces/networking",
    ] {
        stranger.get(path).await.is_not_found();
    }

    let mut owner = Browser::of(&server, &server.owner()).await;
    let page = owner.get("/").await.is_ok().text();
    assert!(page.contains("/app/acme/workspaces/networking"), "{page}");
    for path in ["/app/acme/workspaces", "/app/ACME/workspaces"] {
        assert!(owner.get(path).await.is_ok().text().contains("networking"));
    }
    assert_eq!(owner.get("/app/ACME").await.redirects(), "/app/acme/workspaces");
    for path in ["/app/acme/networking", "/app/acme/workspaces/Networking"] {
        assert!(owner.get(path).await.is_ok().text().contains(workspace.id.as_str()));
    }
    let runs = owner.get("/app/acme/networking/runs").await.is_ok().text();
    assert!(runs.contains("Runs of networking"), "{runs}");
    let variables = owner.get("/app/acme/networking/variables").await.is_ok().text();
    assert!(variables.contains("Variables of networking"), "{variables}");
}

#[tokio::test]
async fn the_pages_leave_other_addresses_to_the_api() {
    let server = server().await;
    let answer = server.nobody().page("/nowhere").await.has_status(StatusCode::NOT_FOUND);
    assert_eq!(answer.json()["errors"][0]["status"], "404");
}
