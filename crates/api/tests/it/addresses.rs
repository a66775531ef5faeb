//! Addresses of blobs: they need no token, and work for as long as whoever asked for them might still ask.

use serde_json::json;
use testkit::{Answer, Server};

use crate::{runs, states};

fn url(answer: &Answer, name: &str) -> String {
    answer.attribute(name).as_str().unwrap_or_else(|| panic!("{name} in {answer}")).to_owned()
}

#[tokio::test]
async fn who_is_taken_out_of_a_team_loses_the_addresses_that_they_had() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let (owner, planner, anyone) = (server.owner(), server.planner(&ws), server.nobody());
    states::push(&owner, &ws, 1).await;
    runs::upload(&owner, &ws, false).await;
    let run = planner.post("/runs", runs::run(&ws, json!({ "plan-only": true }))).await;
    let plan = run.is_created().related("plan");
    let plan = planner.get(format!("/plans/{}", plan.as_str().unwrap())).await.is_ok();
    let state = planner.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_ok();
    let addresses = [url(&plan, "log-read-url"), url(&state, "hosted-state-download-url")];
    for address in &addresses {
        anyone.get(address).await.is_ok();
    }
    let of_owner = owner.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_ok();
    let of_owner = url(&of_owner, "hosted-state-download-url");

    let user = planner.user().await;
    let members = format!("/organizations/acme/organization-memberships?q={}", user.username);
    let membership = owner.get(members).await.is_ok().data()[0]["id"].clone();
    let membership = format!("/organization-memberships/{}", membership.as_str().unwrap());
    owner.delete(membership).await.is_no_content();
    for address in &addresses {
        anyone.get(address).await.is_not_found();
    }
    anyone.get(&of_owner).await.is_ok();
}

#[tokio::test]
async fn what_a_token_asked_for_ends_with_the_token() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let (owner, anyone) = (server.owner(), server.nobody());
    states::push(&owner, &ws, 1).await;
    let tokens = format!("/users/{}/authentication-tokens", owner.user().await.id);
    let body = json!({ "data": { "type": "authentication-tokens",
        "attributes": { "description": "lost" } } });
    let made = owner.post(tokens, body).await.is_created();
    let lost = server.bearer(made.attribute("token").as_str().unwrap());
    let path = format!("/workspaces/{}/current-state-version", ws.id);
    let address = url(&lost.get(path).await.is_ok(), "hosted-state-download-url");
    anyone.get(&address).await.is_ok();
    owner.delete(format!("/authentication-tokens/{}", made.id())).await.is_no_content();
    anyone.get(&address).await.is_not_found();
}

#[tokio::test]
async fn whoever_may_only_read_uploads_nothing_at_an_address_that_is_shown() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let (owner, planner, anyone) = (server.owner(), server.planner(&ws), server.nobody());
    let made = states::announce(&owner, &ws, 1).await;
    let shown = planner.get(format!("/state-versions/{}", made.id())).await.is_ok();
    let address = url(&shown, "hosted-state-upload-url");
    anyone.put(&address, states::content_of(1)).await.is_not_found();
    let still = owner.get(format!("/state-versions/{}", made.id())).await.is_ok();
    assert_eq!(still.attribute("status"), "pending");
    anyone.put(url(&made, "hosted-state-upload-url"), states::content_of(1)).await.is_ok();
}

#[tokio::test]
async fn the_address_of_a_person_in_a_browser_ends_when_they_are_suspended() {
    use domain::{accounts, archivist};
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    runs::upload(&owner, &ws, false).await;
    let run = owner.post("/runs", runs::run(&ws, json!({ "plan-only": true }))).await.is_created();
    let plan = run.related("plan").as_str().unwrap().to_owned();
    let user = owner.user().await;
    let cx = server.system();
    let site = cx.check::<domain::can::ManageSite, _>(domain::Site::found()).unwrap();
    accounts::reset_password(&cx, &site, &user.id, "correct horse battery".into()).await.unwrap();
    let origin = accounts::Origin::default();
    let signed_in =
        accounts::sign_in(&server.app, &user.username, "correct horse battery".into(), &origin);
    let session = signed_in.await.unwrap().session;
    let session = accounts::ExposeSecret::expose_secret(&session).to_owned();
    let person =
        accounts::person_by_session(&server.app, &session, accounts::Use::ByPerson).await.unwrap();
    let address = archivist::address(&person, archivist::Content::Log, plan);
    server.nobody().get(&address).await.is_ok();
    server.execute("UPDATE users SET is_suspended = TRUE WHERE username = 'owner'").await;
    server.nobody().get(&address).await.is_not_found();
}
