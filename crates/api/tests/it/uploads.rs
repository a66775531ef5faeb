//! Uploads that take their time: what has changed meanwhile counts, and who hangs up leaves nothing behind.

use std::time::Duration;

use axum::body::Body;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::row::Workspace;
use futures::{SinkExt, channel::mpsc};
use http::{Method, Request, StatusCode};
use serde_json::json;
use testkit::{Answer, Blob, Client, Server};

use crate::states::{announce, content_of, lock, versions, whole};

/// The body of a request of which the test decides when its parts come.
fn slow(method: Method, path: &str) -> (mpsc::Sender<std::io::Result<Bytes>>, Request<Body>) {
    // What is sent has been taken when sending is over.
    let (sender, parts) = mpsc::channel(0);
    let request = Request::builder()
        .method(method)
        .uri(path.trim_start_matches("https://statehouse.test"))
        .header("content-type", "application/vnd.api+json");
    (sender, request.body(Body::from_stream(parts)).unwrap())
}

/// Sends a body while `meanwhile` happens in its middle.
async fn sent(
    client: &Client<'_>,
    method: Method,
    path: &str,
    body: &str,
    meanwhile: impl Future<Output = ()>,
) -> Answer {
    let (mut sender, request) = slow(method, path);
    let (first, rest) = body.split_at(body.len() / 2);
    let sending = async {
        sender.send(Ok(Bytes::copy_from_slice(first.as_bytes()))).await.unwrap();
        sender.send(Ok(Bytes::new())).await.unwrap();
        meanwhile.await;
        sender.send(Ok(Bytes::copy_from_slice(rest.as_bytes()))).await.unwrap();
        drop(sender);
    };
    let (answer, ()) = tokio::join!(client.request(request), sending);
    answer
}

async fn no_version(server: &Server, ws: &Workspace) {
    let owner = server.owner();
    let current = format!("/workspaces/{}/current-state-version", ws.id);
    owner.get(current).await.is_not_found();
}

/// What takes the right away from whoever uploads, and what that is answered with.
async fn changes(client: &Client<'_>) -> [(String, StatusCode); 4] {
    let user = client.user().await.id;
    [
        (format!("DELETE FROM tokens WHERE user_id = '{user}'"), StatusCode::UNAUTHORIZED),
        ("DELETE FROM team_workspaces".into(), StatusCode::NOT_FOUND),
        (format!("DELETE FROM team_memberships WHERE user_id = '{user}'"), StatusCode::NOT_FOUND),
        (
            "UPDATE workspaces SET lock_holder_id = 'user-0123456789abcdef'".into(),
            StatusCode::CONFLICT,
        ),
    ]
}

#[tokio::test]
async fn who_may_not_write_any_more_when_the_state_is_there_makes_no_version() {
    for case in 0..4 {
        let server = Server::start().await;
        let ws = server.workspace("networking").await;
        let writer = server.admin_of(&ws);
        lock(&writer, &ws).await;
        let (change, expected) = changes(&writer).await[case].clone();
        let body = whole(1, &content_of(1)).to_string();
        let path = format!("/api/v2{}", versions(&ws));
        let answer = sent(&writer, Method::POST, &path, &body, server.execute(&change)).await;
        assert_eq!(answer.status, expected, "{change}: {answer}");
        no_version(&server, &ws).await;
        assert_eq!(server.count_blobs(Blob::State).await, 0, "{change}");
    }
}

#[tokio::test]
async fn neither_does_who_uploads_to_an_address() {
    for case in 0..4 {
        let server = Server::start().await;
        let ws = server.workspace("networking").await;
        let writer = server.admin_of(&ws);
        let announced = announce(&writer, &ws, 1).await;
        let address = announced.attribute("hosted-state-upload-url").as_str().unwrap().to_owned();
        let (change, expected) = changes(&writer).await[case].clone();
        // At an address they are all strangers.
        let expected =
            if expected == StatusCode::UNAUTHORIZED { StatusCode::NOT_FOUND } else { expected };
        let change = server.execute(&change);
        let nobody = server.nobody();
        let answer = sent(&nobody, Method::PUT, &address, &content_of(1), change).await;
        assert_eq!(answer.status, expected, "{case}: {answer}");
        no_version(&server, &ws).await;
        assert_eq!(server.count_blobs(Blob::State).await, 0, "{case}");
    }
}

#[tokio::test]
async fn whose_lock_is_taken_away_meanwhile_is_told_so() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let writer = server.admin_of(&ws);
    let announced = announce(&writer, &ws, 1).await;
    let address = announced.attribute("hosted-state-upload-url").as_str().unwrap().to_owned();
    let unlocking = async {
        server
            .owner()
            .post(format!("/workspaces/{}/actions/force-unlock", ws.id), ())
            .await
            .is_ok();
    };
    let nobody = server.nobody();
    let answer = sent(&nobody, Method::PUT, &address, &content_of(1), unlocking).await;
    let said = answer.is_conflict().json();
    assert_eq!(said["errors"][0]["status"], "409", "{said}");
    let detail = said["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("lock of its workspace was taken away"), "{detail}");
    // Once somebody else has written, that is the reason.
    crate::states::push(&server.owner(), &ws, 1).await;
    let answer = nobody.put(&address, content_of(1)).await.is_conflict().text();
    assert!(answer.contains("superseded by a newer one"), "{answer}");
    assert_eq!(server.count_blobs(Blob::State).await, 1);
}

#[tokio::test]
async fn so_is_who_uploads_the_other_form_of_a_state() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let announced = announce(&server.admin_of(&ws), &ws, 1).await;
    let address = announced.attribute("hosted-json-state-upload-url").as_str().unwrap().to_owned();
    let nobody = server.nobody();
    let change = server.execute("DELETE FROM team_workspaces");
    sent(&nobody, Method::PUT, &address, r#"{"format_version":"1.0"}"#, change)
        .await
        .is_not_found();
    assert_eq!(server.count_blobs(Blob::JsonState).await, 0);
}

#[tokio::test]
async fn who_may_not_write_any_more_changes_no_policy() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let manager = server.policy_manager();
    let new = json!({ "data": { "type": "policies", "attributes": {
        "name": "one", "kind": "opa", "query": "data.one.deny", "enforcement-level": "advisory" } } });
    let path = format!("/organizations/{}/policies", ws.organization_name);
    let policy = manager.post(path, new).await.is_created();
    let path = format!("/api/v2/policies/{}/upload", policy.id());
    let user = manager.user().await.id;
    let change = format!("DELETE FROM team_memberships WHERE user_id = '{user}'");
    let code = "package one\ndeny contains 1 if false\n";
    let answer = sent(&manager, Method::PUT, &path, code, server.execute(&change)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{answer}");
    assert_eq!(server.count_blobs(Blob::PolicyCode).await, 0);
}

#[tokio::test]
async fn nor_who_uploads_a_configuration() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let planner = server.planner(&ws);
    let new = json!({ "data": { "type": "configuration-versions",
        "attributes": { "auto-queue-runs": false } } });
    let path = format!("/workspaces/{}/configuration-versions", ws.id);
    let made = planner.post(path, new).await.is_created();
    let address = made.attribute("upload-url").as_str().unwrap().to_owned();
    let change = server.execute("DELETE FROM team_workspaces");
    // The beginning of a gzip stream.
    let (mut sender, request) = slow(Method::PUT, &address);
    let sending = async {
        sender.send(Ok(Bytes::from_static(b"\x1f\x8b\x08\0\0"))).await.unwrap();
        sender.send(Ok(Bytes::new())).await.unwrap();
        change.await;
        sender.send(Ok(Bytes::from_static(b"\0\0\0\0\0"))).await.unwrap();
        drop(sender);
    };
    let nobody = server.nobody();
    let (answer, ()) = tokio::join!(nobody.request(request), sending);
    answer.is_not_found();
    let shown = server.owner().get(format!("/configuration-versions/{}", made.id())).await.is_ok();
    assert_eq!(shown.attribute("status"), "pending");
    assert_eq!(server.count_blobs(Blob::Configuration).await, 0);
}

#[tokio::test]
async fn who_may_not_replace_a_configuration_any_more_leaves_the_one_that_is_there() {
    // The beginning of a gzip stream.
    let archive = |more: &[u8]| [&b"\x1f\x8b"[..], more].concat();
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let planner = server.planner(&ws);
    let new = json!({ "data": { "type": "configuration-versions",
        "attributes": { "auto-queue-runs": false } } });
    let path = format!("/workspaces/{}/configuration-versions", ws.id);
    let made = planner.post(path, new).await.is_created();
    let address = made.attribute("upload-url").as_str().unwrap().to_owned();
    let nobody = server.nobody();
    nobody.put(&address, archive(b"first")).await.is_ok();
    let here = format!("/configuration-versions/{}", made.id());
    let (owner, user) = (server.owner(), planner.user().await.id);
    let before = owner.get(&here).await.is_ok().json();
    let change = format!("UPDATE users SET is_suspended = TRUE WHERE id = '{user}'");
    let (mut sender, request) = slow(Method::PUT, &address);
    let sending = async {
        sender.send(Ok(archive(b"sec").into())).await.unwrap();
        sender.send(Ok(Bytes::new())).await.unwrap();
        // Until its end it is only on its way.
        assert_eq!(owner.get(&here).await.is_ok().attribute("status"), "uploaded");
        server.execute(&change).await;
        sender.send(Ok(Bytes::from_static(b"ond"))).await.unwrap();
        drop(sender);
    };
    let (answer, ()) = tokio::join!(nobody.request(request), sending);
    answer.is_not_found();
    assert_eq!(owner.get(&here).await.is_ok().json(), before);
    let kept = owner.get(format!("{here}/download")).await.redirects();
    assert_eq!(nobody.get(kept).await.is_ok().bytes()[..], archive(b"first"));
}

/// Until it is so; the limit is only there for a test that fails.
async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it becomes so");
}

#[tokio::test]
async fn who_hangs_up_in_the_middle_leaves_no_content_behind() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    // The state is whole, and what follows it is not.
    let state = STANDARD.encode(content_of(1));
    let text = format!(
        r#"{{"data":{{"type":"state-versions","attributes":{{"state":"{state}","serial":1,"#
    );
    let (mut sender, request) = slow(Method::POST, &format!("/api/v2{}", versions(&ws)));
    let asking = owner.request(request);
    let sending = async {
        sender.send(Ok(text.into())).await.unwrap();
        sender.send(Ok(Bytes::new())).await.unwrap();
        eventually(async || server.count_blobs(Blob::State).await == 1).await;
    };
    tokio::select! {
        answer = asking => panic!("{answer}"),
        () = sending => {}
    }
    eventually(async || server.count_blobs(Blob::State).await == 0).await;
    no_version(&server, &ws).await;
}

#[tokio::test]
async fn who_hangs_up_after_all_was_sent_has_made_a_version() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    // Somebody else writes for a while.
    let other = server.db.write().await.unwrap();
    other.lock::<domain::entity::workspace::Entity>(ws.id.clone()).await.unwrap().unwrap();
    let asking = owner.post(versions(&ws), whole(1, &content_of(1)));
    tokio::select! {
        answer = asking => panic!("{answer}"),
        () = eventually(async || server.count_blobs(Blob::State).await == 1) => {}
    }
    other.roll_back().await;
    let current = format!("/workspaces/{}/current-state-version", ws.id);
    eventually(async || owner.get(&current).await.status == StatusCode::OK).await;
    assert_eq!(server.count_blobs(Blob::State).await, 1);
}
