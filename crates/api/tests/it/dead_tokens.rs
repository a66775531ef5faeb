//! What is no token, or none any more, on every route: it lets nobody in anywhere.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use sha2::Digest as _;
use testkit::{
    Client,
    world::{World, Worlds, resource},
};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

async fn made(client: &Client<'_>, path: &str, attributes: Value) -> (String, String) {
    let new = resource("authentication-tokens", &attributes);
    let made = client.post(path, new).await.is_created();
    (made.attribute("token").as_str().unwrap().to_owned(), made.id())
}

/// Tokens that are good at this moment, each with what it is.
type Known = Vec<(&'static str, String)>;

async fn assert_good(world: &World, tokens: &Known) {
    for (what, token) in tokens {
        let known = domain::accounts::authenticate(&world.server.app, token).await;
        assert!(known.is_ok(), "{what}: it was never good");
    }
}

/// Makes tokens of all kinds and ends them, each in another way.
async fn ended(world: &World) -> Known {
    let server = &world.server;
    let now = server.stop_clock();
    let owner = server.owner();
    let path =
        |of: &str, name: &str| format!("/{of}/{}/authentication-tokens", world.names()[name]);
    let own = format!("/users/{}/authentication-tokens", owner.user().await.id);
    let of_organization = "/organizations/acme/authentication-token";
    let of_audit = "/organizations/acme/authentication-token?token=audit-trails";
    let of_team = format!("/teams/{}/authentication-token", world.names()["team_id"]);

    let an_hour = json!({ "expired-at": now.plus_seconds(3600).iso8601() });
    let (expired, _) = made(&owner, &own, an_hour).await;
    let (revoked, revoked_id) = made(&owner, &own, json!({})).await;
    let pools = path("agent-pools", "agent_pool_id");
    let (of_agent, of_agent_id) = made(&owner, &pools, json!({ "description": "x" })).await;
    let (of_team_token, _) = made(&owner, &of_team, json!({})).await;
    let (of_organization_token, _) = made(&owner, of_organization, json!({})).await;
    let (of_audit_token, _) = made(&owner, of_audit, json!({})).await;

    let agent = Agent::register(server).await;
    let ws = server.workspace("ended").await;
    upload(&owner, &ws, false).await;
    let started = owner.post("/runs", run(&ws, json!({}))).await.is_created();
    server.advance().await;
    let plan = agent.must_claim().await;
    assert_eq!(plan.run(), started.id());
    assert_eq!(plan.start().await, 204);
    let of_run = plan.json["access"]["token"].as_str().unwrap().to_owned();

    let known = vec![
        ("an expired token", expired),
        ("a revoked token", revoked),
        ("a revoked token of agents", of_agent),
        ("a replaced token of a team", of_team_token),
        ("a deleted token of an organization", of_organization_token),
        ("a deleted token of an audit trail", of_audit_token),
        ("the token of somebody suspended", server.stranger().token().await),
        ("the token of a finished run", of_run),
    ];
    assert_good(world, &known).await;

    assert_eq!(plan.outcome("finished", true).await, 204);
    for id in [revoked_id, of_agent_id] {
        owner.delete(format!("/authentication-tokens/{id}")).await.is_no_content();
    }
    made(&owner, &of_team, json!({})).await;
    for path in [of_organization, of_audit] {
        owner.delete(path).await.is_no_content();
    }
    server.execute("UPDATE users SET is_suspended = TRUE WHERE username = 'stranger'").await;
    server.pass(Duration::from_secs(3601));
    known
}

/// What is a secret of something else, or of nothing.
async fn never_good(world: &World) -> Known {
    let owner = world.server.owner();
    let good = owner.token().await;
    vec![
        ("a session's cookie", owner.session().await),
        ("the secret of an address", world.names()["secret"].clone()),
        ("what the database keeps of a token", hex::encode(sha2::Sha256::digest(&good))),
        ("a token with something behind it", format!("{good}x")),
        ("a token cut short", good[..good.len() - 1].to_owned()),
        ("a token in capitals", good.to_uppercase()),
        ("a word", "token".to_owned()),
        ("a wildcard", "%".to_owned()),
        ("nothing", String::new()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_any_more_or_never_was_lets_nobody_in_on_any_route() {
    let world = Worlds::new().await.world().await;
    let mut tokens = ended(&world).await;
    tokens.extend(never_good(&world).await);
    for route in statehouse_api::table() {
        if route.guard == "Anyone" {
            continue;
        }
        let (path, body) = (world.path(&route), world.body(&route).bytes());
        for (what, token) in &tokens {
            let client = world.server.bearer(token);
            let answer = client.raw(route.method.clone(), &path, body.clone()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}: {answer}");
        }
    }
}

/// Routes that let in whoever has this token.
async fn opened(world: &World, token: &str) -> Vec<String> {
    let mut opened = Vec::new();
    for route in statehouse_api::table().into_iter().filter(|route| route.guard != "Anyone") {
        let (path, body) = (world.path(&route), world.body(&route).bytes());
        let answer = world.server.bearer(token).raw(route.method.clone(), path, body).await;
        if answer.status.is_success() || answer.status.is_redirection() {
            opened.push(format!("{} {}", route.method, route.path));
        }
    }
    opened.sort_unstable();
    opened
}

/// Lists of what one has, of which it has none.
const EMPTY: [&str; 4] = [
    "GET /api/v2/github-app-installations",
    "GET /api/v2/github-app/installations",
    "GET /api/v2/organizations",
    "GET /api/v2/tasks/integrations",
];

#[tokio::test]
async fn the_token_of_an_audit_trail_opens_nothing_else() {
    let world = Worlds::new().await.world().await;
    let path = "/organizations/acme/authentication-token?token=audit-trails";
    let (token, _) = made(&world.server.owner(), path, json!({})).await;
    let mut opened = opened(&world, &token).await;
    opened.retain(|route| !EMPTY.contains(&route.as_str()));
    assert_eq!(opened, ["GET /api/v2/organization/audit-trail"]);
}

#[tokio::test]
async fn the_token_of_an_agent_pool_opens_what_agents_ask_alone() {
    let world = Worlds::new().await.world().await;
    let path = format!("/agent-pools/{}/authentication-tokens", world.names()["agent_pool_id"]);
    let (token, _) = made(&world.server.owner(), &path, json!({ "description": "x" })).await;
    let mut opened = opened(&world, &token).await;
    opened.retain(|route| !EMPTY.contains(&route.as_str()) && !route.contains(" /agent/v1/"));
    assert_eq!(opened, [""; 0]);
}
