//! Policies that ask the network: nobody does, unless an organization's owners let them, and then by the courier's rules.

use serde_json::{Value, json};
use testkit::{Client, Server};

use super::planned;
use crate::{
    notifications::{Recipient, loopback},
    sentinel_in_runs::{attach, check, detach},
};

async fn let_them(owner: &Client<'_>, attributes: Value) {
    let body = json!({ "data": { "type": "organizations", "attributes": attributes } });
    owner.patch("/organizations/acme", body).await.is_ok();
}

fn asking(url: &str) -> String {
    format!(
        "import \"http\"\nr = http.with_retries(0).get({url:?})\nprint(r.body, r.headers[\"X-Seen\"])\n\
         main = r.status_code is 200"
    )
}

#[tokio::test]
async fn policies_ask_the_network_where_owners_let_them() {
    let server = Server::start_with(loopback).await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let recipient = Recipient::answering(&[200, 500]).await;
    let shown = owner.get("/organizations/acme").await.is_ok();
    assert_eq!(shown.attribute("policy-http-enabled"), false);
    let set =
        attach(&owner, &ws, "hard-mandatory", &asking(&recipient.url), json!({ "name": "all" }))
            .await;
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let (_, log) = check(&owner, &run).await;
    assert!(log.contains("import \"http\" is off here"), "{log}");
    assert!(recipient.heard().await.is_empty(), "nobody may have been asked");

    let_them(&owner, json!({ "policy-http-enabled": true })).await;
    let run = planned(&server, &ws, json!({}), true).await;
    let (_, log) = check(&owner, &run).await;
    assert_eq!(run.attribute("status"), "policy_checked", "{log}");
    assert!(log.lines().any(|line| line == "ok yes"), "{log}");
    owner.post(format!("/runs/{}/actions/discard", run.id()), json!({})).await.is_accepted();
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let (_, log) = check(&owner, &run).await;
    assert!(log.contains("answered with status code 500"), "{log}");

    // Where nothing may verify, nothing is sent.
    detach(&owner, &set).await;
    let code = asking(&recipient.url)
        .replace("http.with_retries(0)", "http.without_certificate_verification()");
    attach(&owner, &ws, "hard-mandatory", &code, json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({}), true).await;
    let (_, log) = check(&owner, &run).await;
    assert!(log.contains("certificates are always verified"), "{log}");
    assert_eq!(recipient.heard().await.len(), 2);
}

#[tokio::test]
async fn policies_go_no_farther_than_the_courier() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let neighbour = Recipient::new().await;
    let_them(&owner, json!({ "policy-http-enabled": true })).await;
    attach(&owner, &ws, "hard-mandatory", &asking(&neighbour.url), json!({ "name": "all" })).await;
    let run = planned(&server, &ws, json!({}), true).await;
    assert_eq!(run.attribute("status"), "errored");
    let (_, log) = check(&owner, &run).await;
    assert!(log.contains("http: ") && !log.contains("is off here"), "{log}");
    assert!(neighbour.heard().await.is_empty(), "nobody may have been asked");
}
