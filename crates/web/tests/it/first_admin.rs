//! The page of the first administrator.

use std::{collections::BTreeMap, time::Duration};

use domain::accounts;
use http::StatusCode;

use crate::browser::{Browser, PASSWORD, server};

const FIELDS: [(&str, &str); 3] =
    [("username", "ada"), ("email", "ada@people.example"), ("password", PASSWORD)];

#[tokio::test]
async fn the_address_in_the_log_makes_one_administrator() {
    let server = server().await;
    server.forget_people().await;
    let path = accounts::offer_first_admin(&server.app).await.unwrap().unwrap();
    let mut browser = Browser::new(&server);
    let page = browser.get(&path).await.is_ok();
    // Nothing can be done without an organization, so it is asked for next.
    assert_eq!(browser.submit(&page, &path, &FIELDS).await.redirects(), "/organizations/new");
    let next = browser.get("/organizations/new").await.is_ok();
    assert!(next.text().contains("ada@people.example"), "{next}");
    browser.get("/").await.is_ok();
    let cx = server.system();
    assert!(accounts::find_by_name(&cx, "ada").await.unwrap().unwrap().is_site_admin);

    // It works once, for the page and for its form, and says so to whoever comes back.
    let used = browser.get(&path).await.is_not_found().text();
    assert!(used.contains("works once") && used.contains("/session/new"), "{used}");
    let mut second = Browser::new(&server);
    second.get("/session/new").await;
    let other = [("username", "eve"), ("email", "eve@people.example"), ("password", PASSWORD)];
    second.cookies.clone_from(&browser.cookies);
    second.submit(&page, &path, &other).await.is_not_found();
    assert!(accounts::find_by_name(&cx, "eve").await.unwrap().is_none());
    assert!(accounts::offer_first_admin(&server.app).await.unwrap().is_none());
}

#[tokio::test]
async fn of_those_who_race_one_becomes_administrator() {
    let server = server().await;
    server.forget_people().await;
    let path = accounts::offer_first_admin(&server.app).await.unwrap().unwrap();
    let attempt = async |name: &str| {
        let mut browser = Browser::new(&server);
        let page = browser.get(&path).await;
        if page.status != StatusCode::OK {
            return false;
        }
        let email = format!("{name}@people.example");
        let fields = [("username", name), ("email", &*email), ("password", PASSWORD)];
        browser.submit(&page, &path, &fields).await.status == StatusCode::SEE_OTHER
    };
    let (a, b, c) = tokio::join!(attempt("ada"), attempt("bob"), attempt("eve"));
    assert_eq!([a, b, c].iter().filter(|won| **won).count(), 1);
    assert_eq!(server.row_counts().await["users"], 1);
}

#[tokio::test]
async fn what_is_wrong_is_said_and_nothing_is_made() {
    let server = server().await;
    server.forget_people().await;
    let path = accounts::offer_first_admin(&server.app).await.unwrap().unwrap();
    let mut browser = Browser::new(&server);
    for (wrong, word) in [
        (("password", "short"), "too short"),
        (("email", "nowhere"), "e-mail"),
        (("username", "a b"), "username"),
    ] {
        let page = browser.get(&path).await.is_ok();
        let mut fields: BTreeMap<&str, &str> = FIELDS.into();
        fields.insert(wrong.0, wrong.1);
        let fields: Vec<_> = fields.into_iter().collect();
        let answer = browser.submit(&page, &path, &fields).await;
        let answer = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text().contains(word), "{word} in {answer}");
        assert!(!answer.text().contains(PASSWORD), "a password is never sent back");
    }
    assert_eq!(server.row_counts().await["users"], 0);
}

#[tokio::test]
async fn a_forged_or_expired_secret_leads_nowhere() {
    let server = server().await;
    server.stop_clock();
    server.forget_people().await;
    let path = accounts::offer_first_admin(&server.app).await.unwrap().unwrap();
    let mut browser = Browser::new(&server);
    let text = browser.get(&format!("{path}x")).await.is_not_found().text();
    assert!(text.contains("This address no longer works"), "{text}");
    browser.get("/admin/first/guess").await.is_not_found();
    server.pass(Duration::from_hours(24));
    browser.get(&path).await.is_not_found();
}

#[tokio::test]
async fn the_form_must_be_of_the_page() {
    let server = server().await;
    server.forget_people().await;
    let path = accounts::offer_first_admin(&server.app).await.unwrap().unwrap();
    let fields = FIELDS.map(|(name, value)| (name.into(), value.into())).into();
    Browser::new(&server).post(&path, &fields).await.is_forbidden();
    assert_eq!(server.row_counts().await["users"], 0);
}
