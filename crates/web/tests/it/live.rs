//! Parts of pages that follow what happens.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream},
    extract::ConnectInfo,
};
use domain::row::Workspace;
use futures::StreamExt;
use http::{
    Request, Response, StatusCode,
    header::{CONTENT_TYPE, COOKIE},
};
use serde_json::json;
use testkit::{Server, world::resource};
use tower::ServiceExt;

use crate::{
    browser::{Browser, server},
    runs::{run, set_status},
};

/// Whether what this path answers has no end for a while, so that nobody waits for it.
pub fn is_stream(path: &str) -> bool {
    path.ends_with("/events")
}

/// The beginning of an answer.
pub async fn answer(server: &Server, browser: &Browser<'_>, path: &str) -> Response<Body> {
    let cookies: Vec<_> =
        browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut request = Request::get(path).header(COOKIE, cookies.join("; "));
    if let Some(address) = browser.address {
        let peer = SocketAddr::from((address.parse::<IpAddr>().unwrap(), 40_000));
        request = request.extension(ConnectInfo(peer));
    }
    let router = statehouse_web::router(server.app.clone());
    router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// The events of a part, as a browser hears them.
struct Stream(BodyDataStream);

impl Stream {
    async fn of(server: &Server, browser: &Browser<'_>, path: &str) -> Self {
        let answer = answer(server, browser, path).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[CONTENT_TYPE], "text/event-stream");
        Self(answer.into_body().into_data_stream())
    }

    /// The next event; nothing once the stream has ended.
    async fn next(&mut self) -> Option<String> {
        let chunk = tokio::time::timeout(Duration::from_mins(1), self.0.next()).await.unwrap();
        chunk.map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap())
    }
}

async fn watched() -> (Server, Workspace, String, String) {
    let server = Box::pin(server()).await;
    let ws = Box::pin(server.workspace("networking")).await;
    let run = Box::pin(run(&server, &ws)).await;
    let path = format!("/app/acme/workspaces/networking/runs/{run}/status/events");
    (server, ws, run, path)
}

fn number(event: &str) -> i64 {
    let id = event.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    id.parse().unwrap()
}

#[tokio::test]
async fn the_page_of_a_run_tells_what_happens_when_it_happens() {
    let (server, _, run, path) = watched().await;
    let api = server.owner();
    let owner = Browser::of(&server, &api).await;
    let mut stream = Stream::of(&server, &owner, &path).await;
    let first = stream.next().await.unwrap();
    assert!(first.contains("data: <div") && first.contains("Waits for an agent"), "{first}");
    api.post(format!("/runs/{run}/actions/cancel"), ()).await;
    let second = stream.next().await.unwrap();
    assert!(second.contains("Canceled"), "{second}");
    assert!(number(&second) > number(&first), "{first} {second}");
    // Whoever comes again is told how it is now, under the number that it had.
    let mut again = Stream::of(&server, &owner, &path).await;
    let last = again.next().await.unwrap();
    assert_eq!(number(&last), number(&second));
    assert!(last.contains("data-final"), "{last}");
}

#[tokio::test]
async fn who_is_signed_out_hears_nothing_more_and_strangers_hear_nothing() {
    let (server, ws, run, path) = watched().await;
    let mut reader = Browser::of(&server, &server.reader(&ws)).await;
    let mut stream = Stream::of(&server, &reader, &path).await;
    stream.next().await.unwrap();
    let page = reader.get("/").await.is_ok();
    reader.submit(&page, "/session/delete", &[]).await.redirects();
    set_status(&server, &run, "planned").await;
    // The change is made beside the server; the next that is made by it wakes all.
    server.owner().post(format!("/runs/{run}/actions/discard"), ()).await;
    assert_eq!(stream.next().await, None);
    let mut stranger = Browser::of(&server, &server.stranger()).await;
    stranger.get(&path).await.is_not_found();
}

#[tokio::test]
async fn who_is_on_no_list_any_more_hears_nothing_more() {
    let (server, ws, run, path) = watched().await;
    let (owner, mut reader) = (server.owner(), Browser::of(&server, &server.reader(&ws)).await);
    let new = resource("cidr-range-lists", &json!({ "name": "office" }));
    let list = owner.post("/organizations/acme/cidr-range-lists", new).await.is_created().id();
    let list = format!("/cidr-range-lists/{list}");
    let new = resource("cidr-ranges", &json!({ "range": "203.0.113.0/24", "enabled": true }));
    owner.post(format!("{list}/relationships/cidr-ranges"), new).await.is_created();
    reader.address = Some("203.0.113.9");
    let mut inside = Stream::of(&server, &reader, &path).await;
    reader.address = Some("198.51.100.7");
    let mut outside = Stream::of(&server, &reader, &path).await;
    inside.next().await.unwrap();
    outside.next().await.unwrap();
    let whole = json!({ "enforcement-scope": "organization" });
    owner.patch(list, resource("cidr-range-lists", &whole)).await.is_ok();
    owner.post(format!("/runs/{run}/actions/cancel"), ()).await;
    assert!(inside.next().await.unwrap().contains("Canceled"));
    assert_eq!(outside.next().await, None);
}

#[tokio::test]
async fn a_carriage_return_in_a_page_breaks_no_event() {
    let (server, _, run, path) = watched().await;
    let owner = Browser::of(&server, &server.owner()).await;
    let sql = format!(
        "UPDATE phases SET message = 'one\rtwo' WHERE id = (SELECT plan_id FROM runs WHERE id = '{run}')"
    );
    server.execute(&sql).await;
    let event = Stream::of(&server, &owner, &path).await.next().await.unwrap();
    assert!(event.contains("one&#13;two"), "{event}");
}
