//! Signing in and out.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Error, Site,
    accounts::{self, ExposeSecret, Origin},
    can,
};
use testkit::Server;

use crate::browser::{Browser, PASSWORD, hidden_fields, person, server};

const SESSION: &str = "__Host-statehouse-session";
const FORM: &str = "__Host-statehouse-form";

#[tokio::test]
async fn people_sign_in_by_name_or_email_and_out_again() {
    let server = server().await;
    person(&server, "ada").await;
    for name in ["ada", "ADA", "ada@people.example", " Ada@People.example "] {
        let mut browser = Browser::new(&server);
        assert_eq!(browser.get("/").await.redirects(), "/session/new?return_to=%2F");
        assert_eq!(browser.sign_in(name, PASSWORD).await.redirects(), "/");
        let page = browser.get("/").await.is_ok();
        assert!(page.text().contains("ada"));
        browser.submit(&page, "/session/delete", &[]).await.redirects();
        assert!(!browser.cookies.contains_key(SESSION));
        browser.get("/").await.redirects();
    }
}

#[tokio::test]
async fn a_signed_out_cookie_lets_nobody_in() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let kept = browser.cookies.clone();
    let page = browser.get("/").await;
    browser.submit(&page, "/session/delete", &[]).await;
    browser.cookies = kept;
    assert!(browser.get("/").await.redirects().starts_with("/session/new"));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_told_the_same() {
    let server = server().await;
    person(&server, "ada").await;
    let mut answers = Vec::new();
    for (name, password) in [("ada", "wrong"), ("bob", PASSWORD), ("ada", "")] {
        let mut browser = Browser::new(&server);
        let page = browser.sign_in(name, password).await.is_unauthorized();
        assert!(!browser.cookies.contains_key(SESSION));
        let text = page.text();
        let token = &hidden_fields(&text, "/session/new")[0].1;
        answers.push(text.replace(token.as_str(), "").replace(name, ""));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

#[tokio::test]
async fn the_cookie_is_for_this_host_over_tls_and_not_for_scripts() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::new(&server);
    let answer = browser.sign_in("ada", PASSWORD).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with(SESSION), "{cookie}");
    for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn without_tls_the_cookie_has_a_name_that_browsers_accept() {
    let server = testkit::Server::start_with(|options| {
        options.settings.public_url = "http://127.0.0.1:8080".into();
        options.router = statehouse_web::router;
    })
    .await;
    person(&server, "ada").await;
    let mut browser = Browser::new(&server);
    let answer = browser.sign_in("ada", PASSWORD).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("statehouse-session="), "{cookie}");
    assert!(!cookie.contains("Secure"), "{cookie}");
    browser.get("/").await.is_ok();
}

#[tokio::test]
async fn a_session_that_was_chosen_beforehand_is_never_used() {
    let server = server().await;
    person(&server, "ada").await;
    let chosen = "c".repeat(43);
    let mut browser = Browser::new(&server);
    browser.cookies.insert(SESSION.into(), chosen.clone());
    browser.sign_in("ada", PASSWORD).await.redirects();
    assert_ne!(browser.cookies[SESSION], chosen);
    let mut attacker = Browser::new(&server);
    attacker.cookies.insert(SESSION.into(), chosen);
    assert!(attacker.get("/").await.redirects().starts_with("/session/new"));
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::new(&server);
    // The page is kept open in a second tab while the first one signs in.
    let page = browser.get("/session/new").await.is_ok();
    let fields = [("username", "ada"), ("password", PASSWORD)];
    browser.submit(&page, "/session/new", &fields).await.redirects();
    let first = browser.cookies[SESSION].clone();
    browser.submit(&page, "/session/new", &fields).await.redirects();
    let mut old = Browser::new(&server);
    old.cookies.insert(SESSION.into(), first);
    old.get("/").await.redirects();
    browser.get("/").await.is_ok();
}

#[tokio::test]
async fn a_session_ends_after_two_weeks() {
    let server = server().await;
    server.stop_clock();
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    server.pass(Duration::from_secs(14 * 24 * 60 * 60 - 1));
    browser.get("/").await.is_ok();
    server.pass(Duration::from_secs(1));
    browser.get("/").await.redirects();
}

#[tokio::test]
async fn a_suspended_person_is_out_at_once_and_cannot_come_in() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    server.execute("UPDATE users SET is_suspended = TRUE WHERE username = 'ada'").await;
    browser.get("/").await.redirects();
    Browser::new(&server).sign_in("ada", PASSWORD).await.is_unauthorized();
}

#[tokio::test]
async fn guessing_is_slow_even_for_the_right_password() {
    let server = server().await;
    server.stop_clock();
    person(&server, "ada").await;
    for _ in 0..5 {
        Browser::new(&server).sign_in("ada", "wrong password").await.is_unauthorized();
    }
    Browser::new(&server).sign_in("ada", PASSWORD).await.is_unauthorized();
    server.pass(Duration::from_mins(1));
    Browser::new(&server).sign_in("ada", PASSWORD).await.redirects();
    // A success forgives what came before.
    Browser::new(&server).sign_in("ada", "wrong password").await.is_unauthorized();
    Browser::new(&server).sign_in("ada", PASSWORD).await.redirects();
}

/// A sign-in from an address, by a browser that may be known.
async fn from(server: &Server, address: &str, known: Option<&str>, password: &str) -> bool {
    let origin =
        Origin { address: Some(address.parse().unwrap()), known_browser: known.map(str::to_owned) };
    match accounts::sign_in(&server.app, "ada", password.into(), &origin).await {
        Ok(_) => true,
        Err(Error::Unauthorized) => false,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_stranger_shuts_nobody_out_but_themselves() {
    let server = server().await;
    server.stop_clock();
    person(&server, "ada").await;
    for _ in 0..6 {
        assert!(!from(&server, "192.0.2.1", None, "wrong password").await);
    }
    assert!(!from(&server, "192.0.2.1", None, PASSWORD).await, "guessing is slow");
    assert!(from(&server, "192.0.2.2", None, PASSWORD).await);
    // A network of the sixth version is one place, however many addresses it has.
    for last in 0..6 {
        assert!(!from(&server, &format!("2001:db8::{last}"), None, "wrong password").await);
    }
    assert!(!from(&server, "2001:db8::ffff", None, PASSWORD).await);
    assert!(from(&server, "2001:db8:0:1::1", None, PASSWORD).await);
    // What a place has spent is not given back by a success elsewhere.
    assert!(!from(&server, "192.0.2.1", None, PASSWORD).await);
    server.pass(Duration::from_mins(1));
    assert!(from(&server, "192.0.2.1", None, PASSWORD).await);
}

#[tokio::test]
async fn a_browser_that_has_signed_in_before_gets_in_while_the_whole_world_guesses() {
    let server = server().await;
    server.stop_clock();
    let ada = person(&server, "ada").await;
    let eve = person(&server, "eve").await;
    let known =
        |user| ExposeSecret::expose_secret(&accounts::known_browser(&server.app, user)).to_owned();
    let guessed = format!(
        "INSERT INTO sign_in_attempts (user_id, origin, attempts, attempted_at) \
         VALUES ('{}', 'network 203.0.113.1', 100, {})",
        ada.id,
        server.app.now().0
    );
    server.execute(&guessed).await;
    assert!(!from(&server, "192.0.2.1", None, PASSWORD).await);
    let (own, other) = (known(&ada.id), known(&eve.id));
    assert!(!from(&server, "192.0.2.1", Some(&other), PASSWORD).await, "that is known as another");
    assert!(!from(&server, "192.0.2.1", Some("guess"), PASSWORD).await);
    assert!(from(&server, "203.0.113.1", Some(&own), PASSWORD).await);
    // Whoever has taken it guesses no faster by it.
    for _ in 0..5 {
        assert!(!from(&server, "192.0.2.1", Some(&own), "wrong password").await);
    }
    assert!(!from(&server, "192.0.2.1", Some(&own), PASSWORD).await);
    server.pass(Duration::from_mins(16));
    assert!(from(&server, "192.0.2.1", None, PASSWORD).await);
}

#[tokio::test]
async fn a_browser_is_known_after_it_has_signed_in() {
    let server = server().await;
    server.stop_clock();
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let page = browser.get("/").await.is_ok();
    browser.submit(&page, "/session/delete", &[]).await.redirects();
    for _ in 0..6 {
        Browser::new(&server).sign_in("ada", "wrong password").await.is_unauthorized();
    }
    Browser::new(&server).sign_in("ada", PASSWORD).await.is_unauthorized();
    browser.sign_in("ada", PASSWORD).await.redirects();
}

#[tokio::test]
async fn a_new_password_signs_out_everywhere() {
    let server = server().await;
    let ada = person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let cx = server.system();
    let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
    accounts::reset_password(&cx, &site, &ada.id, "another long one".into()).await.unwrap();
    browser.get("/").await.redirects();
    Browser::new(&server).sign_in("ada", PASSWORD).await.is_unauthorized();
    Browser::new(&server).sign_in("ada", "another long one").await.redirects();
}

#[tokio::test]
async fn one_comes_back_to_where_one_wanted_to_be_and_nowhere_else() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::new(&server);
    let to = browser.get("/app/settings/tokens?page=2").await.redirects();
    let page = browser.get(&to).await.is_ok();
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let answer = browser.submit(&page, "/session/new", &fields).await;
    assert_eq!(answer.redirects(), "/app/settings/tokens?page=2");

    for elsewhere in ["https://evil.example/", "//evil.example", "/\\evil.example", "/%09/evil"] {
        let mut browser = Browser::new(&server);
        let page = browser.get(&format!("/session/new?return_to={elsewhere}")).await.is_ok();
        let fields = [("username", "ada"), ("password", PASSWORD), ("return_to", "//evil.example")];
        assert_eq!(browser.submit(&page, "/session/new", &fields).await.redirects(), "/");
        let again = browser.get(&format!("/session/new?return_to={elsewhere}")).await.redirects();
        assert_eq!(again, "/", "for those who are signed in already");
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused() {
    let server = server().await;
    person(&server, "ada").await;
    let fields: BTreeMap<String, String> =
        [("username", "ada"), ("password", PASSWORD)].map(|(k, v)| (k.into(), v.into())).into();

    // Without any token, with that of another browser, and without a cookie.
    let mut browser = Browser::new(&server);
    browser.get("/session/new").await.is_ok();
    browser.post("/session/new", &fields).await.is_forbidden();
    let foreign = Browser::new(&server).get("/session/new").await.text();
    let foreign = hidden_fields(&foreign, "/session/new");
    let mut with_foreign = fields.clone();
    with_foreign.extend(foreign);
    browser.post("/session/new", &with_foreign).await.is_forbidden();
    browser.cookies.remove(FORM);
    browser.post("/session/new", &with_foreign).await.is_forbidden();
    assert!(!browser.cookies.contains_key(SESSION));

    // Signed in, the token is that of the session, not that of the sign-in page.
    let mut browser = Browser::signed_in(&server, "ada").await;
    let mut attacker = Browser::signed_in(&server, "ada").await;
    let page = attacker.get("/app/settings/tokens").await.text();
    let theirs = hidden_fields(&page, "/app/settings/tokens").into_iter().collect();
    browser.post("/app/settings/tokens", &theirs).await.is_forbidden();
    browser.post("/app/settings/tokens", &BTreeMap::new()).await.is_forbidden();
    browser.post("/session/delete", &BTreeMap::new()).await.is_forbidden();
    browser.get("/").await.is_ok();
}

#[tokio::test]
async fn a_form_that_the_browser_says_is_from_another_site_is_refused() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let page = browser.get("/app/settings/tokens").await;
    browser.headers.insert("sec-fetch-site", "cross-site".parse().unwrap());
    browser.submit(&page, "/app/settings/tokens", &[]).await.is_forbidden();
    browser.headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
    browser.submit(&page, "/app/settings/tokens", &[]).await.is_ok();
}

#[tokio::test]
async fn neither_cookies_nor_passwords_are_kept_in_clear() {
    let server = server().await;
    person(&server, "ada").await;
    let browser = Browser::signed_in(&server, "ada").await;
    let stored = server.everything().await;
    assert!(stored.contains("ada@people.example"), "this does look into the tables");
    for secret in browser.cookies.values().map(String::as_str).chain([PASSWORD]) {
        assert!(!stored.contains(secret));
    }
}
