//! How long tokens may live, where an organization sets limits.

use std::time::Duration;

use domain::Timestamp;
use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

const PATH: &str = "/organizations/acme/token-ttl-policies";
const OF_ORGANIZATION: &str = "/organizations/acme/authentication-token";
const HOUR: Duration = Duration::from_hours(1);
const HOUR_MS: i64 = 60 * 60 * 1000;

fn policies(limits: Value) -> Value {
    json!({ "data": {
        "type": "organization-token-ttl-policies", "attributes": { "token-ttl-policies": limits },
    } })
}

fn limit(of: &str, ms: i64) -> Value {
    json!({ "token-type": of, "max-ttl-ms": ms })
}

fn token(attributes: Value) -> Value {
    json!({ "data": { "type": "authentication-tokens", "attributes": attributes } })
}

fn secret(answer: &Answer) -> String {
    answer.attribute("token").as_str().unwrap().to_owned()
}

async fn enforce(owner: &Client<'_>, enabled: bool) {
    let attributes = json!({ "max-ttl-enabled": enabled });
    let body = json!({ "data": { "type": "organizations", "attributes": attributes } });
    let changed = owner.patch("/organizations/acme", body).await.is_ok();
    assert_eq!(changed.attribute("max-ttl-enabled"), enabled);
}

#[tokio::test]
async fn there_is_a_limit_for_each_type_which_is_two_years_until_it_is_set() {
    let server = Server::start().await;
    let owner = server.owner();
    let shown = owner.get(PATH).await.is_ok();
    assert_eq!(shown.attributes("token-type"), ["organization", "team", "user", "audit_trails"]);
    assert_eq!(shown.attributes("max-ttl-ms"), [63_113_904_000_i64; 4]);

    let some = json!([limit("team", HOUR_MS), limit("audit_trails", 2 * HOUR_MS)]);
    let set = owner.patch(PATH, policies(some)).await.is_ok();
    let all = [63_113_904_000, HOUR_MS, 63_113_904_000, 2 * HOUR_MS];
    assert_eq!(set.attributes("max-ttl-ms"), all);
    let again = owner.patch(PATH, policies(json!([limit("team", 3 * HOUR_MS)]))).await.is_ok();
    assert_eq!(again.data()[1]["id"], set.data()[1]["id"]);
    assert_eq!(again.data()[1]["attributes"]["max-ttl-ms"], 3 * HOUR_MS);
    assert_eq!(owner.get(PATH).await.is_ok().data(), again.data());
    let third = owner.get(format!("{PATH}?page[size]=1&page[number]=3")).await.is_ok();
    assert_eq!(third.attributes("token-type"), ["user"]);
    assert_eq!(third.json()["meta"]["pagination"]["total-count"], 4);
}

#[tokio::test]
async fn only_owners_see_and_set_limits() {
    let server = Server::start().await;
    let body = policies(json!([limit("user", HOUR_MS)]));
    for (caller, status) in [(server.member(), 403), (server.foreigner(), 404)] {
        assert_eq!(caller.get(PATH).await.status, status);
        assert_eq!(caller.patch(PATH, &body).await.status, status);
    }
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused_and_none_is_set() {
    let server = Server::start().await;
    let owner = server.owner();
    let before = owner.get(PATH).await.is_ok();
    let good = limit("team", HOUR_MS);
    for (wrong, pointer) in [
        (json!([]), "token-ttl-policies"),
        (json!([good, limit("user", 0)]), "token-ttl-policies/1/max-ttl-ms"),
        (json!([good, limit("user", i64::MAX)]), "token-ttl-policies/1/max-ttl-ms"),
        (json!([good, limit("metrics", HOUR_MS)]), "token-ttl-policies/1/token-type"),
        (json!([good, good]), "token-ttl-policies/1/token-type"),
        (json!([good, { "token-type": "user" }]), "token-ttl-policies/1/max-ttl-ms"),
    ] {
        let refused = owner.patch(PATH, policies(wrong)).await;
        refused.is_unprocessable(&format!("/data/attributes/{pointer}"));
    }
    assert_eq!(owner.get(PATH).await.is_ok().data(), before.data());
}

#[tokio::test]
async fn a_limit_counts_only_where_limits_are_switched_on() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let owner = server.owner();
    owner.patch(PATH, policies(json!([limit("organization", HOUR_MS)]))).await.is_ok();
    let free = owner.post(OF_ORGANIZATION, ()).await.is_created();
    assert_eq!(free.attribute("expired-at"), json!(now.plus_years(2)));
    server.pass(2 * HOUR);
    let bearer = server.bearer(secret(&free));
    bearer.get("/organizations/acme").await.is_ok();
    enforce(&owner, true).await;
    bearer.get("/organizations/acme").await.is_unauthorized();
    enforce(&owner, false).await;
    bearer.get("/organizations/acme").await.is_ok();
}

#[tokio::test]
async fn a_new_token_ends_when_it_must_and_none_is_made_for_longer() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let owner = server.owner();
    let limits = json!([limit("organization", HOUR_MS), limit("audit_trails", 2 * HOUR_MS)]);
    owner.patch(PATH, policies(limits)).await.is_ok();
    enforce(&owner, true).await;
    let of_audit = format!("{OF_ORGANIZATION}?token=audit-trails");
    for (path, hours) in [(OF_ORGANIZATION, 1), (of_audit.as_str(), 2)] {
        let at = |seconds: i64| json!(Timestamp(now.0).plus_seconds(hours * 3600 + seconds));
        let made = owner.post(path, ()).await.is_created();
        assert_eq!(made.attribute("expired-at"), at(0));
        let later = token(json!({ "expired-at": at(1) }));
        owner.post(path, later).await.is_unprocessable("/data/attributes/expired-at");
        assert_eq!(owner.get(path).await.is_ok().id(), made.id(), "the one before is still there");
        let sooner = owner.post(path, token(json!({ "expired-at": at(-1) }))).await.is_created();
        assert_eq!(sooner.attribute("expired-at"), at(-1));
    }
    let team = json!({ "data": { "type": "teams", "attributes": { "name": "network" } } });
    let team = owner.post("/organizations/acme/teams", team).await.is_created().id();
    let path = format!("/teams/{team}/authentication-tokens");
    let made = owner.post(&path, token(json!({ "description": "ci" }))).await.is_created();
    let two_years = Timestamp(now.0 + 63_113_904_000);
    assert_eq!(made.attribute("expired-at"), json!(two_years.min(now.plus_years(2))));
}

#[tokio::test]
async fn a_token_of_a_person_that_is_too_old_for_one_organization_still_works_elsewhere() {
    let server = Server::start().await;
    server.stop_clock();
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let other = json!({ "name": "elsewhere", "email": "a@example.com" });
    let other = json!({ "data": { "type": "organizations", "attributes": other } });
    server.let_everybody_create_organizations().await;
    owner.post("/organizations", other).await.is_created();
    let tokens = format!("/users/{}/authentication-tokens", owner.user().await.id);
    let of_team = json!({ "data": { "type": "teams", "attributes": { "name": "network" } } });
    let of_team = owner.post("/organizations/acme/teams", of_team).await.is_created().id();
    let of_team = format!("/teams/{of_team}/authentication-token");
    let of_team = owner.post(of_team, ()).await.is_created();
    server.pass(HOUR);
    let young = owner.post(&tokens, token(json!({ "description": "young" }))).await.is_created();
    owner.patch(PATH, policies(json!([limit("user", HOUR_MS)]))).await.is_ok();
    enforce(&owner, true).await;

    for path in ["/organizations/acme".to_owned(), format!("/workspaces/{}", ws.id)] {
        owner.get(&path).await.is_unauthorized();
        server.bearer(secret(&young)).get(&path).await.is_ok();
    }
    owner.get("/organizations/elsewhere").await.is_ok();
    owner.get("/account/details").await.is_ok();
    assert_eq!(owner.get("/organizations").await.is_ok().attributes("name"), ["elsewhere"]);
    server.bearer(secret(&of_team)).get("/organizations/acme").await.is_ok();
    server.pass(HOUR);
    server.bearer(secret(&young)).get("/organizations/acme").await.is_unauthorized();
}
