//! Comments on runs, and the history that tells of them; `GET /runs`

use std::time::Duration;

use serde_json::{Value, json};
use testkit::Server;

use crate::runs::{run, upload};

fn comment(body: &str) -> Value {
    json!({ "data": { "type": "comments", "attributes": { "body": body } } })
}

#[tokio::test]
async fn people_comment_on_runs_and_the_history_tells_of_it() {
    let server = Server::start().await;
    server.stop_clock();
    let ws = server.workspace("networking").await;
    let (writer, reader) = (server.writer(&ws), server.reader(&ws));
    upload(&writer, &ws, false).await;
    let made = writer.post("/runs", run(&ws, json!({}))).await.is_created();
    let events = &made.data()["relationships"]["run-events"]["data"];
    assert_eq!(events.as_array().unwrap().len(), 1);
    let path = format!("/runs/{}/comments", made.id());
    assert_eq!(reader.get(&path).await.is_ok().data(), json!([]));
    let first = reader.post(&path, comment("Why?")).await.is_created();
    assert!(first.id().starts_with("wsc-"));
    server.pass(Duration::from_secs(1));
    let second = writer.post(&path, comment("Because.")).await.is_created();
    let list = reader.get(&path).await.is_ok();
    assert_eq!(list.data(), json!([first.data(), second.data()]));
    assert_eq!(reader.get(format!("/comments/{}", first.id())).await.is_ok().data(), first.data());
    for wrong in ["", " ", &"x".repeat(10_001)] {
        reader.post(&path, comment(wrong)).await.is_unprocessable("/data/attributes/body");
    }
    server.member().post(&path, comment("Me too")).await.is_not_found();

    let events = format!("/runs/{}/run-events?include=actor,comment", made.id());
    let events = reader.get(events).await.is_ok();
    let commented: Vec<Value> = events
        .data()
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["attributes"]["action"] == "commented")
        .cloned()
        .collect();
    assert_eq!(commented.len(), 2);
    assert_eq!(commented[0]["relationships"]["comment"]["data"]["id"], first.id());
    assert_eq!(commented[0]["id"], first.related("run-event"));
    let included = events.json()["included"].clone();
    let bodies: Vec<_> = included
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["type"] == "comments")
        .map(|item| item["attributes"]["body"].clone())
        .collect();
    assert_eq!(bodies, ["Why?", "Because."]);
    let one = first.related("run-event");
    let one = format!("/run-events/{}?include=actor,comment", one.as_str().unwrap());
    let one = reader.get(&one).await.is_ok();
    assert_eq!(one.data(), commented[0]);
    assert_eq!(one.json()["included"].as_array().unwrap().len(), 2);
    let shown = reader.get(format!("/runs/{}?include=comments", made.id())).await.is_ok();
    assert_eq!(shown.json()["included"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_said_with_an_action_is_a_comment() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let writer = server.writer(&ws);
    upload(&writer, &ws, false).await;
    let id = writer.post("/runs", run(&ws, json!({}))).await.is_created().id();
    let action = format!("/runs/{id}/actions/discard");
    let long = json!({ "comment": "x".repeat(10_001) });
    writer.post(&action, long).await.is_unprocessable("/comment");
    let waiting = writer.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(waiting.attribute("status"), "pending");
    writer.post(&action, json!({ "comment": "Not today" })).await.is_accepted();
    let comments = writer.get(format!("/runs/{id}/comments")).await.is_ok();
    assert_eq!(comments.attributes("body"), ["Not today"]);
}

#[tokio::test]
async fn runs_are_listed_by_parameters_too() {
    let server = Server::start().await;
    let (ws, other) = (server.workspace("networking").await, server.workspace("other").await);
    let owner = server.owner();
    for workspace in [&ws, &other] {
        upload(&owner, workspace, false).await;
        owner.post("/runs", run(workspace, json!({}))).await.is_created();
    }
    let count = async |path: String| owner.get(path).await.is_ok().data().as_array().unwrap().len();
    assert_eq!(count(format!("/runs?workspace_id={}", ws.id)).await, 1);
    assert_eq!(count(format!("/runs?workspace_id={}&organization_name=acme", ws.id)).await, 1);
    assert_eq!(count("/runs?organization_name=acme".into()).await, 2);
    assert_eq!(count("/runs?organization_name=acme&filter[status]=applied".into()).await, 0);
    owner.get("/runs").await.is_bad_request();
    owner.get(format!("/runs?workspace_id={}&organization_name=x", ws.id)).await.is_not_found();
    server.foreigner().get("/runs?organization_name=acme").await.is_not_found();
}
