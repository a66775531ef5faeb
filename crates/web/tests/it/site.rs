//! The pages of the site and of an organization's settings.

use std::{collections::BTreeMap, time::Duration};

use domain::{site_settings::Given, stores};
use http::StatusCode;
use testkit::Server;

use crate::{
    browser::{Browser, hidden_fields, person, server, services},
    runs::run,
};

#[tokio::test]
async fn an_administrator_sees_what_waits_who_is_there_and_what_holds() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    run(&server, &ws).await;
    person(&server, "ada").await;
    let mut admin = Browser::of(&server, &server.site_admin()).await;
    let overview = admin.get("/app/site").await.is_ok().text();
    assert!(overview.contains("Waits for an agent") && overview.contains("acme"), "{overview}");
    assert!(
        overview.contains("Database, in ") && overview.contains("not yet by this one"),
        "{overview}"
    );
    stores::count(&server.app.system("test")).await.unwrap();
    let counted = admin.get("/app/site").await.is_ok().text();
    assert!(counted.contains("Blobs: ") && counted.contains("Blobs were counted"), "{counted}");
    let (chores, now) = (server.app.chores(), server.app.now());
    chores.expect("cleaning up", Some(Duration::from_hours(1)));
    chores.begun("letters", now);
    let full: domain::Result<()> = Err(domain::Error::Unavailable("the disk is <full>".into()));
    chores.done("letters", &full, now);
    let work = admin.get("/app/site/work").await.is_ok().text();
    for said in ["cleaning up", "every 1 h", "not yet", "failed", "the disk is &lt;full&gt;"] {
        assert!(work.contains(said), "{said}: {work}");
    }
    let users = admin.get("/app/site/users?q=ADA").await.is_ok().text();
    assert!(users.contains("ada@people.example") && !users.contains("acme@example.com"), "{users}");
    let versions = admin.get("/app/site/versions?kind=opa").await.is_ok().text();
    assert!(versions.contains("1.2.0"), "{versions}");
    let settings = admin.get("/app/site/settings").await.is_ok().text();
    assert!(settings.contains("smtp-password") && settings.contains("secret"), "{settings}");
    assert!(settings.contains("/app/site/settings/plan-timeout"), "{settings}");
    let runs = admin.get("/app/site/runs").await.is_ok().text();
    assert!(runs.contains("acme/networking") && runs.contains("agent"), "{runs}");
    // What is in a run is its organization's.
    assert!(!runs.contains("Widen"), "{runs}");
    let organizations = admin.get("/app/site/organizations?q=ACM").await.is_ok().text();
    assert!(organizations.contains(">acme<"), "{organizations}");
    let none = admin.get("/app/site/organizations?q=nowhere").await.is_ok().text();
    assert!(none.contains("None found"), "{none}");
    let mut ada = Browser::signed_in(&server, "ada").await;
    for path in [
        "/app/site",
        "/app/site/work",
        "/app/site/users",
        "/app/site/versions",
        "/app/site/settings",
    ] {
        ada.get(path).await.is_not_found();
    }
}

#[tokio::test]
async fn the_settings_of_an_organization_are_its_owners() {
    let server = server().await;
    let api = server.owner();
    let mut owner = Browser::of(&server, &api).await;
    let here = "/app/acme/settings";
    let page = owner.get(here).await.is_ok();
    let fields = [("email", "no address"), ("default-execution-mode", "local")];
    let answer = owner.submit(&page, here, &fields).await;
    let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("general-email-wrong") && text.contains("no address"), "{text}");
    let fields = [
        ("email", "ops@people.example"),
        ("default-execution-mode", "local"),
        ("user-tokens-enabled", "true"),
        ("policy-http-enabled", "true"),
    ];
    assert_eq!(owner.submit(&page, here, &fields).await.redirects(), here);
    let shown = api.get("/organizations/acme").await.is_ok();
    assert_eq!(shown.attribute("email"), "ops@people.example");
    assert_eq!(shown.attribute("default-execution-mode"), "local");
    assert_eq!(shown.attribute("policy-http-enabled"), true);

    let page = owner.get(here).await.is_ok();
    let made = owner.submit(&page, "/app/acme/settings/token", &[]).await.is_ok().text();
    let secret = made.split("<code>").find(|part| part.contains(".atlasv1.")).unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    server.bearer(&secret).get("/organizations/acme/teams").await.is_ok();
    let page = owner.get(here).await.is_ok();
    assert!(!page.text().contains(&secret), "{page}");
    owner.submit(&page, "/app/acme/settings/token/delete", &[]).await.redirects();
    server.bearer(&secret).get("/organizations/acme/teams").await.is_unauthorized();
    let mut member = Browser::of(&server, &server.member()).await;
    member.get(here).await.is_not_found();
}

#[tokio::test]
async fn a_setting_of_the_site_is_decided_where_it_is_shown() {
    let server = server().await;
    let mut admin = Browser::of(&server, &server.site_admin()).await;
    let list = "/app/site/settings";
    let timeout = format!("{list}/plan-timeout");
    let page = admin.get(&timeout).await.is_ok();
    assert!(page.text().contains("Without a decision, it is 2h"), "{page}");
    assert!(!page.text().contains("Back to the default"), "{page}");
    let answer = admin.submit(&page, &timeout, &[("value", "soon")]).await;
    let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("value=\"soon\""), "what was typed stays: {text}");
    assert_eq!(admin.submit(&page, &timeout, &[("value", "3h")]).await.redirects(), list);
    let api = server.site_admin();
    let general = "/admin/general-settings";
    assert_eq!(api.get(general).await.is_ok().attribute("plan-timeout"), "3h");
    let page = admin.get(&timeout).await.is_ok();
    assert!(page.text().contains("Back to the default"), "{page}");
    assert_eq!(admin.submit(&page, &timeout, &[("default", "true")]).await.redirects(), list);
    assert_eq!(api.get(general).await.is_ok().attribute("plan-timeout"), "2h");

    let password = format!("{list}/smtp-password");
    let page = admin.get(&password).await.is_ok();
    assert_eq!(admin.submit(&page, &password, &[("value", "hunter22")]).await.redirects(), list);
    let blank = admin.submit(&page, &password, &[("value", "")]).await;
    assert!(blank.has_status(StatusCode::UNPROCESSABLE_ENTITY).text().contains("blank"));
    for path in [list, &password] {
        let shown = admin.get(path).await.is_ok().text();
        assert!(!shown.contains("hunter22"), "{shown}");
    }
    // What does not fit the others is refused with its reason.
    let enabled = format!("{list}/smtp-enabled");
    let page = admin.get(&enabled).await.is_ok();
    let answer = admin.submit(&page, &enabled, &[("value", "true")]).await;
    answer.has_status(StatusCode::UNPROCESSABLE_ENTITY);
    admin.get(&format!("{list}/colour")).await.is_not_found();
}

#[tokio::test]
async fn a_setting_that_the_process_was_given_is_refused_with_its_reason() {
    let server = Server::start_with(|options| {
        options.router = services;
        let mut given = Given::default();
        given.add("plan-timeout", "10m", "--plan-timeout".into()).unwrap();
        options.settings.site = given;
    })
    .await;
    let mut admin = Browser::of(&server, &server.site_admin()).await;
    let (plan, apply) = ("/app/site/settings/plan-timeout", "/app/site/settings/apply-timeout");
    // Its page has no form: the token of any other one does.
    let page = admin.get(apply).await.is_ok().text();
    let mut fields: BTreeMap<_, _> = hidden_fields(&page, apply).into_iter().collect();
    fields.insert("value".into(), "3h".into());
    let answer = admin.post(plan, &fields).await;
    let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("role=\"alert\"") && text.contains("--plan-timeout"), "{text}");
}

#[tokio::test]
async fn accounts_are_suspended_and_made_administrators_where_they_are_listed() {
    let server = server().await;
    let ada = person(&server, "ada").await.id;
    let mut admin = Browser::of(&server, &server.site_admin()).await;
    let list = "/app/site/users";
    let page = admin.get(list).await.is_ok();
    let of_ada = format!("{list}/{ada}");
    for (word, shown) in [
        ("suspend", "Let in again"),
        ("unsuspend", "Suspend"),
        ("grant", "No administrator"),
        ("revoke", "Make administrator"),
    ] {
        let answer = admin.submit(&page, &of_ada, &[("standing", word)]).await;
        assert_eq!(answer.redirects(), list, "{word}");
        let text = admin.get("/app/site/users?q=ada").await.is_ok().text();
        assert!(text.contains(shown), "{word}: {text}");
    }
    let own = format!("{list}/{}", server.site_admin().user().await.id);
    assert!(
        !page.text().contains(&format!("action=\"{own}\"")),
        "nobody decides about themselves here: {page}"
    );
    let mut fields: BTreeMap<_, _> = hidden_fields(&page.text(), &of_ada).into_iter().collect();
    fields.insert("standing".into(), "revoke".into());
    let answer = admin.post(&own, &fields).await;
    assert!(answer.has_status(StatusCode::CONFLICT).text().contains("Nobody else"));
}

#[tokio::test]
async fn an_administrator_limits_and_deletes_an_organization_on_its_page() {
    let server = server().await;
    let mut admin = Browser::of(&server, &server.site_admin()).await;
    let list = admin.get("/app/site/organizations").await.is_ok().text();
    let here = "/app/site/organizations/acme";
    assert!(list.contains(&format!("href=\"{here}\"")), "{list}");
    let page = admin.get(here).await.is_ok();
    let owner = server.owner().user().await.id.to_string();
    assert!(page.text().contains(&format!("/app/site/users/{owner}")), "{page}");
    assert_eq!(admin.submit(&page, here, &[("workspace-limit", "3")]).await.redirects(), here);
    let api = server.site_admin();
    let limit =
        async || api.get("/admin/organizations/acme").await.is_ok().attribute("workspace-limit");
    assert_eq!(limit().await, 3);
    let answer = admin.submit(&page, here, &[("workspace-limit", "many")]).await;
    let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("limit-workspace-limit-wrong") && text.contains("many"), "{text}");
    admin.submit(&page, here, &[("workspace-limit", "")]).await.redirects();
    assert!(limit().await.is_null());

    let delete = format!("{here}/delete");
    let answer = admin.submit(&page, &delete, &[("confirm", "Acme")]).await;
    let text = answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text();
    assert!(text.contains("delete-confirm-wrong"), "{text}");
    admin.get(here).await.is_ok();
    let gone = admin.submit(&page, &delete, &[("confirm", "acme")]).await.redirects();
    assert_eq!(gone, "/app/site/organizations");
    admin.get(here).await.is_not_found();
}

#[tokio::test]
async fn an_administrator_cancels_a_run_that_does_not_go_on() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let id = run(&server, &ws).await;
    let mut admin = Browser::of(&server, &server.site_admin()).await;
    let page = admin.get("/app/site/runs").await.is_ok();
    let path = format!("/app/site/runs/{id}/force-cancel");
    assert_eq!(admin.submit(&page, &path, &[]).await.redirects(), "/app/site/runs");
    let shown = server.owner().get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(shown.attribute("status"), "canceled");
    let answer = admin.submit(&page, &path, &[]).await;
    let text = answer.has_status(StatusCode::CONFLICT).text();
    assert!(text.contains("The run is over"), "{text}");
}

#[tokio::test]
async fn an_account_is_deleted_on_its_page_unless_it_owns_something_alone() {
    let server = server().await;
    person(&server, "ada").await;
    let mut admin = Browser::of(&server, &server.site_admin()).await;
    let list = "/app/site/users";
    let page_of = |id: &str| format!("{list}/{id}");
    let found = server.site_admin().get("/admin/users?q=ada").await.is_ok();
    let ada = page_of(found.data()[0]["id"].as_str().unwrap());
    let page = admin.get(&ada).await.is_ok();
    assert!(page.text().contains("ada@people.example"), "{page}");
    assert_eq!(admin.submit(&page, &format!("{ada}/delete"), &[]).await.redirects(), list);
    admin.get(&ada).await.is_not_found();
    let owner = page_of(server.owner().user().await.id.as_str());
    let page = admin.get(&owner).await.is_ok();
    let answer = admin.submit(&page, &format!("{owner}/delete"), &[]).await;
    let text = answer.has_status(StatusCode::CONFLICT).text();
    assert!(text.contains("is the only owner of acme"), "{text}");
}
