//! The pages of whoever is invited, and of whoever confirms an address.

use std::time::Duration;

use domain::accounts;
use http::StatusCode;
use serde_json::json;
use testkit::Server;

use crate::browser::{Browser, PASSWORD, person, server};

async fn invitation(server: &Server, email: &str) -> String {
    let body = json!({ "data": { "type": "organization-memberships",
        "attributes": { "email": email } } });
    let path = "/organizations/acme/organization-memberships";
    let invited = server.owner().post(path, body).await.is_created().json();
    let url = invited["meta"]["invitation-url"].as_str().unwrap().to_owned();
    url.strip_prefix(server.url()).unwrap().to_owned()
}

#[tokio::test]
async fn somebody_new_chooses_a_name_and_a_password_and_is_in() {
    let server = server().await;
    let path = invitation(&server, "new@people.example").await;
    let mut browser = Browser::new(&server);
    let page = browser.get(&path).await.is_ok();
    assert!(page.text().contains("new@people.example") && page.text().contains("acme"), "{page}");
    for (username, password, word) in [
        ("a b", PASSWORD, "username"),
        ("newcomer", "short", "too short"),
        ("newcomer", "aaaaaaaaaa", "easy"),
    ] {
        let fields = [("username", username), ("password", password)];
        let refused = browser.submit(&page, &path, &fields).await;
        let refused = refused.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
        assert!(refused.contains(word) && !refused.contains(PASSWORD), "{refused}");
    }
    let fields = [("username", "newcomer"), ("password", PASSWORD)];
    assert_eq!(browser.submit(&page, &path, &fields).await.redirects(), "/");
    assert!(browser.get("/").await.is_ok().text().contains("acme"));
    Browser::signed_in(&server, "newcomer").await.get("/app/acme/workspaces").await.is_ok();
    says_that_it_no_longer_works(&mut Browser::new(&server), &path).await;
}

#[tokio::test]
async fn a_link_whose_inviter_could_not_invite_any_more_has_no_form() {
    let server = server().await;
    let path = invitation(&server, "new@people.example").await;
    let mut browser = Browser::new(&server);
    let page = browser.get(&path).await.is_ok();
    server.execute("UPDATE users SET is_suspended = TRUE WHERE username = 'owner'").await;
    says_that_it_no_longer_works(&mut browser, &path).await;
    let fields = [("username", "newcomer"), ("password", PASSWORD)];
    browser.submit(&page, &path, &fields).await.is_not_found();
}

async fn says_that_it_no_longer_works(browser: &mut Browser<'_>, path: &str) {
    let text = browser.get(path).await.is_not_found().text();
    assert!(text.contains("This address no longer works"), "{text}");
}

#[tokio::test]
async fn somebody_with_an_account_signs_in_and_accepts() {
    let server = server().await;
    person(&server, "ada").await;
    let path = invitation(&server, "ada@people.example").await;
    let mut browser = Browser::new(&server);
    let to = browser.get(&path).await.redirects();
    assert!(to.starts_with("/session/new?return_to="), "{to}");
    let page = browser.get(&to).await.is_ok();
    let fields = [("username", "ada"), ("password", PASSWORD)];
    assert_eq!(browser.submit(&page, "/session/new", &fields).await.redirects(), path);
    browser.get("/app/acme/workspaces").await.is_not_found();
    let page = browser.get(&path).await.is_ok();
    let accept = format!("{path}/accept");
    // Only by the button of one's own page.
    browser.post(&accept, &[].into()).await.is_forbidden();
    assert_eq!(browser.submit(&page, &accept, &[]).await.redirects(), "/");
    browser.get("/app/acme/workspaces").await.is_ok();
    says_that_it_no_longer_works(&mut browser, &path).await;
}

#[tokio::test]
async fn nobody_accepts_what_is_for_another_account() {
    let server = server().await;
    person(&server, "ada").await;
    person(&server, "eve").await;
    let path = invitation(&server, "ada@people.example").await;
    let mut browser = Browser::signed_in(&server, "eve").await;
    let page = browser.get(&path).await.is_ok();
    browser.submit(&page, &format!("{path}/accept"), &[]).await.is_forbidden();
    browser.get("/app/acme/workspaces").await.is_not_found();
}

/// Used, expired, followed by a newer one, taken back or forged: nobody learns which.
#[tokio::test]
async fn an_address_that_works_once_says_so_when_it_no_longer_works() {
    let server = server().await;
    server.stop_clock();
    let path = invitation(&server, "new@people.example").await;
    let mut browser = Browser::new(&server);
    let page = browser.get(&path).await.is_ok();
    for bad in [format!("{path}x"), "/invitations/guess".into()] {
        says_that_it_no_longer_works(&mut browser, &bad).await;
    }
    server.pass(Duration::from_hours(7 * 24));
    says_that_it_no_longer_works(&mut browser, &path).await;
    let fields = [("username", "newcomer"), ("password", PASSWORD)];
    let late = browser.submit(&page, &path, &fields).await.is_not_found().text();
    assert!(late.contains("This address no longer works"), "{late}");

    let ada = person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    says_that_it_no_longer_works(&mut browser, "/account/confirm-email/guess").await;
    assert_eq!(
        accounts::find_by_name(&server.system(), "ada").await.unwrap().unwrap().email,
        ada.email
    );
}
