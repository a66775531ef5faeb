//! What a workspace has around it: tags, teams, notifications, run triggers, shared state, a key, retention, a schedule,
//! a project.

use axum::{Router, http::StatusCode as Code, routing::post};
use domain::row::Workspace;
use http::StatusCode;
use serde_json::json;
use testkit::{Answer, Client, Server};
use tokio::net::TcpListener;

use crate::{
    browser::{Browser, server, services},
    world::resource,
};

const WORKSPACE: &str = "/app/acme/workspaces/networking";

fn of(part: &str) -> String {
    format!("{WORKSPACE}/settings/{part}")
}

/// Sends a form of the page at `here` and follows where it leads.
async fn done(
    browser: &mut Browser<'_>,
    here: &str,
    action: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let page = browser.get(here).await.is_ok();
    let to = browser.submit(&page, action, fields).await.redirects();
    browser.get(&to).await.is_ok()
}

/// Refused with the page of the form.
async fn refused(
    browser: &mut Browser<'_>,
    here: &str,
    action: &str,
    fields: &[(&str, &str)],
) -> String {
    let page = browser.get(here).await.is_ok();
    let answer = browser.submit(&page, action, fields).await;
    answer.has_status(StatusCode::UNPROCESSABLE_ENTITY).text()
}

async fn made() -> (Server, Workspace) {
    let server = Box::pin(server()).await;
    let ws = Box::pin(server.workspace("networking")).await;
    Box::pin(server.workspace("storage")).await;
    (server, ws)
}

async fn workspace(api: &Client<'_>, ws: &Workspace) -> Answer {
    api.get(format!("/workspaces/{}", ws.id)).await.is_ok()
}

#[tokio::test]
async fn tags_are_lines_and_a_key_without_a_value_stays_a_key() {
    let (server, ws) = made().await;
    let api = server.owner();
    let mut owner = Browser::of(&server, &api).await;
    let here = of("tags");
    let page = done(&mut owner, &here, &here, &[("tags", "network\r\n team = core \r\n")]).await;
    assert!(page.text().contains("network\nteam = core"), "{page}");
    let path = format!("/workspaces/{}/tag-bindings", ws.id);
    api.patch(&path, json!({ "data": [{ "type": "tag-bindings", "attributes": { "key": "plain", "value": "" } }] }))
        .await
        .is_ok();
    done(&mut owner, &here, &here, &[("tags", "plain\nteam = edge")]).await;
    let shown = api.get(&path).await.is_ok();
    let data = shown.data();
    let mut all: Vec<_> = data.as_array().unwrap().iter().collect();
    all.sort_by_key(|one| one["attributes"]["key"].to_string());
    let all: Vec<_> = all
        .iter()
        .map(|one| (one["attributes"]["key"].as_str(), one["attributes"]["value"].as_str()))
        .collect();
    assert_eq!(all, [(Some("plain"), Some("")), (Some("team"), Some("edge"))]);
    let text = refused(&mut owner, &here, &here, &[("tags", "a,b")]).await;
    assert!(text.contains("no comma") && text.contains("a,b"), "{text}");
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let text = reader.get(&here).await.is_ok().text();
    assert!(text.contains("team = edge") && !text.contains("<textarea"), "{text}");
}

#[tokio::test]
async fn a_team_is_let_in_gets_other_rights_and_loses_them() {
    let (server, ws) = made().await;
    let api = server.owner();
    let new = resource("teams", &json!({ "name": "crew-1", "visibility": "organization" }));
    let team = api.post("/organizations/acme/teams", new).await.is_created().id();
    let mut owner = Browser::of(&server, &api).await;
    let here = of("access");
    let wrong = refused(&mut owner, &here, &here, &[("team", &team), ("access", "king")]).await;
    assert!(wrong.contains("access-access-wrong"), "{wrong}");
    let page = done(&mut owner, &here, &here, &[("team", &team), ("access", "plan")]).await.text();
    assert!(page.contains("crew-1") && page.contains("start runs that somebody else"), "{page}");
    let one = page.split("href=\"").find(|part| part.starts_with(&format!("{here}/tws-"))).unwrap();
    let one = one.split('"').next().unwrap().to_owned();
    let fields = [
        ("access", "custom"),
        ("runs", "apply"),
        ("variables", "none"),
        ("state-versions", "read-outputs"),
        ("workspace-locking", "true"),
    ];
    done(&mut owner, &one, &one, &fields).await;
    let id = one.rsplit('/').next().unwrap();
    let held = api.get(format!("/team-workspaces/{id}")).await.is_ok();
    assert_eq!(held.attribute("access"), "custom");
    assert_eq!(held.attribute("runs"), "apply");
    assert_eq!(held.attribute("state-versions"), "read-outputs");
    assert_eq!(held.attribute("workspace-locking"), true);
    assert_eq!(held.attribute("run-tasks"), false);
    // Under the name of another workspace it is not found.
    owner.get(&one.replace("networking", "storage")).await.is_not_found();
    let delete = format!("{one}/delete");
    let page = done(&mut owner, &one, &delete, &[]).await.text();
    assert!(!page.contains("/tws-"), "{page}");
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let text = reader.get(&here).await.is_ok().text();
    assert!(!text.contains("Let a team in"), "{text}");
}

/// A program that takes what it is sent at `/hook`, and refuses it at `/closed`.
async fn recipient() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/hook", post(|| async { "taken <so>" }))
        .route("/closed", post(|| async { (Code::GONE, "never") }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_notification_is_tried_out_and_shows_what_was_answered_but_never_its_address() {
    let server = Server::start_with(|options| {
        options.router = services;
        options.courier.networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let ws = Box::pin(server.workspace("networking")).await;
    Box::pin(server.workspace("storage")).await;
    let url = recipient().await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let here = of("notifications");
    let hook = format!("{url}/hook?secret=hunter3");
    let fields = [
        ("name", "pager"),
        ("destination-type", "generic"),
        ("url", &hook),
        ("token", "hunter2"),
        ("run:errored", "true"),
    ];
    let page = done(&mut owner, &here, &here, &fields).await;
    assert!(page.text().contains("It is off") && !page.text().contains("hunter"), "{page}");
    let list = owner.get(&here).await.is_ok().text();
    assert!(list.contains("A run has failed") && !list.contains("hunter"), "{list}");
    let one = list.split("href=\"").find(|part| part.starts_with(&format!("{here}/nc-"))).unwrap();
    let one = one.split('"').next().unwrap().to_owned();
    owner.get(&one.replace("networking", "storage")).await.is_not_found();

    let page = done(&mut owner, &one, &format!("{one}/verify"), &[]).await.text();
    assert!(page.contains("A test") && page.contains("taken, 200"), "{page}");
    assert!(page.contains("taken &lt;so&gt;") && !page.contains("hunter"), "{page}");
    // What is left empty stays: it is turned on by a trial with the address and the token that it has.
    let on = [("name", "pager"), ("run:created", "true"), ("enabled", "true")];
    let page = done(&mut owner, &one, &one, &on).await.text();
    assert!(!page.contains("It is off"), "{page}");
    let id = one.rsplit('/').next().unwrap();
    let shown = server.owner().get(format!("/notification-configurations/{id}")).await.is_ok();
    assert_eq!(shown.attribute("url"), hook);
    assert_eq!(shown.attribute("triggers"), json!(["run:created"]));

    let closed = format!("{url}/closed");
    let off = [("name", "pager"), ("url", closed.as_str())];
    done(&mut owner, &one, &one, &off).await;
    let page = owner.get(&one).await.is_ok();
    let answer = owner.submit(&page, &format!("{one}/verify"), &[]).await;
    let text = answer.has_status(StatusCode::BAD_REQUEST).text();
    assert!(text.contains("refused, 410") && text.contains("role=\"alert\""), "{text}");
    done(&mut owner, &one, &format!("{one}/delete"), &[]).await;
    owner.get(&one).await.is_not_found();
    let mut writer = Browser::of(&server, &server.writer(&ws)).await;
    writer.get(&here).await.is_not_found();
    let page = writer.get(&of("tags")).await.is_ok().text();
    assert!(!page.contains(&here), "{page}");
}

#[tokio::test]
async fn runs_follow_the_applies_of_workspaces_that_are_named() {
    let (server, ws) = made().await;
    let api = server.owner();
    let mut owner = Browser::of(&server, &api).await;
    let here = of("run-triggers");
    for (name, why) in [("nowhere", "no such workspace"), ("networking", "its own source")] {
        let text = refused(&mut owner, &here, &here, &[("sourceable", name)]).await;
        assert!(text.contains("trigger-sourceable-wrong") && text.contains(why), "{text}");
    }
    let page = done(&mut owner, &here, &here, &[("sourceable", "Storage")]).await.text();
    let delete = page.split("action=\"").find(|part| part.contains("/rt-")).unwrap();
    let delete = delete.split('"').next().unwrap().to_owned();
    let other = "/app/acme/workspaces/storage/settings/run-triggers";
    let page = owner.get(other).await.is_ok().text();
    assert!(page.contains("Its applies start runs in") && page.contains(WORKSPACE), "{page}");
    let alone = format!("{WORKSPACE}/settings/triggered-runs");
    done(&mut owner, &here, &alone, &[("auto-apply-run-trigger", "true")]).await;
    assert_eq!(workspace(&api, &ws).await.attribute("auto-apply-run-trigger"), true);
    // It is managed where the runs start.
    let page = owner.get(&here).await.is_ok();
    let elsewhere = delete.replace("/networking/", "/storage/");
    let fields = crate::browser::hidden_fields(&page.text(), &delete).into_iter().collect();
    owner.post(&elsewhere, &fields).await.is_not_found();
    let page = done(&mut owner, &here, &delete, &[]).await.text();
    assert!(page.contains("No other workspace starts runs here"), "{page}");
}

#[tokio::test]
async fn a_state_is_shared_with_whom_it_says() {
    let (server, ws) = made().await;
    let api = server.owner();
    let mut owner = Browser::of(&server, &api).await;
    let here = of("state-sharing");
    done(&mut owner, &here, &here, &[("shared", "named")]).await;
    let add = format!("{here}/consumers");
    for (name, why) in [("nowhere", "no such workspace"), ("networking", "consumer of itself")] {
        let text = refused(&mut owner, &here, &add, &[("consumer", name)]).await;
        assert!(text.contains("consumer-consumer-wrong") && text.contains(why), "{text}");
    }
    let page = done(&mut owner, &here, &add, &[("consumer", "storage")]).await.text();
    let id = page.split("value=\"ws-").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let remove = format!("{here}/consumers/remove");
    let page = done(&mut owner, &here, &remove, &[("id", &format!("ws-{id}"))]).await.text();
    assert!(page.contains("None that you may see"), "{page}");
    for (choice, global, project) in [("project", false, true), ("organization", true, false)] {
        let page = done(&mut owner, &here, &here, &[("shared", choice)]).await.text();
        assert!(!page.contains("May read it"), "{page}");
        let shown = workspace(&api, &ws).await;
        assert_eq!(shown.attribute("global-remote-state"), global, "{choice}");
        assert!(shown.attribute("setting-overwrites").is_object(), "{shown}");
        assert_eq!(shown.attribute("project-remote-state"), project, "{choice}");
    }
    let text = refused(&mut owner, &here, &here, &[("shared", "world")]).await;
    assert!(text.contains("Its state is shared"), "{text}");
}

#[tokio::test]
async fn a_key_is_chosen_and_what_is_old_is_deleted_as_it_says() {
    let (server, ws) = made().await;
    let api = server.owner();
    let new = resource("ssh-keys", &json!({ "name": "deploy", "value": "not a real key" }));
    let key = api.post("/organizations/acme/ssh-keys", new).await.is_created().id();
    let mut owner = Browser::of(&server, &api).await;
    let here = of("ssh-key");
    let page = done(&mut owner, &here, &here, &[("ssh-key", &key)]).await.text();
    assert!(page.contains(&format!("<option value=\"{key}\" selected>deploy")), "{page}");
    done(&mut owner, &here, &here, &[("ssh-key", "")]).await;
    assert!(workspace(&api, &ws).await.data()["relationships"]["ssh-key"]["data"].is_null());

    let here = of("retention");
    let text = refused(
        &mut owner,
        &here,
        &here,
        &[("rule", "delete"), ("delete-older-than-n-days", "many")],
    )
    .await;
    assert!(text.contains("retention-delete-older-than-n-days-wrong"), "{text}");
    assert!(text.contains("value=\"many\""), "{text}");
    let fields = [("rule", "delete"), ("delete-older-than-n-days", "30")];
    let page = done(&mut owner, &here, &here, &fields).await.text();
    assert!(page.contains("value=\"30\"") && page.contains("value=\"delete\" checked"), "{page}");
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let page = reader.get(&here).await.is_ok().text();
    assert!(page.contains("older than 30 days") && !page.contains("name=\"rule\""), "{page}");
    for _ in 0..2 {
        let page = done(&mut owner, &here, &here, &[("rule", "")]).await.text();
        assert!(page.contains("everything is kept"), "{page}");
    }
}

#[tokio::test]
async fn destruction_is_scheduled_for_a_time_or_for_when_nothing_happens() {
    let (server, ws) = made().await;
    let api = server.owner();
    let mut owner = Browser::of(&server, &api).await;
    let here = of("destruction");
    for (fields, field) in [
        ([("when", "at"), ("auto-destroy-at", "soon")], "auto-destroy-at"),
        ([("when", "at"), ("auto-destroy-at", "2001-01-01T10:00")], "auto-destroy-at"),
        (
            [("when", "idle"), ("auto-destroy-activity-duration", "14 weeks")],
            "auto-destroy-activity-duration",
        ),
    ] {
        let text = refused(&mut owner, &here, &here, &fields).await;
        assert!(text.contains(&format!("schedule-{field}-wrong")), "{text}");
    }
    let fields = [("when", "at"), ("auto-destroy-at", "2091-01-01T10:00")];
    let page = done(&mut owner, &here, &here, &fields).await.text();
    assert!(page.contains("value=\"2091-01-01T10:00\""), "{page}");
    let at = workspace(&api, &ws).await.attribute("auto-destroy-at").clone();
    assert_eq!(at, "2091-01-01T10:00:00.000Z");
    let fields = [("when", "idle"), ("auto-destroy-activity-duration", "14d")];
    done(&mut owner, &here, &here, &fields).await;
    let shown = workspace(&api, &ws).await;
    assert_eq!(shown.attribute("auto-destroy-activity-duration"), "14d");
    let page = done(&mut owner, &here, &here, &[("when", "never")]).await.text();
    assert!(page.contains("Nothing is scheduled"), "{page}");
    let shown = workspace(&api, &ws).await;
    assert!(shown.attribute("auto-destroy-at").is_null(), "{shown}");
    assert_eq!(shown.attribute("inherits-project-auto-destroy"), false);
}

#[tokio::test]
async fn a_workspace_moves_to_a_project_that_the_visitor_may_put_it_into() {
    let (server, ws) = made().await;
    let api = server.owner();
    let to = server.project("estate").await;
    let mut owner = Browser::of(&server, &api).await;
    let here = format!("{WORKSPACE}/settings");
    let action = format!("{WORKSPACE}/move");
    let page = done(&mut owner, &here, &action, &[("project", to.id.as_str())]).await.text();
    assert!(page.contains("It is in <b>estate</b>"), "{page}");
    let shown = workspace(&api, &ws).await;
    assert_eq!(shown.data()["relationships"]["project"]["data"]["id"], to.id.as_str());
    let mut admin = Browser::of(&server, &server.admin_of(&ws)).await;
    let page = admin.get(&here).await.is_ok().text();
    assert!(!page.contains(&action), "{page}");
}
