//! States: their versions, their outputs, and what is not shown of them.

use axum::body::{Body, Bytes};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::row::Workspace;
use futures::{SinkExt, channel::mpsc};
use http::StatusCode;
use md5::{Digest, Md5};
use serde_json::json;
use testkit::{Blob, Client};

use crate::{
    browser::{Browser, server},
    world::{resource, state},
};

const HERE: &str = "/app/acme/workspaces/networking/states";

#[tokio::test]
async fn a_version_shows_its_outputs_but_no_sensitive_one() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let id = state(&server.owner(), &ws).await;
    let mut owner = Browser::of(&server, &server.owner()).await;
    let list = owner.get(HERE).await.is_ok().text();
    assert!(list.contains(&format!("{HERE}/{id}")) && list.contains("current"), "{list}");
    for path in [format!("{HERE}/{id}"), "/app/acme/workspaces/networking".into()] {
        let text = owner.get(&path).await.is_ok().text();
        assert!(text.contains("colour") && text.contains("blue"), "{text}");
        assert!(text.contains("password") && !text.contains("hunter2"), "{text}");
    }
    server.workspace("other").await;
    owner.get(&format!("/app/acme/workspaces/other/states/{id}")).await.is_not_found();
}

#[tokio::test]
async fn a_state_is_downloaded_from_the_page_by_whoever_may_read_it() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let id = state(&server.owner(), &ws).await;
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let text = reader.get(&format!("{HERE}/{id}")).await.is_ok().text();
    let link = text.split("href=\"").find(|part| part.starts_with("/_archivist/")).unwrap();
    let link = link.split('"').next().unwrap();
    let state = reader.get(link).await.is_ok().text();
    assert!(state.contains("\"lineage\":\"7f9e8d6c-1a2b\""), "{state}");
    let mut custom = Browser::of(&server, &server.custom_in(&ws)).await;
    custom.get(HERE).await.is_not_found();
    custom.get(&format!("{HERE}/{id}")).await.is_not_found();
}

/// A state with one resource, `a.b`, of this size and with this password, in both forms.
async fn stated(
    owner: &Client<'_>,
    ws: &Workspace,
    serial: i64,
    size: i64,
    password: &str,
) -> String {
    let state = json!({ "version": 4, "terraform_version": "1.9.0", "serial": serial,
        "lineage": "7f9e8d6c-1a2b", "outputs": {}, "resources": [{ "mode": "managed", "type": "a",
        "name": "b", "provider": "provider[\"example.com/x/a\"]", "instances": [{ "attributes": {
        "size": size, "password": password } }] }] })
    .to_string();
    let shown = json!({ "format_version": "1.0", "values": { "root_module": { "resources": [{
        "address": "a.b", "mode": "managed", "type": "a", "name": "b",
        "values": { "size": size, "password": password },
        "sensitive_values": { "password": true } }] } } });
    let new = json!({
        "serial": serial, "lineage": "7f9e8d6c-1a2b", "md5": hex::encode(Md5::digest(&state)),
        "state": STANDARD.encode(&state), "json-state": STANDARD.encode(shown.to_string()),
    });
    let path = format!("/workspaces/{}/state-versions", ws.id);
    owner.post(path, resource("state-versions", &new)).await.is_created().id()
}

#[tokio::test]
async fn two_versions_are_compared_without_what_is_sensitive() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    owner.post(format!("/workspaces/{}/actions/lock", ws.id), ()).await.is_ok();
    let one = stated(&owner, &ws, 1, 200, "hunter2").await;
    let two = stated(&owner, &ws, 2, 400, "hunter3").await;
    let mut browser = Browser::of(&server, &owner).await;
    let page = browser.get(&format!("{HERE}/{two}")).await.is_ok().text();
    assert!(page.contains(&format!("{HERE}/{two}/compare")), "{page}");
    let text = browser.get(&format!("{HERE}/{two}/compare?from={one}")).await.is_ok().text();
    for said in ["From serial 1 to 2", "200", "400", "sensitive", "password", "changed"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("hunter"), "{text}");
    let before = browser.get(&format!("{HERE}/{two}/compare")).await.is_ok().text();
    assert!(before.contains("From serial 1 to 2"), "{before}");
    let same = browser.get(&format!("{HERE}/{two}/compare?from={two}")).await.is_ok().text();
    assert!(same.contains("Nothing differs"), "{same}");
    // With none of another workspace.
    let other = server.workspace("other").await;
    let foreign = state(&owner, &other).await;
    for from in ["nonsense", "sv-1111111111111111", &foreign] {
        browser.get(&format!("{HERE}/{two}/compare?from={from}")).await.is_not_found();
    }
    let mut custom = Browser::of(&server, &server.custom_in(&ws)).await;
    custom.get(&format!("{HERE}/{two}/compare?from={one}")).await.is_not_found();
}

#[tokio::test]
async fn whoever_holds_the_lock_goes_back_to_an_earlier_version() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let lock = |what: &str| format!("/workspaces/{}/actions/{what}", ws.id);
    owner.post(lock("lock"), ()).await.is_ok();
    let one = stated(&owner, &ws, 1, 200, "hunter2").await;
    let two = stated(&owner, &ws, 2, 400, "hunter3").await;
    let mut browser = Browser::of(&server, &owner).await;
    let page = browser.get(&format!("{HERE}/{one}")).await.is_ok();
    assert!(page.text().contains("Go back to serial 1"), "{page}");
    let current = browser.get(&format!("{HERE}/{two}")).await.is_ok().text();
    assert!(!current.contains("Go back to"), "{current}");
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    assert!(!reader.get(&format!("{HERE}/{one}")).await.is_ok().text().contains("Go back to"));

    // Without the lock there is no button, and sending the form all the same changes nothing.
    owner.post(lock("unlock"), ()).await.is_ok();
    let unlocked = browser.get(&format!("{HERE}/{one}")).await.is_ok().text();
    assert!(unlocked.contains("lock it") && !unlocked.contains("/rollback\""), "{unlocked}");
    let rollback = format!("{HERE}/{one}/rollback");
    browser.submit(&page, &rollback, &[]).await.is_conflict();
    let shown = owner.get(format!("/workspaces/{}/current-state-version", ws.id)).await;
    assert_eq!(shown.attribute("serial"), 2);

    owner.post(lock("lock"), ()).await.is_ok();
    let to = browser.submit(&page, &rollback, &[]).await.redirects();
    assert!(to.starts_with(HERE), "{to}");
    let shown = owner.get(format!("/workspaces/{}/current-state-version", ws.id)).await;
    assert_eq!(shown.attribute("serial"), 3);
    let text = browser.get(&format!("{to}/compare?from={one}")).await.is_ok().text();
    assert!(text.contains("only shown which differ") && text.contains("Nothing differs"), "{text}");
}

/// As a browser sends a form with a file.
async fn sends(
    browser: &mut Browser<'_>,
    token: &str,
    state: &str,
    force: bool,
) -> testkit::Answer {
    send(browser, form(token, state, force)).await
}

fn form(token: &str, state: &str, force: bool) -> String {
    let mut body = format!(
        "--cut\r\ncontent-disposition: form-data; name=\"form_token\"\r\n\r\n{token}\r\n\
         --cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"terraform.tfstate\"\r\n\r\n{state}\r\n"
    );
    if force {
        body += "--cut\r\ncontent-disposition: form-data; name=\"force\"\r\n\r\ntrue\r\n";
    }
    body + "--cut--\r\n"
}

async fn send(browser: &mut Browser<'_>, body: impl Into<Body>) -> testkit::Answer {
    let kind = "multipart/form-data; boundary=cut".parse().unwrap();
    browser.headers.insert(http::header::CONTENT_TYPE, kind);
    let answer = browser.send(http::Method::POST, UPLOAD, body).await;
    browser.headers.remove(http::header::CONTENT_TYPE);
    answer
}

const UPLOAD: &str = "/app/acme/workspaces/networking/upload-state";

#[tokio::test]
async fn a_state_is_uploaded_by_whoever_has_locked_the_workspace_if_it_follows_on() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    state(&api, &ws).await;
    let mut owner = Browser::of(&server, &api).await;
    let page = owner.get(UPLOAD).await.is_ok().text();
    assert!(page.contains("lock it") && !page.contains("multipart"), "{page}");
    assert!(owner.get(HERE).await.is_ok().text().contains(UPLOAD));
    api.post(format!("/workspaces/{}/actions/lock", ws.id), ()).await.is_ok();
    let page = owner.get(UPLOAD).await.is_ok().text();
    let token = crate::browser::hidden_fields(&page, UPLOAD)[0].1.clone();
    let text = |serial: i64, lineage: &str, output: &str| {
        json!({ "version": 4, "terraform_version": "1.9.0", "serial": serial, "lineage": lineage,
            "outputs": { "colour": { "value": output, "type": "string" } }, "resources": [] })
        .to_string()
    };
    let before = server.row_counts().await;
    // Not ours, no state, nothing, and what does not follow on.
    sends(&mut owner, "x", &text(2, "7f9e8d6c-1a2b", "red"), false)
        .await
        .has_status(StatusCode::FORBIDDEN);
    for wrong in ["", "{}", "[1"] {
        sends(&mut owner, &token, wrong, false).await.has_status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let other = text(2, "another", "red");
    let answer = sends(&mut owner, &token, &other, false).await;
    let shown = answer.has_status(StatusCode::CONFLICT).text();
    assert!(shown.contains("role=\"alert\"") && shown.contains("multipart"), "{shown}");
    assert_eq!(server.row_counts().await, before);

    let next = text(2, "7f9e8d6c-1a2b", "red");
    let to = sends(&mut owner, &token, &next, false).await.redirects();
    assert!(owner.get(&to).await.is_ok().text().contains("red"));
    let current = api.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_ok();
    assert_eq!(current.attribute("serial"), 2);
    sends(&mut owner, &token, &other, true).await.redirects();
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    reader.get(UPLOAD).await.is_not_found();
    let page = reader.get(HERE).await.is_ok().text();
    assert!(!page.contains(UPLOAD), "{page}");
}

#[tokio::test]
async fn who_signs_out_while_a_state_is_on_its_way_makes_no_version() {
    let server = server().await;
    let ws = server.workspace("networking").await;
    let api = server.owner();
    api.post(format!("/workspaces/{}/actions/lock", ws.id), ()).await.is_ok();
    let mut owner = Browser::of(&server, &api).await;
    let page = owner.get(UPLOAD).await.is_ok().text();
    let token = crate::browser::hidden_fields(&page, UPLOAD)[0].1.clone();
    let state = json!({ "version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "l",
        "outputs": {}, "resources": [] });
    let body = form(&token, &state.to_string(), false);
    let (first, rest) = body.split_at(body.len() / 2);
    // What is sent has been taken when sending is over.
    let (mut sender, parts) = mpsc::channel::<std::io::Result<Bytes>>(0);
    let sending = async {
        sender.send(Ok(first.to_owned().into())).await.unwrap();
        sender.send(Ok(Bytes::new())).await.unwrap();
        server.execute("DELETE FROM sessions").await;
        sender.send(Ok(rest.to_owned().into())).await.unwrap();
        drop(sender);
    };
    let (answer, ()) = tokio::join!(send(&mut owner, Body::from_stream(parts)), sending);
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer}");
    api.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_not_found();
    assert_eq!(server.count_blobs(Blob::State).await, 0);
}
