//! `/admin/general-settings` and `/admin/smtp-settings`: what administrators decide for the whole site.

use domain::site_settings::Given;
use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

const GENERAL: &str = "/admin/general-settings";
const SMTP: &str = "/admin/smtp-settings";

async fn change(admin: &Client<'_>, attributes: Value) -> Answer {
    let body = json!({ "data": { "type": "general-settings", "attributes": attributes } });
    admin.patch(GENERAL, body).await
}

/// What is said of one setting in `meta`.
fn origin(answer: &Answer, name: &str) -> Value {
    let settings = answer.json()["meta"]["settings"].clone();
    let mut settings = settings.as_array().unwrap().iter();
    settings.find(|setting| setting["name"] == name).unwrap().clone()
}

async fn create_organization(client: &Client<'_>, name: &str) -> Answer {
    let attributes = json!({ "name": name, "email": "new@example.com" });
    let body = json!({ "data": { "type": "organizations", "attributes": attributes } });
    client.post("/organizations", body).await
}

#[tokio::test]
async fn a_setting_shows_its_value_its_default_and_who_decided_it() {
    let server = Server::start().await;
    let admin = server.site_admin();
    let before = admin.get(GENERAL).await.is_ok();
    assert_eq!(before.id(), "general");
    assert_eq!(before.attribute("plan-timeout"), "2h");
    assert_eq!(before.attribute("limit-user-organization-creation"), true);
    assert_eq!(origin(&before, "plan-timeout")["source"], "default");

    let now = server.stop_clock();
    let after = change(&admin, json!({ "plan-timeout": "1h30m0s" })).await.is_ok();
    assert_eq!(after.attribute("plan-timeout"), "1h30m");
    let origin_after = origin(&after, "plan-timeout");
    assert_eq!(origin_after["source"], "administrator");
    assert_eq!(origin_after["default"], "2h");
    assert_eq!(origin_after["changed-by"], admin.user().await.id.as_str());
    assert_eq!(origin_after["changed-at"], now.iso8601());
    assert_eq!(origin(&after, "apply-timeout")["source"], "default");

    let given_back = change(&admin, json!({ "plan-timeout": null })).await.is_ok();
    assert_eq!(given_back.attribute("plan-timeout"), "2h");
    assert_eq!(origin(&given_back, "plan-timeout")["source"], "default");
}

#[tokio::test]
async fn what_the_process_was_given_stands_above_what_administrators_decide() {
    let server = Server::start_with(|options| {
        let mut given = Given::default();
        given.add("plan-timeout", "10m", "--plan-timeout".into()).unwrap();
        assert!(given.add("plan-timeout", "soon", "--plan-timeout".into()).is_err());
        assert!(given.add("tea-time", "5h", "--tea-time".into()).is_err());
        options.settings.site = given;
    })
    .await;
    let admin = server.site_admin();
    let shown = admin.get(GENERAL).await.is_ok();
    assert_eq!(shown.attribute("plan-timeout"), "10m");
    assert_eq!(origin(&shown, "plan-timeout")["source"], "process");
    assert_eq!(origin(&shown, "plan-timeout")["given-by"], "--plan-timeout");
    let both = json!({ "apply-timeout": "1h", "plan-timeout": "20m" });
    let refused = change(&admin, both).await.is_unprocessable("/data/attributes/plan-timeout");
    assert!(refused.error().contains("--plan-timeout"), "{refused}");
    let after = admin.get(GENERAL).await.is_ok();
    assert_eq!(after.attribute("apply-timeout"), "24h", "all of them or none");
    change(&admin, json!({ "plan-timeout": "10m" })).await.is_ok();
}

#[tokio::test]
async fn wrong_values_change_nothing() {
    let server = Server::start().await;
    let admin = server.site_admin();
    admin.get(GENERAL).await.is_ok();
    let before = server.row_counts().await;
    for (name, value) in [
        ("plan-timeout", json!("soon")),
        ("plan-timeout", json!("0s")),
        ("apply-timeout", json!("1000h")),
        ("api-rate-limit", json!(0)),
        ("api-rate-limit", json!(-1)),
        ("limit-user-organization-creation", json!("perhaps")),
        // Nothing here would act on these.
        ("fair-run-queuing-enabled", json!(true)),
        ("require-two-factor-for-admins", json!(true)),
        ("limit-organizations-per-user", json!(true)),
        ("default-workspaces-per-organization-ceiling", json!(3)),
    ] {
        let refused = change(&admin, json!({ name: value })).await;
        refused.is_unprocessable(&format!("/data/attributes/{name}"));
    }
    assert_eq!(server.row_counts().await, before);
    change(&admin, json!({ "fair-run-queuing-enabled": false })).await.is_ok();
}

#[tokio::test]
async fn only_site_administrators_create_organizations_unless_the_site_says_otherwise() {
    let server = Server::start().await;
    let (admin, stranger) = (server.site_admin(), server.stranger());
    create_organization(&stranger, "strange").await.is_not_found();
    create_organization(&admin, "proper").await.is_created();
    let may = |answer: &Answer| answer.attribute("permissions")["can-create-organizations"].clone();
    assert_eq!(may(&stranger.get("/account/details").await.is_ok()), false);
    change(&admin, json!({ "limit-user-organization-creation": false })).await.is_ok();
    assert_eq!(may(&stranger.get("/account/details").await.is_ok()), true);
    create_organization(&stranger, "strange").await.is_created();
    change(&admin, json!({ "limit-user-organization-creation": true })).await.is_ok();
    create_organization(&stranger, "stranger").await.is_not_found();
}

#[tokio::test]
async fn new_workspaces_share_their_state_as_the_site_says() {
    let server = Server::start().await;
    assert!(!server.workspace("before").await.global_remote_state);
    change(&server.site_admin(), json!({ "default-remote-state-access": true })).await.is_ok();
    assert!(server.workspace("after").await.global_remote_state);
    let change = domain::workspaces::Change {
        name: Some("alone".into()),
        global_remote_state: Some(false),
        ..Default::default()
    };
    assert!(!server.workspace_with(change).await.global_remote_state);
}

#[tokio::test]
async fn callers_are_held_to_the_limit_that_was_set_each_on_their_own() {
    let server = Server::start().await;
    let (admin, owner) = (server.site_admin(), server.owner());
    server.stop_clock();
    let limit = json!({ "api-rate-limiting-enabled": true, "api-rate-limit": 3 });
    change(&admin, limit).await.is_ok();
    for _ in 0..3 {
        owner.get("/organizations/acme").await.is_ok();
    }
    let refused = owner.get("/organizations/acme").await;
    let refused = refused.has_status(http::StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("x-ratelimit-reset"), "1");
    server.stranger().get("/account/details").await.is_ok();
    let agent = server.bearer(server.app.embedded_agent_token().expose());
    for _ in 0..5 {
        agent.get("/account/details").await.is_not_found();
    }
    server.pass(std::time::Duration::from_secs(1));
    let answer = owner.get("/organizations/acme").await.is_ok();
    let told = answer.headers.get("x-ratelimit-limit");
    assert!(told.is_none(), "command lines that are told so little never ask again");
}

#[tokio::test]
async fn everybody_is_told_the_limit_and_strangers_are_held_to_it_by_their_network() {
    let server = Server::start().await;
    let (admin, owner) = (server.site_admin(), server.owner());
    server.stop_clock();
    assert!(owner.get("/ping").await.headers.get("x-ratelimit-limit").is_none());
    change(&admin, json!({ "api-rate-limiting-enabled": true, "api-rate-limit": 4 })).await.is_ok();
    server.pass(std::time::Duration::from_secs(1));
    assert_eq!(owner.get("/ping").await.header("x-ratelimit-limit"), "4");
    for left in ["3", "2", "1", "0", "0"] {
        let answer = owner.get("/organizations/acme").await;
        assert_eq!(answer.header("x-ratelimit-limit"), "4");
        assert_eq!(answer.header("x-ratelimit-remaining"), left);
        assert_eq!(answer.header("x-ratelimit-reset"), "1");
    }
    // Guesses at tokens and questions without one are counted together.
    for _ in 0..2 {
        server.bearer("no-such-token").get("/account/details").await.is_unauthorized();
        server.nobody().get("/ping").await.has_status(http::StatusCode::NO_CONTENT);
    }
    let refused = server.bearer("no-such-token").get("/account/details").await;
    let refused = refused.has_status(http::StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    server.nobody().get("/ping").await.has_status(http::StatusCode::TOO_MANY_REQUESTS);
    server.stranger().get("/account/details").await.is_ok();
}

#[tokio::test]
async fn mail_is_set_up_and_its_password_is_kept_sealed_and_never_shown() {
    let server = Server::start().await;
    let admin = server.site_admin();
    let set = async |attributes: Value| {
        let body = json!({ "data": { "type": "smtp-settings", "attributes": attributes } });
        admin.patch(SMTP, body).await
    };
    let shown = admin.get(SMTP).await.is_ok();
    assert_eq!(
        (shown.attribute("enabled"), shown.attribute("auth")),
        (false.into(), "none".into())
    );
    // As HashiCorp's client does it.
    set(json!({ "enabled": false, "host": "123", "port": 123 })).await.is_ok();
    set(json!({ "enabled": true })).await.is_unprocessable("/data/attributes/sender");
    set(json!({ "auth": "carrier pigeon" })).await.is_unprocessable("/data/attributes/auth");
    set(json!({ "host": "mail.example.com\r\nX: y" }))
        .await
        .is_unprocessable("/data/attributes/host");
    let all = json!({
        "enabled": true, "host": "mail.example.com", "port": 587, "auth": "login",
        "sender": "statehouse@example.com", "username": "me@example.com", "password": "s3cret/:@",
    });
    let set_up = set(all).await.is_ok();
    assert_eq!(set_up.attribute("port"), 587);
    assert!(!set_up.text().contains("s3cret"), "{set_up}");
    assert!(!admin.get(SMTP).await.is_ok().text().contains("s3cret"));
    assert!(!server.everything().await.contains("s3cret"), "it is sealed");
    set(json!({ "auth": "plain", "username": "" }))
        .await
        .is_unprocessable("/data/attributes/username");
}

#[tokio::test]
async fn others_see_no_settings() {
    let server = Server::start().await;
    for path in [GENERAL, SMTP] {
        server.owner().get(path).await.is_not_found();
        server.nobody().get(path).await.is_unauthorized();
    }
    change(&server.owner(), json!({ "plan-timeout": "1h" })).await.is_not_found();
}
