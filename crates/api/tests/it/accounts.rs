//! `/account`, `/users`, `/authentication-tokens`, and the first administrator by script.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{net::SocketAddr, time::Duration};

use axum::{body::Body, extract::ConnectInfo};
use domain::{
    Error, Site,
    accounts::{self, NewUser},
    can,
    row::User,
};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use testkit::{Answer, Server};

const PASSWORD: &str = "correct horse battery";

async fn person(server: &Server, name: &str) -> (User, String) {
    let cx = server.system();
    let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
    let new = NewUser {
        username: name.to_owned(),
        email: format!("{name}@people.example"),
        password: Some(PASSWORD.into()),
        is_site_admin: false,
    };
    let user = accounts::create_user(&cx, &site, new).await.unwrap();
    let minted = accounts::mint_user_token(&cx, &site, &user.id, None).await.unwrap();
    (user, minted.secret.expose().to_owned())
}

fn users(attributes: &Value) -> Value {
    json!({ "data": { "type": "users", "attributes": attributes } })
}

fn tokens(attributes: &Value) -> Value {
    json!({ "data": { "type": "authentication-tokens", "attributes": attributes } })
}

#[tokio::test]
async fn people_see_themselves_with_what_they_may_do() {
    let server = Server::start().await;
    let (user, token) = person(&server, "ada").await;
    let me = server.bearer(&token).get("/account/details").await.is_ok();
    assert_eq!(me.id(), user.id.as_str());
    assert_eq!(me.attribute("username"), "ada");
    assert_eq!(me.attribute("email"), "ada@people.example");
    assert_eq!(me.attribute("is-service-account"), false);
    assert_eq!(me.attribute("two-factor"), json!({ "enabled": false, "verified": false }));
    assert_eq!(me.attribute("permissions")["can-change-email"], true);
    assert_eq!(me.attribute("permissions")["can-view-general-settings"], false);
    let admin = server.site_admin().get("/account/details").await.is_ok();
    assert_eq!(admin.attribute("is-site-admin"), true);
    assert_eq!(admin.attribute("permissions")["can-view-general-settings"], true);
    server.nobody().get("/account/details").await.is_unauthorized();
}

#[tokio::test]
async fn a_token_that_is_no_persons_has_a_service_user() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let of_organization = server.organization_token().get("/account/details").await.is_ok();
    assert_eq!(of_organization.attribute("is-service-account"), true);
    assert_eq!(of_organization.attribute("username"), "api-org-acme");
    assert_eq!(of_organization.related("authenticated-resource"), "acme");
    assert_eq!(of_organization.attribute("permissions")["can-create-organizations"], false);
    let of_team = server.team_token(&ws).get("/account/details").await.is_ok();
    assert_eq!(of_team.attribute("is-service-account"), true);
    server.organization_token().patch("/account/update", users(&json!({}))).await.is_not_found();
    let agent = server.app.embedded_agent_token().expose();
    server.bearer(agent).get("/account/details").await.is_not_found();
}

#[tokio::test]
async fn people_rename_themselves_but_not_to_others() {
    let server = Server::start().await;
    let (_, token) = person(&server, "ada").await;
    person(&server, "bob").await;
    let ada = server.bearer(&token);
    let change = users(&json!({ "username": "Countess", "email": "ada@lovelace.example" }));
    let changed = ada.patch("/account/update", change).await.is_ok();
    assert_eq!(changed.attribute("username"), "Countess");
    assert_eq!(changed.attribute("email"), "ada@people.example");
    assert_eq!(changed.attribute("unconfirmed-email"), "ada@lovelace.example");
    let case = users(&json!({ "username": "countess" }));
    assert_eq!(ada.patch("/account/update", case).await.is_ok().attribute("username"), "countess");
    for (attribute, value) in [
        ("username", "BOB"),
        ("username", "a b"),
        ("username", ""),
        ("email", "Bob@People.example"),
        ("email", "nowhere"),
    ] {
        let change = users(&json!({ attribute: value }));
        let pointer = format!("/data/attributes/{attribute}");
        ada.patch("/account/update", change).await.is_unprocessable(&pointer);
    }
    let me = ada.get("/account/details").await.is_ok();
    assert_eq!(me.attribute("username"), "countess");
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let server = Server::start().await;
    server.stop_clock();
    let (_, token) = person(&server, "ada").await;
    let ada = server.bearer(&token);
    let change = |current: &str, new: &str, again: &str| {
        users(&json!({
            "current_password": current, "password": new, "password_confirmation": again,
        }))
    };
    let path = "/account/password";
    let refused = ada.patch(path, change(PASSWORD, "another long one", "another long two")).await;
    refused.is_unprocessable("/data/attributes/password_confirmation");
    let refused = ada.patch(path, change("wrong", "another long one", "another long one")).await;
    refused.is_unprocessable("/data/attributes/current-password");
    let refused = ada.patch(path, change(PASSWORD, "short", "short")).await;
    refused.is_unprocessable("/data/attributes/password");
    ada.patch(path, change(PASSWORD, "another long one", "another long one")).await.is_ok();
    let old =
        accounts::sign_in(&server.app, "ada", PASSWORD.into(), &accounts::Origin::default()).await;
    assert!(matches!(old, Err(Error::Unauthorized)));
    accounts::sign_in(&server.app, "ada", "another long one".into(), &accounts::Origin::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_current_password_cannot_be_guessed_at_leisure() {
    let server = Server::start().await;
    server.stop_clock();
    let (_, token) = person(&server, "ada").await;
    let attempt = async |current: &str| {
        let change = users(&json!({
            "current_password": current,
            "password": "another long one",
            "password_confirmation": "another long one",
        }));
        server.bearer(&token).patch("/account/password", change).await.status
    };
    for _ in 0..5 {
        assert_eq!(attempt("wrong").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(attempt(PASSWORD).await, StatusCode::UNPROCESSABLE_ENTITY);
    server.pass(Duration::from_mins(1));
    assert_eq!(attempt(PASSWORD).await, StatusCode::OK);
}

#[tokio::test]
async fn people_see_those_of_their_organizations_without_addresses() {
    let server = Server::start().await;
    let owner = server.owner().user().await;
    let path = format!("/users/{}", owner.id);
    let seen = server.member().get(&path).await.is_ok();
    assert_eq!(seen.attribute("username"), owner.username);
    assert!(seen.data()["attributes"].get("email").is_none());
    assert_eq!(server.owner().get(&path).await.is_ok().attribute("email"), json!(owner.email));
    server.organization_token().get(&path).await.is_ok();
    server.site_admin().get(&path).await.is_ok();
    server.stranger().get(&path).await.is_not_found();
    server.nobody().get(&path).await.is_unauthorized();
    server.owner().get("/users/user-1111111111111111").await.is_not_found();
}

#[tokio::test]
async fn a_token_is_shown_once_and_ends_in_two_years() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let (user, token) = person(&server, "ada").await;
    let ada = server.bearer(&token);
    let path = format!("/users/{}/authentication-tokens", user.id);
    let made = ada.post(&path, tokens(&json!({ "description": "laptop" }))).await.is_created();
    let secret = made.attribute("token").as_str().unwrap().to_owned();
    assert_eq!(made.attribute("description"), "laptop");
    let end = now.plus_years(2);
    assert_eq!(made.attribute("expired-at"), end.iso8601());
    assert_eq!(made.related("created-by"), user.id.as_str());

    let shown = ada.get(format!("/authentication-tokens/{}", made.id())).await.is_ok();
    assert_eq!(shown.attribute("token"), Value::Null);
    let list = ada.get(&path).await.is_ok();
    assert_eq!(list.json()["meta"]["pagination"]["total-count"], 2);
    assert!(!list.text().contains(&secret));
    assert!(!server.everything().await.contains(&secret));

    let by_it = server.bearer(&secret);
    by_it.get("/account/details").await.is_ok();
    server.pass(Duration::from_hours((2 * 365 + 1) * 24));
    by_it.get("/account/details").await.is_unauthorized();
}

#[tokio::test]
async fn a_token_ends_when_its_owner_said() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let (user, token) = person(&server, "ada").await;
    let path = format!("/users/{}/authentication-tokens", user.id);
    let at = |seconds| json!({ "expired-at": now.plus_seconds(seconds).iso8601() });
    let ada = server.bearer(&token);
    let past = ada.post(&path, tokens(&at(0))).await;
    past.is_unprocessable("/data/attributes/expired-at");
    let nonsense = ada.post(&path, tokens(&json!({ "expired-at": "soon" }))).await;
    nonsense.is_unprocessable("/data/attributes/expired-at");
    let made = ada.post(&path, tokens(&at(60))).await.is_created();
    let secret = made.attribute("token").as_str().unwrap().to_owned();
    server.pass(Duration::from_secs(59));
    server.bearer(&secret).get("/account/details").await.is_ok();
    server.pass(Duration::from_secs(1));
    server.bearer(&secret).get("/account/details").await.is_unauthorized();
}

#[tokio::test]
async fn a_revoked_token_is_good_for_nothing() {
    let server = Server::start().await;
    let (user, token) = person(&server, "ada").await;
    let ada = server.bearer(&token);
    let path = format!("/users/{}/authentication-tokens", user.id);
    let made = ada.post(&path, tokens(&json!({}))).await.is_created();
    let secret = made.attribute("token").as_str().unwrap().to_owned();
    let own = format!("/authentication-tokens/{}", made.id());
    server.bearer(&secret).delete(&own).await.is_no_content();
    server.bearer(&secret).get("/account/details").await.is_unauthorized();
    ada.delete(&own).await.is_not_found();
}

#[tokio::test]
async fn tokens_are_nobody_elses_business() {
    let server = Server::start().await;
    let (user, token) = person(&server, "ada").await;
    let list = format!("/users/{}/authentication-tokens", user.id);
    let id = server.bearer(&token).get(&list).await.is_ok().data()[0]["id"].clone();
    let own = format!("/authentication-tokens/{}", id.as_str().unwrap());
    for other in [server.owner(), server.site_admin(), server.organization_token()] {
        other.get(&list).await.is_not_found();
        other.post(&list, tokens(&json!({}))).await.is_not_found();
        other.get(&own).await.is_not_found();
        other.delete(&own).await.is_not_found();
    }
    server.bearer(&token).get(&own).await.is_ok();
}

/// As from a socket: with the address of the other end, and headers.
async fn retrieve(server: &Server, peer: Option<&str>, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().uri("/admin/retrieve-iact");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    if let Some(peer) = peer {
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
    }
    server.nobody().request(request).await
}

async fn first(server: &Server, iact: &str, username: &str) -> Answer {
    let body = json!({
        "username": username, "email": format!("{username}@people.example"), "password": PASSWORD,
    });
    post_first(server, iact, body.to_string()).await
}

async fn post_first(server: &Server, iact: &str, body: String) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/admin/initial-admin-user?token={iact}"))
        .header("content-type", "application/json")
        .body(Body::from(body));
    server.nobody().request(request.unwrap()).await
}

const LOCAL: Option<&str> = Some("127.0.0.1:40000");

#[tokio::test]
async fn a_script_makes_the_first_administrator_as_in_terraform_enterprise() {
    let server = Server::start().await;
    server.forget_people().await;
    let iact = retrieve(&server, LOCAL, &[("host", "localhost:8080")]).await.is_ok().text();
    let made = first(&server, &iact, "ada").await.is_ok();
    assert_eq!(made.json()["status"], "created");
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let me = server.bearer(&token).get("/account/details").await.is_ok();
    assert_eq!(me.attribute("username"), "ada");
    assert_eq!(me.attribute("is-site-admin"), true);
    assert!(!server.everything().await.contains(&token));

    // Once there are people, there is neither a token nor a use for it.
    retrieve(&server, LOCAL, &[]).await.is_not_found();
    let again = first(&server, &iact, "eve").await.is_unauthorized();
    assert_eq!(again.json()["status"], "error");
}

#[tokio::test]
async fn the_first_token_is_given_to_this_machine_only() {
    let server = Server::start().await;
    server.forget_people().await;
    retrieve(&server, Some("[::1]:40000"), &[]).await.is_ok();
    retrieve(&server, None, &[]).await.is_not_found();
    for peer in ["10.0.0.1:40000", "[2001:db8::1]:40000"] {
        retrieve(&server, Some(peer), &[]).await.is_not_found();
    }
    for header in [
        ("x-forwarded-for", "203.0.113.1"),
        ("forwarded", "for=203.0.113.1"),
        ("via", "1.1 proxy"),
        ("host", "evil.example"),
    ] {
        retrieve(&server, LOCAL, &[header]).await.is_not_found();
    }
}

#[tokio::test]
async fn of_those_who_race_one_becomes_the_first_administrator() {
    let server = Server::start().await;
    server.forget_people().await;
    let iact = retrieve(&server, LOCAL, &[]).await.is_ok().text();
    let token = "0123456789abcdef0123".into();
    let (a, b, c, d) = tokio::join!(
        first(&server, &iact, "ada"),
        first(&server, &iact, "bob"),
        first(&server, &iact, "eve"),
        accounts::bootstrap_with_token(&server.app, &token),
    );
    let made = [a, b, c].iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(made + usize::from(d.unwrap()), 1);
    assert_eq!(server.row_counts().await["users"], 1);
}

#[tokio::test]
async fn bad_input_makes_no_administrator() {
    let server = Server::start().await;
    server.forget_people().await;
    let iact = retrieve(&server, LOCAL, &[]).await.is_ok().text();
    post_first(&server, "guess", "{}".into()).await.is_unauthorized();
    post_first(&server, "", "{}".into()).await.is_unauthorized();
    for body in ["", "{}", "[]", "{\"username\":1}"] {
        let refused = post_first(&server, &iact, body.into()).await.is_bad_request();
        assert_eq!(refused.json()["status"], "error");
    }
    let short = json!({ "username": "ada", "email": "ada@people.example", "password": "short" });
    let refused = post_first(&server, &iact, short.to_string()).await;
    let refused = refused.has_status(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.json()["error"].as_str().unwrap().contains("too short"), "{refused}");
    assert_eq!(server.row_counts().await["users"], 0);
}

#[tokio::test]
async fn the_admin_token_counts_on_an_empty_database_only() {
    let server = Server::start().await;
    let token = "0123456789abcdef0123";
    assert!(!accounts::bootstrap_with_token(&server.app, &token.into()).await.unwrap());
    server.bearer(token).get("/account/details").await.is_unauthorized();
    server.forget_people().await;
    assert!(accounts::bootstrap_with_token(&server.app, &token.into()).await.unwrap());
    let me = server.bearer(token).get("/account/details").await.is_ok();
    assert_eq!(me.attribute("username"), "admin");
    assert_eq!(me.attribute("is-site-admin"), true);
    assert!(!server.everything().await.contains(token));
    // A restart with another token changes nothing.
    assert!(
        !accounts::bootstrap_with_token(&server.app, &"another-admin-token".into()).await.unwrap()
    );
    server.bearer("another-admin-token").get("/account/details").await.is_unauthorized();
    server.bearer(token).get("/account/details").await.is_ok();
}
