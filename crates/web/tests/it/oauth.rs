//! `terraform login`.

use std::{collections::BTreeMap, time::Duration};

use http::StatusCode;
use serde_json::Value;
use testkit::{Answer, Server};
use url::{Url, form_urlencoded};

use crate::browser::{Browser, person, server};

// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://localhost:10005/login";
const STATE: &str = "0b1f-&=?#/ é";

fn asked(change: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut fields: BTreeMap<String, String> = [
        ("client_id", "terraform-cli"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", STATE),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    fields.extend(change.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    fields
}

fn address(change: &[(&str, &str)]) -> String {
    let query =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(asked(change)).finish();
    format!("/oauth/authorize?{query}")
}

async fn consent(browser: &mut Browser<'_>) -> Url {
    let page = browser.get(&address(&[])).await.is_ok();
    let answer = browser.submit(&page, "/oauth/authorize", &[("decision", "allow")]).await;
    Url::parse(&answer.has_status(StatusCode::FOUND).redirects()).unwrap()
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}

async fn exchange(server: &Server, code: &str, change: &[(&str, &str)]) -> Answer {
    let mut fields: BTreeMap<String, String> = [
        ("client_id", "terraform-cli"),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", CALLBACK),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    fields.extend(change.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    Browser::new(server).post("/oauth/token", &fields).await
}

fn error(answer: Answer) -> Value {
    let answer = answer.is_bad_request();
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()["error"].clone()
}

#[tokio::test]
async fn a_code_becomes_a_token_that_works() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let back = consent(&mut browser).await;
    assert!(back.as_str().starts_with("http://localhost:10005/login?"), "{back}");
    assert_eq!(parameter(&back, "state"), STATE);
    let answer = exchange(&server, &parameter(&back, "code"), &[]).await.is_ok();
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["token_type"], "bearer");
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let me = server.bearer(&token).get("/account/details").await.is_ok();
    assert_eq!(me.attribute("username"), "ada");
    let tokens = browser.get("/app/settings/tokens").await.is_ok().text();
    assert!(tokens.contains("terraform login"));
    assert!(!tokens.contains(&token), "a token is shown once");
}

#[tokio::test]
async fn who_is_signed_out_signs_in_and_comes_back_to_the_consent_page() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::new(&server);
    let to = browser.get(&address(&[])).await.redirects();
    let page = browser.get(&to).await.is_ok();
    let fields = [("username", "ada"), ("password", crate::browser::PASSWORD)];
    let back = browser.submit(&page, "/session/new", &fields).await.redirects();
    assert_eq!(back, address(&[]));
    assert!(browser.get(&back).await.is_ok().text().contains("terraform login"));
}

#[tokio::test]
async fn a_code_is_good_once() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let code = parameter(&consent(&mut browser).await, "code");
    let answer = exchange(&server, &code, &[]).await.is_ok();
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    server.bearer(&token).get("/account/details").await.is_ok();
    assert_eq!(error(exchange(&server, &code, &[]).await), "invalid_grant");
    // Somebody else has seen the code.
    server.bearer(&token).get("/account/details").await.is_unauthorized();
}

#[tokio::test]
async fn of_many_who_exchange_one_code_at_once_one_gets_a_token() {
    let server = server().await;
    person(&server, "ada").await;
    let code = parameter(&consent(&mut Browser::signed_in(&server, "ada").await).await, "code");
    let (first, second, third) = tokio::join!(
        exchange(&server, &code, &[]),
        exchange(&server, &code, &[]),
        exchange(&server, &code, &[]),
    );
    let won = [first, second, third].iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_wrong_exchange_uses_the_code_up() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let other_verifier = "e".repeat(43);
    for wrong in [
        ("code_verifier", other_verifier.as_str()),
        ("code_verifier", ""),
        ("code_verifier", CHALLENGE),
        ("redirect_uri", "http://localhost:10006/login"),
    ] {
        let code = parameter(&consent(&mut browser).await, "code");
        assert_eq!(error(exchange(&server, &code, &[wrong]).await), "invalid_grant");
        assert_eq!(error(exchange(&server, &code, &[]).await), "invalid_grant");
    }
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    let server = server().await;
    server.stop_clock();
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let code = parameter(&consent(&mut browser).await, "code");
    server.pass(Duration::from_secs(599));
    exchange(&server, &code, &[]).await.is_ok();
    let code = parameter(&consent(&mut browser).await, "code");
    server.pass(Duration::from_mins(10));
    assert_eq!(error(exchange(&server, &code, &[]).await), "invalid_grant");
}

#[tokio::test]
async fn a_person_who_was_suspended_since_gets_no_token() {
    let server = server().await;
    person(&server, "ada").await;
    let code = parameter(&consent(&mut Browser::signed_in(&server, "ada").await).await, "code");
    server.execute("UPDATE users SET is_suspended = TRUE WHERE username = 'ada'").await;
    assert_eq!(error(exchange(&server, &code, &[]).await), "invalid_grant");
}

#[tokio::test]
async fn other_grants_and_clients_are_refused_in_the_words_of_the_rfc() {
    let server = server().await;
    let wrong_grant = exchange(&server, "x", &[("grant_type", "password")]).await;
    assert_eq!(error(wrong_grant), "unsupported_grant_type");
    let wrong_client = exchange(&server, "x", &[("client_id", "somebody")]).await;
    assert_eq!(error(wrong_client), "invalid_client");
    assert_eq!(error(exchange(&server, "x", &[]).await), "invalid_grant");
}

#[tokio::test]
async fn nobody_is_ever_sent_elsewhere() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let good = browser.get(&address(&[])).await.is_ok();
    for wrong in [
        ("redirect_uri", "https://evil.example/login"),
        ("redirect_uri", "http://localhost:10005/login/../elsewhere"),
        ("redirect_uri", "http://localhost:10005@evil.example/login"),
        ("redirect_uri", "http://localhost:9000/login"),
        ("redirect_uri", "http://127.0.0.1:10005/login"),
        ("redirect_uri", ""),
        ("client_id", "somebody"),
        ("response_type", "token"),
        ("code_challenge_method", "plain"),
        ("code_challenge", "short"),
    ] {
        let page = browser.get(&address(&[wrong])).await.is_bad_request();
        assert!(page.headers.get("location").is_none(), "{wrong:?}");
        let fields = [wrong, ("decision", "allow")];
        let answer = browser.submit(&good, "/oauth/authorize", &fields).await.is_bad_request();
        assert!(answer.headers.get("location").is_none(), "{wrong:?}");
    }
    assert_eq!(server.row_counts().await["authorization_codes"], 0);
}

#[tokio::test]
async fn consent_needs_the_form_of_the_page_and_a_yes() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    browser.post("/oauth/authorize", &asked(&[("decision", "allow")])).await.is_forbidden();
    let page = browser.get(&address(&[])).await.is_ok();
    for decision in ["refuse", ""] {
        let fields = [("decision", decision)];
        let answer = browser.submit(&page, "/oauth/authorize", &fields).await.is_ok();
        assert!(answer.text().contains("Login refused"));
    }
    assert_eq!(server.row_counts().await["authorization_codes"], 0);
}

#[tokio::test]
async fn the_consent_page_may_lead_to_the_command_line_and_nowhere_else() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let page = browser.get(&address(&[])).await.is_ok();
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' http://localhost:10005;"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
}

#[tokio::test]
async fn neither_codes_nor_tokens_are_kept_in_clear() {
    let server = server().await;
    person(&server, "ada").await;
    let mut browser = Browser::signed_in(&server, "ada").await;
    let code = parameter(&consent(&mut browser).await, "code");
    let stored = server.everything().await;
    assert!(stored.contains(CHALLENGE), "this does look into the tables");
    assert!(!stored.contains(&code));
    let answer = exchange(&server, &code, &[]).await.is_ok();
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert!(!server.everything().await.contains(&token));
}
