//! When sessions end: by the rules of the organizations that somebody belongs to.

use std::time::Duration;

use http::HeaderValue;
use serde_json::json;
use testkit::Server;

use crate::browser::{Browser, server};

async fn limit(server: &Server, name: &str, minutes: Option<u32>) {
    let change = json!({ "data": { "type": "organizations", "attributes": { name: minutes } } });
    server.owner().patch("/organizations/acme", change).await.is_ok();
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_when_an_organization_says_so() {
    let server = server().await;
    server.stop_clock();
    limit(&server, "session-timeout", Some(10)).await;
    let mut browser = Browser::of(&server, &server.owner()).await;
    for _ in 0..4 {
        server.pass(Duration::from_mins(9));
        browser.get("/").await.is_ok();
    }
    // What a page that was left open asks by itself is no use.
    browser.headers.insert("sec-fetch-mode", HeaderValue::from_static("cors"));
    server.pass(Duration::from_mins(9));
    browser.get("/").await.is_ok();
    server.pass(Duration::from_mins(1));
    assert!(browser.get("/").await.redirects().starts_with("/session/new"));
}

#[tokio::test]
async fn a_session_ends_after_its_time_however_much_it_is_used() {
    let server = server().await;
    server.stop_clock();
    let mut browser = Browser::of(&server, &server.owner()).await;
    server.pass(Duration::from_mins(59));
    browser.get("/").await.is_ok();
    limit(&server, "session-remember", Some(60)).await;
    browser.get("/").await.is_ok();
    server.pass(Duration::from_mins(1));
    assert!(browser.get("/").await.redirects().starts_with("/session/new"));
    // Nobody else's organization decides about them.
    let mut stranger = Browser::of(&server, &server.stranger()).await;
    server.pass(Duration::from_mins(61));
    stranger.get("/").await.is_ok();
}
