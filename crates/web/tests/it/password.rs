//! The page on which one changes one's password.

use http::StatusCode;

use crate::browser::{Browser, PASSWORD, person, server};

const PATH: &str = "/app/settings/password";
const NEW: &str = "another long one";

fn fields(
    current: &'static str,
    new: &'static str,
    again: &'static str,
) -> [(&'static str, &'static str); 3] {
    [("current_password", current), ("password", new), ("password_confirmation", again)]
}

#[tokio::test]
async fn one_changes_ones_password_and_is_signed_out_everywhere() {
    let server = server().await;
    person(&server, "ada").await;
    let mut elsewhere = Browser::signed_in(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let page = browser.get(PATH).await.is_ok();
    let answer = browser.submit(&page, PATH, &fields(PASSWORD, NEW, NEW)).await;
    assert_eq!(answer.redirects(), "/session/new");
    assert!(!browser.cookies.contains_key("statehouse-session"));
    for out in [&mut browser, &mut elsewhere] {
        out.get("/").await.redirects();
    }
    browser.sign_in("ada", PASSWORD).await.is_unauthorized();
    assert_eq!(browser.sign_in("ada", NEW).await.redirects(), "/");
}

#[tokio::test]
async fn what_is_wrong_is_said_and_changes_nothing() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let page = browser.get(PATH).await.is_ok();
    for (fields, why) in [
        (fields("not this one", NEW, NEW), "The current password is not correct"),
        (fields(PASSWORD, "brief", "brief"), "The password is too short"),
        (fields(PASSWORD, NEW, "something else"), "The password confirmation is not the new one."),
    ] {
        let answer = browser.submit(&page, PATH, &fields).await;
        let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
        assert!(text.contains(why), "{text}");
        assert!(fields.iter().all(|(_, password)| !text.contains(password)), "{text}");
    }
    browser.get("/").await.is_ok();
    assert_eq!(Browser::new(&server).sign_in("ada", PASSWORD).await.redirects(), "/");
}

#[tokio::test]
async fn no_other_site_changes_somebodys_password() {
    let server = server().await;
    person(&server, "ada").await;
    person(&server, "mallory").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let mut attacker = Browser::signed_in(&server, "mallory").await;
    let theirs = attacker.get(PATH).await.is_ok();
    browser.submit(&theirs, PATH, &fields(PASSWORD, NEW, NEW)).await.is_forbidden();
    Browser::new(&server).get(PATH).await.redirects();
    assert_eq!(Browser::new(&server).sign_in("ada", PASSWORD).await.redirects(), "/");
}
