//! Looking at the server as somebody else: who can, what they can then, how long, and that it is seen.

use std::{collections::BTreeMap, time::Duration};

use domain::accounts;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Answer, Server};

use crate::{
    browser::{Browser, PASSWORD, server},
    runs::{run, set_status},
};

const END: &str = "/session/impersonation/delete";

fn page_of(id: &str) -> String {
    format!("/app/site/users/{id}")
}

fn told(page: &Answer) -> bool {
    page.text().contains("aria-label=\"Impersonation\"")
}

async fn begin(admin: &mut Browser<'_>, id: &str, reason: &str) -> Answer {
    let page = admin.get(&page_of(id)).await.is_ok();
    let action = format!("{}/impersonate", page_of(id));
    admin.submit(&page, &action, &[("reason", reason)]).await
}

/// An administrator of the site in a browser, who is the owner of acme in it.
async fn as_owner(server: &Server) -> (Browser<'_>, String) {
    let mut admin = Browser::of(server, &server.site_admin()).await;
    let owner = server.owner().user().await.id.to_string();
    assert_eq!(begin(&mut admin, &owner, "ticket 7").await.redirects(), "/");
    (admin, owner)
}

#[tokio::test]
async fn an_administrator_sees_and_does_what_the_person_can_and_every_page_says_so() {
    let server = server().await;
    server.workspace("networking").await;
    let mut own = Browser::of(&server, &server.site_admin()).await;
    own.get("/app/acme/workspaces").await.is_not_found();
    let (mut admin, owner) = as_owner(&server).await;
    for path in ["/app/acme/workspaces", "/app/acme/settings", "/waiting", "/search"] {
        let page = admin.get(path).await.is_ok();
        assert!(told(&page) && page.text().contains("ticket 7"), "{page}");
    }
    // Nothing more, and nothing of the site.
    for path in ["/app/site", "/app/site/users", &page_of(&owner)] {
        admin.get(path).await.is_not_found();
    }
    // Others are not told, nor is the person.
    let mut person = Browser::of(&server, &server.owner()).await;
    assert!(!told(&person.get("/app/acme/workspaces").await.is_ok()));

    let settings = admin.get("/app/acme/settings").await.is_ok();
    let fields = [("email", "as@people.example"), ("default-execution-mode", "remote")];
    admin.submit(&settings, "/app/acme/settings", &fields).await.redirects();
    assert_eq!(admin.submit(&settings, END, &[]).await.redirects(), page_of(&owner));
    let back = admin.get("/app/site/users").await.is_ok();
    assert!(!told(&back));
    admin.get("/app/acme/workspaces").await.is_not_found();

    let site_admin = server.site_admin().user().await.id.to_string();
    let trail = server.organization_token().get("/organization/audit-trail").await.is_ok();
    let changed: Vec<Value> = trail
        .data()
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["resource"]["type"] == "organization")
        .filter(|entry| entry["resource"]["action"] == "update")
        .map(|entry| entry["auth"].clone())
        .collect();
    assert_eq!(changed[0]["accessor_id"], json!(owner));
    assert_eq!(changed[0]["impersonator_id"], json!(site_admin));
    let log = admin.get("/app/site/audit").await.is_ok().text();
    for said in ["impersonation_begun", "impersonation_ended", "ticket 7"] {
        assert!(log.contains(said), "{said}: {log}");
    }
    let log = person.get("/app/acme/audit").await.is_ok().text();
    assert!(log.contains("impersonated by") && log.contains(&site_admin), "{log}");
}

#[tokio::test]
async fn the_account_of_the_person_is_closed_to_whoever_impersonates_them() {
    let server = server().await;
    let (mut admin, owner) = as_owner(&server).await;
    for path in [
        "/app/settings/tokens",
        "/app/settings/sessions",
        "/app/settings/password",
        "/app/settings/second-factor",
    ] {
        admin.get(path).await.is_not_found();
    }
    let home = admin.get("/").await.is_ok();
    assert!(!home.text().contains("/app/settings/tokens"), "{home}");
    let session = admin.cookies["__Host-statehouse-session"].clone();
    let mut fields = BTreeMap::from([("form_token".to_owned(), accounts::form_token(&session))]);
    fields.insert("description".to_owned(), "mine".to_owned());
    let tokens = server.row_counts().await["tokens"];
    admin.post("/app/settings/tokens", &fields).await.is_not_found();
    // Nor does one lead on to another.
    fields.insert("reason".to_owned(), "more".to_owned());
    let other = server.member().user().await.id.to_string();
    assert!(server.row_counts().await["tokens"] <= tokens + 1);
    for id in [owner, other] {
        let path = format!("{}/impersonate", page_of(&id));
        admin.post(&path, &fields).await.is_not_found();
    }
}

#[tokio::test]
async fn it_takes_a_reason_and_somebody_who_may_be_impersonated() {
    let server = server().await;
    let mut admin = Browser::of(&server, &server.site_admin()).await;
    let member = server.member().user().await.id.to_string();
    let refused = begin(&mut admin, &member, "  ").await;
    let text = refused.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("impersonate-reason-wrong"), "{text}");
    let refused = begin(&mut admin, &member, &"x".repeat(501)).await;
    refused.has_status(StatusCode::UNPROCESSABLE_ENTITY);

    let own = server.site_admin().user().await.id.to_string();
    let page = admin.get(&page_of(&member)).await.is_ok();
    let mut fields: BTreeMap<_, _> =
        crate::browser::hidden_fields(&page.text(), &format!("{}/impersonate", page_of(&member)))
            .into_iter()
            .collect();
    fields.insert("reason".to_owned(), "why not".to_owned());
    let ask = format!("{}/impersonate", page_of(&own));
    admin.post(&ask, &fields).await.has_status(StatusCode::CONFLICT);
    let ask = format!("{}/impersonate", page_of(&member));
    for (action, status) in
        [("suspend", StatusCode::CONFLICT), ("grant_admin", StatusCode::FORBIDDEN)]
    {
        let path = format!("/admin/users/{member}/actions/{action}");
        server.site_admin().post(path, ()).await.is_ok();
        admin.post(&ask, &fields).await.has_status(status);
        if action == "suspend" {
            let path = format!("/admin/users/{member}/actions/unsuspend");
            server.site_admin().post(path, ()).await.is_ok();
        }
    }
    assert!(!told(&admin.get("/app/site/users").await.is_ok()));
    let mut stranger = Browser::of(&server, &server.stranger()).await;
    stranger.get(&page_of(&own)).await.is_not_found();
}

#[tokio::test]
async fn it_ends_by_itself_and_with_the_rights_of_either() {
    let server = server().await;
    server.stop_clock();
    let (mut admin, owner) = as_owner(&server).await;
    let is_owner = async |admin: &mut Browser<'_>| {
        let status = admin.get("/app/acme/workspaces").await.status;
        let of_site = admin.get("/app/site/users").await.status;
        // One or the other, and never both.
        assert_ne!(status, of_site);
        status == StatusCode::OK
    };
    server.pass(Duration::from_mins(59));
    assert!(is_owner(&mut admin).await);
    server.pass(Duration::from_mins(1));
    assert!(!is_owner(&mut admin).await);

    begin(&mut admin, &owner, "again").await.redirects();
    assert!(is_owner(&mut admin).await);
    let api = server.site_admin();
    let member = server.member().user().await.id.to_string();
    api.post(format!("/admin/users/{member}/actions/grant_admin"), ()).await.is_ok();
    // Whoever is impersonated and becomes an administrator is not impersonated any more.
    api.post(format!("/admin/users/{owner}/actions/grant_admin"), ()).await.is_ok();
    assert!(!is_owner(&mut admin).await);
    api.post(format!("/admin/users/{owner}/actions/revoke_admin"), ()).await.is_ok();
    assert!(is_owner(&mut admin).await);
    let own = api.user().await.id.to_string();
    server.member().post(format!("/admin/users/{own}/actions/revoke_admin"), ()).await.is_ok();
    admin.get("/app/acme/workspaces").await.is_not_found();
    admin.get("/app/site/users").await.is_not_found();
}

#[tokio::test]
async fn signing_out_ends_both() {
    let server = server().await;
    let (mut admin, _) = as_owner(&server).await;
    let page = admin.get("/waiting").await.is_ok();
    admin.submit(&page, "/session/delete", &[]).await.redirects();
    assert!(admin.get("/waiting").await.redirects().starts_with("/session/new"));
    let username = server.site_admin().user().await.username;
    admin.sign_in(&username, PASSWORD).await.redirects();
    assert!(!told(&admin.get("/app/site/users").await.is_ok()));
}

#[tokio::test]
async fn nobody_confirms_a_run_in_the_name_of_another_where_several_people_have_to() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let rule = json!({ "data": { "attributes": { "confirmations-required": 2 } } });
    server.owner().patch(format!("/workspaces/{}", ws.id), rule).await.is_ok();
    let id = run(&server, &ws).await;
    set_status(&server, &id, "planned").await;
    let (mut admin, _) = as_owner(&server).await;
    let here = format!("/app/acme/workspaces/networking/runs/{id}");
    let page = admin.get(&here).await.is_ok();
    let answer = admin.submit(&page, &format!("{here}/apply"), &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer}");
    let given = server.owner().get(format!("/runs/{id}/confirmations")).await.is_ok();
    assert_eq!(given.data(), json!([]));
}

#[tokio::test]
async fn addresses_that_were_shown_end_with_it() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let id = run(&server, &ws).await;
    let (mut admin, _) = as_owner(&server).await;
    let page = admin.get(&format!("/app/acme/workspaces/networking/runs/{id}")).await.is_ok();
    let text = page.text();
    let log = text.split("<log-viewer src=\"").nth(1).unwrap().split('"').next().unwrap();
    server.nobody().get(log).await.is_ok();
    admin.submit(&page, END, &[]).await.redirects();
    server.nobody().get(log).await.is_not_found();
}
