//! A second factor: set up, asked for, demanded by organizations, and removed.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use testkit::{Answer, Server};
use totp_rs::{Builder, Secret};

use crate::browser::{Browser, PASSWORD, server};

const PATH: &str = "/app/settings/second-factor";

/// What an authenticator with this secret shows at the server's time.
fn code(server: &Server, secret: &str) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    totp.generate(u64::try_from(server.app.now().0 / 1000).unwrap()).to_string()
}

/// The text of a block of code on a page.
fn block(page: &str, id: &str) -> String {
    let start = page.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no {id} in {page}"));
    let start = start + page[start..].find("<code>").unwrap() + "<code>".len();
    page[start..start + page[start..].find("</code>").unwrap()].to_owned()
}

async fn set_up(server: &Server, browser: &mut Browser<'_>) -> (String, Vec<String>) {
    let page = browser.get(PATH).await.is_ok();
    browser.submit(&page, PATH, &[]).await.redirects();
    let page = browser.get(PATH).await.is_ok();
    let secret = block(&page.text(), "secret");
    assert!(page.text().contains("otpauth://totp/"), "{}", page.text());
    let confirm = format!("{PATH}/confirm");
    browser
        .submit(&page, &confirm, &[("code", "12345x")])
        .await
        .has_status(StatusCode::UNPROCESSABLE_ENTITY);
    let now = code(server, &secret);
    let page = browser.submit(&page, &confirm, &[("code", &now)]).await.is_ok();
    let codes = block(&page.text(), "recovery-codes").lines().map(str::to_owned).collect();
    (secret, codes)
}

/// By the password, and to the page for the code.
async fn half<'s>(server: &'s Server, name: &str) -> (Browser<'s>, Answer) {
    let mut browser = Browser::new(server);
    let to = browser.sign_in(name, PASSWORD).await.redirects();
    assert_eq!(to, "/session/code?return_to=%2F");
    assert!(browser.get("/").await.redirects().starts_with("/session/new"), "not in yet");
    let page = browser.get(&to).await.is_ok();
    (browser, page)
}

#[tokio::test]
async fn whoever_has_a_second_factor_signs_in_with_it_and_each_code_is_good_once() {
    let server = server().await;
    server.stop_clock();
    let owner = server.owner();
    let name = owner.user().await.username;
    let mut browser = Browser::of(&server, &owner).await;
    let (secret, codes) = set_up(&server, &mut browser).await;
    assert_eq!(codes.len(), 10);
    let me = owner.get("/account/details").await.is_ok();
    assert_eq!(me.attribute("two-factor"), json!({ "enabled": true, "verified": true }));

    let (mut second, page) = half(&server, &name).await;
    let used = [("code", code(&server, &secret))];
    let used = used.each_ref().map(|(name, code)| (*name, code.as_str()));
    second.submit(&page, "/session/code", &used).await.has_status(StatusCode::UNPROCESSABLE_ENTITY);
    server.pass(Duration::from_secs(30));
    let fresh = code(&server, &secret);
    let to = second.submit(&page, "/session/code", &[("code", &fresh)]).await.redirects();
    assert_eq!(to, "/");
    second.get("/").await.is_ok();

    let (mut third, page) = half(&server, &name).await;
    let recovery = codes[3].as_str();
    third.submit(&page, "/session/code", &[("code", recovery)]).await.redirects();
    third.get("/").await.is_ok();
    assert!(third.get(PATH).await.text().contains("left: 9"));
    let (mut fourth, page) = half(&server, &name).await;
    let again = fourth.submit(&page, "/session/code", &[("code", recovery)]).await;
    again.has_status(StatusCode::UNPROCESSABLE_ENTITY);
    // The password does not stand for ever.
    server.pass(Duration::from_mins(11));
    let late = code(&server, &secret);
    let to = fourth.submit(&page, "/session/code", &[("code", &late)]).await.redirects();
    assert_eq!(to, "/session/new");

    let page = third.get(PATH).await.is_ok();
    let remove = format!("{PATH}/remove");
    let wrong = third.submit(&page, &remove, &[("password", "wrong")]).await;
    wrong.has_status(StatusCode::UNPROCESSABLE_ENTITY);
    third.submit(&page, &remove, &[("password", PASSWORD)]).await.redirects();
    assert_eq!(Browser::new(&server).sign_in(&name, PASSWORD).await.redirects(), "/");
}

#[tokio::test]
async fn guessing_codes_is_slow() {
    let server = server().await;
    server.stop_clock();
    let owner = server.owner();
    let name = owner.user().await.username;
    let mut browser = Browser::of(&server, &owner).await;
    let (secret, _) = set_up(&server, &mut browser).await;
    server.pass(Duration::from_mins(1));
    let (mut browser, page) = half(&server, &name).await;
    for _ in 0..5 {
        browser.submit(&page, "/session/code", &[("code", "000000")]).await;
    }
    let right = code(&server, &secret);
    let held = browser.submit(&page, "/session/code", &[("code", &right)]).await;
    held.has_status(StatusCode::UNPROCESSABLE_ENTITY);
    server.pass(Duration::from_mins(1));
    let right = code(&server, &secret);
    browser.submit(&page, "/session/code", &[("code", &right)]).await.redirects();
}

#[tokio::test]
async fn an_organization_that_asks_for_a_second_factor_shuts_out_who_has_none() {
    let server = server().await;
    let (owner, member) = (server.owner(), server.member());
    member.get("/organizations/acme").await.is_ok();
    let policy = |policy: &str| json!({ "data": { "type": "organizations", "attributes": { "collaborator-auth-policy": policy } } });
    let refused = owner.patch("/organizations/acme", policy("two_factor_mandatory")).await;
    refused.is_unprocessable("/data/attributes/collaborator-auth-policy");
    let mut browser = Browser::of(&server, &owner).await;
    set_up(&server, &mut browser).await;
    let before = owner.get("/organizations/acme").await.is_ok();
    assert_eq!(before.attribute("two-factor-conformant"), true);
    let after = owner.patch("/organizations/acme", policy("two_factor_mandatory")).await.is_ok();
    assert_eq!(after.attribute("two-factor-conformant"), false, "the member has none");

    member.get("/organizations/acme").await.is_unauthorized();
    let mut theirs = Browser::of(&server, &member).await;
    let page = theirs.get("/app/acme/workspaces").await.has_status(StatusCode::FORBIDDEN).text();
    assert!(page.contains(PATH), "{page}");
    set_up(&server, &mut theirs).await;
    theirs.get("/app/acme/workspaces").await.is_ok();
    member.get("/organizations/acme").await.is_ok();

    // Whoever loses theirs is helped by the site's administrator, and shut out again.
    let id = member.user().await.id;
    let disable = format!("/admin/users/{id}/actions/disable_two_factor");
    owner.post(&disable, json!({})).await.is_not_found();
    let user = server.site_admin().post(&disable, json!({})).await.is_ok();
    assert_eq!(user.attribute("two-factor")["enabled"], false);
    server.site_admin().post(&disable, json!({})).await.has_status(StatusCode::BAD_REQUEST);
    member.get("/organizations/acme").await.is_unauthorized();
    let relaxed = owner.patch("/organizations/acme", policy("password")).await.is_ok();
    assert_eq!(relaxed.attribute("two-factor-conformant"), true);
    member.get("/organizations/acme").await.is_ok();
}
