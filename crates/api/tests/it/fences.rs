//! From where callers are let in: whom the IP allow lists of an organization and of its agent pools keep out, and whom not.

use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::{Answer, Client, Server, world::resource};

use crate::{
    agent::Agent,
    cidr_range_lists::{LISTS, add, enable, list, pool, pools_of, rescope, these},
    runs, states,
};

const OFFICE: &str = "203.0.113.0/24";
const INSIDE: &str = "203.0.113.9";
const OUTSIDE: &str = "198.51.100.7";

/// With a list for the whole organization, of these ranges; its id and those of the ranges.
async fn fenced(owner: &Client<'_>, ranges: &[&str]) -> (String, Vec<String>) {
    let list = list(owner, "organization").await;
    let mut all = Vec::new();
    for range in ranges {
        all.push(add(owner, &list, range).await);
    }
    (list, all)
}

async fn started() -> (Server, Workspace) {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    (server, ws)
}

fn workspace(ws: &Workspace) -> String {
    format!("/workspaces/{}", ws.id)
}

fn is_outside(answer: Answer) {
    let text = answer.is_forbidden().error();
    assert!(text.contains("takes no requests from") && text.contains("IP allow list"), "{text}");
}

#[tokio::test]
async fn people_are_let_in_from_the_ranges_and_owners_from_everywhere() {
    let (server, ws) = started().await;
    let (owner, reader) = (server.owner(), server.reader(&ws));
    reader.clone().at(OUTSIDE).get(workspace(&ws)).await.is_ok();
    fenced(&owner, &[OFFICE]).await;
    reader.clone().at(INSIDE).get(workspace(&ws)).await.is_ok();
    let outside = reader.clone().at(OUTSIDE);
    let refused = outside.get(workspace(&ws)).await.is_forbidden();
    assert!(refused.error().contains(OUTSIDE), "{refused}");
    is_outside(outside.get("/organizations/acme").await);
    is_outside(outside.get("/organizations/ACME/entitlement-set").await);
    // Nobody finds out from elsewhere what there is.
    let there = outside.get("/organizations/acme/workspaces/networking").await.is_forbidden();
    let none = outside.get("/organizations/acme/workspaces/nothing").await.is_forbidden();
    assert_eq!(there.error(), none.error());
    assert_eq!(outside.get("/organizations").await.is_ok().data(), json!([]));
    outside.get(format!("{}/current-state-version", workspace(&ws))).await.is_not_found();
    // What is nobody's but one's own stays.
    outside.get("/account/details").await.is_ok();
    // One who comes from nobody knows where is outside.
    is_outside(reader.get(workspace(&ws)).await);
    owner.clone().at(OUTSIDE).get(workspace(&ws)).await.is_ok();
    // Strangers are told what they were told before.
    server.stranger().at(INSIDE).get("/organizations/acme").await.is_not_found();
    server.stranger().at(OUTSIDE).get("/organizations/acme").await.is_not_found();
    server.nobody().at(OUTSIDE).get("/organizations/acme").await.is_unauthorized();
    let admin = server.site_admin().at(OUTSIDE);
    admin.get("/admin/users").await.is_ok();
    admin.get("/organizations/acme").await.is_not_found();
}

#[tokio::test]
async fn tokens_of_teams_and_of_the_organization_are_good_inside_alone() {
    let (server, ws) = started().await;
    let owner = server.owner();
    let trails = "/organizations/acme/authentication-token?token=audit-trails";
    let trails = owner.post(trails, ()).await.is_created().attribute("token");
    fenced(&owner, &[OFFICE]).await;
    for token in [server.team_token(&ws), server.organization_token()] {
        token.clone().at(INSIDE).get(workspace(&ws)).await.is_ok();
        is_outside(token.clone().at(OUTSIDE).get(workspace(&ws)).await);
        is_outside(token.at(OUTSIDE).get("/account/details").await);
    }
    let trails = server.bearer(trails.as_str().unwrap());
    trails.clone().at(INSIDE).get("/organization/audit-trail").await.is_ok();
    is_outside(trails.at(OUTSIDE).get("/organization/audit-trail").await);
}

#[tokio::test]
async fn somebody_of_two_organizations_is_kept_out_of_one() {
    let (server, ws) = started().await;
    server.let_everybody_create_organizations().await;
    let reader = server.reader(&ws);
    let new = json!({ "name": "widgets", "email": "ops@people.example" });
    reader.post("/organizations", resource("organizations", &new)).await.is_created();
    fenced(&server.owner(), &[OFFICE]).await;
    let outside = reader.at(OUTSIDE);
    outside.get("/organizations/widgets").await.is_ok();
    is_outside(outside.get("/organizations/acme").await);
    assert_eq!(outside.get("/organizations").await.is_ok().attributes("name"), ["widgets"]);
}

#[tokio::test]
async fn both_families_count_and_ipv4_is_ipv4_however_it_comes() {
    let (server, ws) = started().await;
    fenced(&server.owner(), &[OFFICE, "2001:db8::/32"]).await;
    for (address, is_in) in [
        ("2001:db8::1", true),
        ("2001:db9::1", false),
        ("::ffff:203.0.113.9", true),
        ("::ffff:198.51.100.7", false),
    ] {
        let answer = server.reader(&ws).at(address).get(workspace(&ws)).await;
        assert_eq!(answer.status.is_success(), is_in, "{address}: {answer}");
    }
}

#[tokio::test]
async fn behind_a_proxy_the_address_is_the_one_that_a_trusted_proxy_says() {
    let server = Server::start_with(|options| {
        options.settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    })
    .await;
    let ws = server.workspace("networking").await;
    fenced(&server.owner(), &[OFFICE]).await;
    let from = |peer: &str, says: &str| server.reader(&ws).at(peer).with("x-forwarded-for", says);
    from("10.0.0.1", INSIDE).get(workspace(&ws)).await.is_ok();
    is_outside(from("10.0.0.1", OUTSIDE).get(workspace(&ws)).await);
    is_outside(from("10.0.0.1", &format!("{INSIDE}, {OUTSIDE}")).get(workspace(&ws)).await);
    is_outside(from(OUTSIDE, INSIDE).get(workspace(&ws)).await);
}

#[tokio::test]
async fn what_changes_in_a_list_counts_at_once() {
    let (server, ws) = started().await;
    let owner = server.owner();
    let (list, ranges) = fenced(&owner, &[]).await;
    let inside = server.reader(&ws).at(INSIDE);
    // Without a range nobody is in it.
    is_outside(inside.get(workspace(&ws)).await);
    let range = add(&owner, &list, OFFICE).await;
    assert!(ranges.is_empty());
    inside.get(workspace(&ws)).await.is_ok();
    enable(&owner, &range, false).await.is_ok();
    is_outside(inside.get(workspace(&ws)).await);
    enable(&owner, &range, true).await.is_ok();
    inside.get(workspace(&ws)).await.is_ok();
    owner.delete(format!("/cidr-ranges/{range}")).await.is_no_content();
    is_outside(inside.get(workspace(&ws)).await);
    rescope(&owner, &list, "all_agent_pools").await.is_ok();
    inside.get(workspace(&ws)).await.is_ok();
    rescope(&owner, &list, "organization").await.is_ok();
    is_outside(inside.get(workspace(&ws)).await);
    owner.delete(format!("/cidr-range-lists/{list}")).await.is_no_content();
    inside.get(workspace(&ws)).await.is_ok();
}

#[tokio::test]
async fn who_would_be_shut_out_by_their_own_change_cannot_make_it() {
    let (server, _) = started().await;
    let owner = server.owner();
    let teams = owner.get("/organizations/acme/teams?filter[names]=owners").await.is_ok();
    let team = teams.data()[0]["id"].as_str().unwrap().to_owned();
    let token = owner.post(format!("/teams/{team}/authentication-token"), ()).await.is_created();
    let owners = server.bearer(token.attribute("token").as_str().unwrap()).at(INSIDE);
    let empty = json!({ "name": "everybody", "enforcement-scope": "organization" });
    let refused = owners.post(LISTS, resource("cidr-range-lists", &empty)).await;
    let refused = refused.is_unprocessable("/data/attributes/enforcement-scope");
    assert!(refused.error().contains("would shut you out"), "{refused}");
    assert_eq!(owner.get(LISTS).await.is_ok().data(), json!([]));

    let list = list(&owners, "selected_agent_pools").await;
    let range = add(&owners, &list, OFFICE).await;
    add(&owners, &list, "192.0.2.0/24").await;
    let elsewhere = owners.clone().at(OUTSIDE);
    let refused = rescope(&elsewhere, &list, "organization").await;
    refused.is_unprocessable("/data/attributes/enforcement-scope");
    rescope(&owners, &list, "organization").await.is_ok();
    enable(&owners, &range, false).await.is_unprocessable("/data/attributes/range");
    let deleted = owners.delete(format!("/cidr-ranges/{range}")).await;
    deleted.is_unprocessable("/data/attributes/range");
    owners.get(LISTS).await.is_ok();
    is_outside(elsewhere.get(LISTS).await);
    // A person who owns the organization can come back whatever they do.
    enable(&owner.at(OUTSIDE), &range, false).await.is_ok();
}

#[tokio::test]
async fn the_address_of_a_state_is_good_where_whoever_asked_for_it_is_let_in() {
    let (server, ws) = started().await;
    let owner = server.owner();
    states::push(&owner, &ws, 1).await;
    fenced(&owner, &[OFFICE]).await;
    let address = async |of: Client<'_>| {
        let shown = of.get(format!("{}/current-state-version", workspace(&ws))).await.is_ok();
        shown.attribute("hosted-state-download-url").as_str().unwrap().to_owned()
    };
    let of_writer = address(server.writer(&ws).at(INSIDE)).await;
    let of_owner = address(owner.clone().at(OUTSIDE)).await;
    server.nobody().at(INSIDE).get(&of_writer).await.is_ok();
    server.nobody().at(OUTSIDE).get(&of_writer).await.is_not_found();
    server.nobody().at(OUTSIDE).get(&of_owner).await.is_ok();

    let announced = states::announce(&server.writer(&ws).at(INSIDE), &ws, 2).await;
    let upload = announced.attribute("hosted-state-upload-url");
    let upload = upload.as_str().unwrap();
    let (inside, outside) = (server.nobody().at(INSIDE), server.nobody().at(OUTSIDE));
    outside.put(upload, states::content_of(2)).await.is_not_found();
    inside.put(upload, states::content_of(2)).await.is_ok();
}

fn register() -> Value {
    json!({ "name": "a", "version": "0", "instance": "basement", "engines": [] })
}

async fn token(owner: &Client<'_>, pool: &str) -> String {
    let new = resource("authentication-tokens", &json!({ "description": "basement" }));
    let path = format!("/agent-pools/{pool}/authentication-tokens");
    let minted = owner.post(path, new).await.is_created();
    minted.attribute("token").as_str().unwrap().to_owned()
}

#[tokio::test]
async fn agents_of_a_pool_work_from_its_lists_alone() {
    let (server, ws) = started().await;
    let owner = server.owner();
    let (a, b) = (pool(&owner, "a").await, pool(&owner, "b").await);
    let (of_a, of_b) = (token(&owner, &a).await, token(&owner, &b).await);
    let at = |token: &str, address: &str| server.bearer(token).at(address);
    let comes = async |token: &str, address: &str| {
        at(token, address).post("/agent/v1/register", register()).await
    };
    // A list of the organization is not for agents.
    fenced(&owner, &[OFFICE]).await;
    let id = comes(&of_a, OUTSIDE).await.is_ok().json()["agent_id"].clone();
    let claim = json!({ "agent_id": id, "wait_seconds": 0 });
    at(&of_a, OUTSIDE).post("/agent/v1/jobs/claim", &claim).await.is_no_content();

    let selected = list(&owner, "selected_agent_pools").await;
    let range = add(&owner, &selected, OFFICE).await;
    comes(&of_a, OUTSIDE).await.is_ok();
    owner.post(pools_of(&selected), these(&[&a])).await.is_no_content();
    let refused = comes(&of_a, OUTSIDE).await;
    assert!(refused.error().contains(&a), "{refused}");
    is_outside(refused);
    is_outside(at(&of_a, OUTSIDE).post("/agent/v1/jobs/claim", &claim).await);
    comes(&of_a, INSIDE).await.is_ok();
    comes(&of_b, OUTSIDE).await.is_ok();

    // Of several lists each lets in.
    let all = list(&owner, "all_agent_pools").await;
    is_outside(comes(&of_b, OUTSIDE).await);
    add(&owner, &all, "198.51.100.0/24").await;
    comes(&of_a, OUTSIDE).await.is_ok();
    comes(&of_b, OUTSIDE).await.is_ok();
    is_outside(comes(&of_b, INSIDE).await);
    enable(&owner, &range, false).await.is_ok();
    is_outside(comes(&of_a, INSIDE).await);
    // A pool that is made later is one of all.
    let later = pool(&owner, "later").await;
    is_outside(comes(&token(&owner, &later).await, INSIDE).await);

    // The agents of this server do what they did, wherever they are.
    let agent = Agent::register(&server).await;
    runs::upload(&owner, &ws, false).await;
    owner.post("/runs", runs::run(&ws, json!({ "plan-only": true }))).await.is_created();
    server.advance().await;
    agent.must_claim().await.execute().await;
}

#[tokio::test]
async fn the_engine_of_a_run_is_let_in_where_its_agent_is() {
    let (server, ws) = started().await;
    let owner = server.owner();
    states::push(&owner, &ws, 1).await;
    runs::upload(&owner, &ws, false).await;
    let pool = pool(&owner, "basement").await;
    let run = owner.post("/runs", runs::run(&ws, json!({}))).await.is_created().id();
    let engine = server.engine(&run.parse().unwrap(), &ws).await;
    let state = format!("{}/current-state-version", workspace(&ws));
    fenced(&owner, &["192.0.2.0/24"]).await;
    let all = list(&owner, "all_agent_pools").await;
    add(&owner, &all, OFFICE).await;
    // Of this server itself.
    let url = engine.clone().at(OUTSIDE).get(&state).await.is_ok();
    let url = url.attribute("hosted-state-download-url");
    server.execute(&format!("UPDATE jobs SET agent_pool_id = '{pool}'")).await;
    engine.clone().at(INSIDE).get(&state).await.is_ok();
    is_outside(engine.at(OUTSIDE).get(&state).await);
    server.nobody().at(OUTSIDE).get(url.as_str().unwrap()).await.is_not_found();
    server.nobody().at(INSIDE).get(url.as_str().unwrap()).await.is_ok();
}
