//! Tokens of teams and organizations.

use std::time::Duration;

use domain::Timestamp;
use serde_json::{Value, json};
use testkit::{Answer, Server};

const DAY: u64 = 24 * 60 * 60;
const OF_ORGANIZATION: &str = "/organizations/acme/authentication-token";
const OF_TEAMS: &str = "/organizations/acme/team-tokens";

fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "authentication-tokens", "attributes": attributes } })
}

fn described(text: &str) -> Value {
    body(json!({ "description": text }))
}

fn secret(answer: &Answer) -> String {
    answer.attribute("token").as_str().unwrap().to_owned()
}

/// By the owner; manages workspaces.
async fn team(server: &Server, name: &str) -> String {
    let access = json!({ "manage-workspaces": true });
    let attributes =
        json!({ "name": name, "visibility": "organization", "organization-access": access });
    let body = json!({ "data": { "type": "teams", "attributes": attributes } });
    server.owner().post("/organizations/acme/teams", body).await.is_created().id()
}

#[tokio::test]
async fn a_team_has_one_token_without_description_which_is_replaced() {
    let server = Server::start().await;
    let owner = server.owner();
    let path = format!("/teams/{}/authentication-token", team(&server, "network").await);
    owner.get(&path).await.is_not_found();
    owner.delete(&path).await.is_not_found();
    let first = owner.post(&path, ()).await.is_created();
    let second = owner.post(&path, body(json!({}))).await.is_created();
    assert_ne!(secret(&first), secret(&second));
    server.bearer(secret(&first)).get("/organizations/acme").await.is_unauthorized();
    server.bearer(secret(&second)).get("/organizations/acme").await.is_ok();
    let shown = owner.get(&path).await.is_ok();
    assert_eq!(shown.id(), second.id());
    assert_eq!(shown.attribute("token"), Value::Null);
    assert_eq!(shown.related("created-by"), json!(owner.user().await.id.as_str()));
    owner.delete(&path).await.is_no_content();
    server.bearer(secret(&second)).get("/organizations/acme").await.is_unauthorized();
}

#[tokio::test]
async fn tokens_end_after_two_years_or_when_told_to() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let owner = server.owner();
    let path = format!("/teams/{}/authentication-token", team(&server, "network").await);
    let made = owner.post(&path, ()).await.is_created();
    assert_eq!(made.attribute("expired-at"), json!(now.plus_years(2)));
    let made = owner.post(OF_ORGANIZATION, ()).await.is_created();
    assert_eq!(made.attribute("expired-at"), json!(now.plus_years(2)));

    let tomorrow = Timestamp(now.0).plus_seconds(24 * 60 * 60);
    let made = owner.post(&path, body(json!({ "expired-at": tomorrow }))).await.is_created();
    let bearer = server.bearer(secret(&made));
    bearer.get("/organizations/acme").await.is_ok();
    server.pass(Duration::from_secs(DAY));
    bearer.get("/organizations/acme").await.is_unauthorized();
    let past = body(json!({ "expired-at": tomorrow }));
    owner.post(&path, &past).await.is_unprocessable("/data/attributes/expired-at");
    owner.post(OF_ORGANIZATION, &past).await.is_unprocessable("/data/attributes/expired-at");
}

#[tokio::test]
async fn a_team_has_any_number_of_tokens_with_descriptions_of_their_own() {
    let server = Server::start().await;
    let owner = server.owner();
    let id = team(&server, "network").await;
    let path = format!("/teams/{id}/authentication-tokens");
    let legacy = format!("/teams/{id}/authentication-token");
    let kept = owner.post(&legacy, ()).await.is_created();
    let first = owner.post(&path, described("pipeline")).await.is_created();
    let second = owner.post(&path, described("laptop")).await.is_created();
    let taken = owner.post(&path, described("pipeline")).await;
    let taken = taken.is_unprocessable("/data/attributes/description");
    assert_eq!(taken.error(), "Validation failed: Description has already been taken");
    owner.post(&path, body(json!({}))).await.is_unprocessable("/data/attributes/description");
    let blank = owner.post(&path, described("")).await.is_created();
    assert_eq!(blank.attribute("description"), "");
    for made in [&kept, &first, &second] {
        server.bearer(secret(made)).get("/organizations/acme").await.is_ok();
    }
    let list = owner.get(&path).await.is_ok();
    assert_eq!(list.json()["meta"]["pagination"]["total-count"], 4);
    let other = team(&server, "storage").await;
    let path = format!("/teams/{other}/authentication-tokens");
    owner.post(path, described("pipeline")).await.is_created();

    let one = format!("/authentication-tokens/{}", first.id());
    assert_eq!(owner.get(&one).await.is_ok().related("team"), json!(id));
    owner.delete(&one).await.is_no_content();
    server.bearer(secret(&first)).get("/organizations/acme").await.is_unauthorized();
    server.bearer(secret(&second)).get("/organizations/acme").await.is_ok();
}

#[tokio::test]
async fn members_manage_the_tokens_of_their_team_if_it_lets_them() {
    let server = Server::start().await;
    let owner = server.owner();
    let member = server.member();
    let id = team(&server, "network").await;
    let path = format!("/teams/{id}/authentication-token");
    let username = member.user().await.username;
    member.post(&path, ()).await.is_not_found();
    let users = json!({ "data": [{ "type": "users", "id": username }] });
    owner.post(format!("/teams/{id}/relationships/users"), users).await.is_no_content();
    let made = member.post(&path, ()).await.is_created();
    member.get(format!("/authentication-tokens/{}", made.id())).await.is_ok();
    // Its bearer is no member: a token makes no further ones.
    server.bearer(secret(&made)).post(&path, ()).await.is_not_found();

    let attributes = json!({ "allow-member-token-management": false });
    let change = json!({ "data": { "type": "teams", "attributes": attributes } });
    owner.patch(format!("/teams/{id}"), change).await.is_ok();
    member.post(&path, ()).await.is_not_found();
    member.get(&path).await.is_not_found();
    member.delete(format!("/authentication-tokens/{}", made.id())).await.is_not_found();
    let shown = member.get(format!("/teams/{id}")).await.is_ok();
    assert_eq!(shown.attribute("permissions/can-update-api-token"), false);
}

#[tokio::test]
async fn only_owners_get_a_token_of_the_owners_team() {
    let server = Server::start().await;
    let owners = server.owner().get("/organizations/acme/teams?filter[names]=owners").await;
    let id = owners.is_ok().data()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/teams/{id}/authentication-token");
    server.organization_token().post(&path, ()).await.is_not_found();
    let made = server.owner().post(&path, ()).await.is_created();
    let bearer = server.bearer(secret(&made));
    let permissions = bearer.get("/organizations/acme").await.is_ok();
    assert_eq!(permissions.attribute("permissions/can-destroy"), true);
}

#[tokio::test]
async fn the_tokens_of_all_teams_are_listed_searched_and_sorted() {
    let server = Server::start().await;
    let now = server.stop_clock();
    let owner = server.owner();
    for (team_name, days) in [("network", 5), ("storage", 20), ("disks", 100)] {
        let path = format!("/teams/{}/authentication-tokens", team(&server, team_name).await);
        let expired_at = Timestamp(now.0).plus_seconds(days * 24 * 60 * 60);
        let new = body(json!({ "description": team_name, "expired-at": expired_at }));
        owner.post(path, new).await.is_created();
        server.pass(Duration::from_secs(1));
    }
    let list = async |query: &str| {
        let list = owner.get(format!("{OF_TEAMS}?{query}")).await.is_ok();
        list.attributes("description")
    };
    assert_eq!(list("").await, ["disks", "storage", "network"]);
    assert_eq!(list("sort=created-at").await, ["network", "storage", "disks"]);
    assert_eq!(list("sort=team-name").await, ["disks", "network", "storage"]);
    assert_eq!(list("sort=-expired-at").await, ["disks", "storage", "network"]);
    assert_eq!(list("q=STOR").await, ["storage"]);
    assert_eq!(list("filter[expiry_status]=expiring_in_7_days").await, ["network"]);
    assert_eq!(list("filter[expiry_status]=expiring_in_30_days").await, ["storage", "network"]);
    assert_eq!(list("filter[expiry_status]=expired,no_expiration").await, Vec::<Value>::new());
    server.pass(Duration::from_secs(10 * DAY));
    assert_eq!(list("filter[expiry_status]=expired").await, ["network"]);
    assert_eq!(list("filter[expiry_status]=active").await, ["disks", "storage"]);
    owner.get(format!("{OF_TEAMS}?filter[expiry_status]=fish")).await.is_bad_request();
    let none = server.member().get(OF_TEAMS).await.is_ok();
    assert_eq!(none.data(), json!([]));
}

#[tokio::test]
async fn several_tokens_of_teams_are_revoked_at_once_or_none() {
    let server = Server::start().await;
    let owner = server.owner();
    let path = format!("/teams/{}/authentication-tokens", team(&server, "network").await);
    let first = owner.post(&path, described("a")).await.is_created();
    let second = owner.post(&path, described("b")).await.is_created();
    let many = |ids: &[&str]| {
        let data: Vec<_> =
            ids.iter().map(|id| json!({ "type": "authentication-tokens", "id": id })).collect();
        json!({ "data": data })
    };
    let unknown = many(&[&first.id(), "at-1111111111111111"]);
    owner.delete_with(OF_TEAMS, unknown).await.is_not_found();
    server.bearer(secret(&first)).get("/organizations/acme").await.is_ok();
    let both = many(&[&first.id(), &second.id()]);
    server.member().delete_with(OF_TEAMS, &both).await.is_not_found();
    owner.delete_with(OF_TEAMS, both).await.is_no_content();
    server.bearer(secret(&first)).get("/organizations/acme").await.is_unauthorized();
    assert_eq!(owner.get(OF_TEAMS).await.is_ok().data(), json!([]));
}

#[tokio::test]
async fn an_organization_has_one_token_which_is_replaced() {
    let server = Server::start().await;
    let owner = server.owner();
    owner.get(OF_ORGANIZATION).await.is_not_found();
    owner.delete(OF_ORGANIZATION).await.is_not_found();
    let first = owner.post(OF_ORGANIZATION, ()).await.is_created();
    let second = owner.post(OF_ORGANIZATION, ()).await.is_created();
    server.bearer(secret(&first)).get("/organizations/acme").await.is_unauthorized();
    let bearer = server.bearer(secret(&second));
    bearer.get("/organizations/acme").await.is_ok();
    bearer.post(OF_ORGANIZATION, ()).await.is_not_found();
    assert_eq!(owner.get(OF_ORGANIZATION).await.is_ok().id(), second.id());
    owner.get(format!("/authentication-tokens/{}", second.id())).await.is_ok();
    server.member().get(OF_ORGANIZATION).await.is_not_found();
    owner.delete(OF_ORGANIZATION).await.is_no_content();
    bearer.get("/organizations/acme").await.is_unauthorized();
}

#[tokio::test]
async fn the_token_for_the_audit_trail_opens_nothing_else() {
    let server = Server::start().await;
    let owner = server.owner();
    let path = format!("{OF_ORGANIZATION}?token=audit-trails");
    let full = owner.post(OF_ORGANIZATION, ()).await.is_created();
    let trail = owner.post(&path, ()).await.is_created();
    assert_eq!(owner.get(&path).await.is_ok().id(), trail.id());
    assert_eq!(owner.get(OF_ORGANIZATION).await.is_ok().id(), full.id());
    let bearer = server.bearer(secret(&trail));
    bearer.get("/organizations/acme").await.is_not_found();
    bearer.get("/organizations/acme/teams").await.is_not_found();
    owner.post(format!("{OF_ORGANIZATION}?token=fish"), ()).await.is_bad_request();
    owner.delete(&path).await.is_no_content();
    owner.get(OF_ORGANIZATION).await.is_ok();
}

#[tokio::test]
async fn no_secret_of_a_token_is_stored() {
    let server = Server::start().await;
    let owner = server.owner();
    let path = format!("/teams/{}/authentication-token", team(&server, "network").await);
    let of_team = owner.post(path, ()).await.is_created();
    let of_organization = owner.post(OF_ORGANIZATION, ()).await.is_created();
    let everything = server.everything().await;
    for made in [of_team, of_organization] {
        assert!(everything.contains(&made.id()));
        assert!(!everything.contains(&secret(&made)));
    }
}

#[tokio::test]
async fn an_organization_may_take_no_tokens_of_people() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let made = owner.post(OF_ORGANIZATION, ()).await.is_created();
    let id = team(&server, "network").await;
    let of_team = owner.post(format!("/teams/{id}/authentication-token"), ()).await.is_created();
    let closed = json!({ "data": { "type": "organizations",
        "attributes": { "user-tokens-enabled": false } } });
    // Even the answer to the request that closes it is for somebody who may do nothing there any more.
    let answer = owner.patch("/organizations/acme", &closed).await.is_ok();
    assert_eq!(answer.json()["data"]["attributes"]["permissions"]["can-update"], false);
    for path in ["/organizations/acme".to_owned(), format!("/workspaces/{}", ws.id)] {
        owner.get(&path).await.is_unauthorized();
        server.foreigner().get(&path).await.is_not_found();
    }
    owner.get("/organizations/acme/workspaces").await.is_unauthorized();
    owner.get("/account/details").await.is_ok();
    for token in [secret(&made), secret(&of_team)] {
        server.bearer(token).get("/organizations/acme").await.is_ok();
    }
}

#[tokio::test]
async fn a_token_that_a_member_minted_ends_when_they_leave_the_team() {
    let server = Server::start().await;
    let (owner, member) = (server.owner(), server.member());
    let id = team(&server, "network").await;
    let path = format!("/teams/{id}/authentication-tokens");
    let username = member.user().await.username;
    let members = format!("/teams/{id}/relationships/users");
    let users = json!({ "data": [{ "type": "users", "id": username }] });
    owner.post(&members, &users).await.is_no_content();
    let of_member = secret(&member.post(&path, described("theirs")).await.is_created());
    let of_owner = secret(&owner.post(&path, described("ours")).await.is_created());
    let works = async |token: &str| {
        let answer = server.bearer(token).get("/organizations/acme").await;
        answer.status.is_success()
    };
    assert!(works(&of_member).await && works(&of_owner).await);

    // Out of the team, and back again.
    owner.delete_with(&members, &users).await.is_no_content();
    assert!(!works(&of_member).await && works(&of_owner).await);
    owner.post(&members, &users).await.is_no_content();
    assert!(works(&of_member).await);
    // Suspended.
    server.execute("UPDATE users SET is_suspended = TRUE WHERE username = 'member'").await;
    assert!(!works(&of_member).await && works(&of_owner).await);
    server.execute("UPDATE users SET is_suspended = FALSE WHERE username = 'member'").await;
    // Out of the organization.
    let list = format!("/organizations/acme/organization-memberships?q={username}");
    let membership = owner.get(list).await.is_ok().data()[0]["id"].clone();
    let membership = membership.as_str().unwrap().to_owned();
    owner.delete(format!("/organization-memberships/{membership}")).await.is_no_content();
    assert!(!works(&of_member).await && works(&of_owner).await);

    // Unless the site says otherwise.
    let settings = json!({ "team-tokens-outlive-members": true });
    let settings = json!({ "data": { "type": "general-settings", "attributes": settings } });
    server.site_admin().patch("/admin/general-settings", settings).await.is_ok();
    assert!(works(&of_member).await);
}
