//! `/teams` and who is in them.

use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "teams", "attributes": attributes } })
}

fn users(names: &[&str]) -> Value {
    let data: Vec<_> = names.iter().map(|name| json!({ "type": "users", "id": name })).collect();
    json!({ "data": data })
}

async fn create(client: &Client<'_>, attributes: Value) -> Answer {
    client.post("/organizations/acme/teams", body(attributes)).await
}

async fn owners_team(client: &Client<'_>) -> String {
    let list = client.get("/organizations/acme/teams?filter[names]=owners").await.is_ok();
    list.data()[0]["id"].as_str().unwrap().to_owned()
}

/// A team with these rights in the organization, and the member in it.
async fn member_with(server: &Server, access: Value) -> String {
    let username = server.member().user().await.username;
    let new = json!({ "name": "managers", "organization-access": access });
    let team = create(&server.owner(), new).await.is_created().id();
    let path = format!("/teams/{team}/relationships/users");
    server.owner().post(path, users(&[&username])).await.is_no_content();
    team
}

#[tokio::test]
async fn a_team_is_secret_and_may_do_nothing_unless_said_otherwise() {
    let server = Server::start().await;
    let owner = server.owner();
    let made = create(&owner, json!({ "name": "network" })).await.is_created();
    assert_eq!(made.attribute("visibility"), "secret");
    assert_eq!(made.attribute("users-count"), 0);
    assert_eq!(made.attribute("sso-team-id"), Value::Null);
    assert_eq!(made.attribute("allow-member-token-management"), true);
    let access = made.attribute("organization-access");
    assert!(access.as_object().unwrap().values().all(|right| right == false));
    let shown = owner.get(format!("/teams/{}", made.id())).await.is_ok();
    assert_eq!(shown.data(), made.data());
}

#[tokio::test]
async fn an_update_leaves_what_is_not_sent() {
    let server = Server::start().await;
    let owner = server.owner();
    let new = json!({
        "name": "network", "visibility": "organization", "sso-team-id": "net",
        "organization-access": { "manage-workspaces": true, "manage-policies": true },
    });
    let path = format!("/teams/{}", create(&owner, new).await.is_created().id());
    let change = json!({ "organization-access": { "manage-policies": false } });
    let changed = owner.patch(&path, body(change)).await.is_ok();
    assert_eq!(changed.attribute("name"), "network");
    assert_eq!(changed.attribute("visibility"), "organization");
    assert_eq!(changed.attribute("sso-team-id"), "net");
    assert_eq!(changed.attribute("organization-access/manage-workspaces"), true);
    assert_eq!(changed.attribute("organization-access/manage-policies"), false);
    let cleared = owner.patch(&path, body(json!({ "sso-team-id": null }))).await.is_ok();
    assert_eq!(cleared.attribute("sso-team-id"), Value::Null);
}

#[tokio::test]
async fn names_of_teams_are_plain_and_unique_whatever_their_case() {
    let server = Server::start().await;
    let owner = server.owner();
    create(&owner, json!({ "name": "network" })).await.is_created();
    let taken = create(&owner, json!({ "name": "Network" })).await;
    let taken = taken.is_unprocessable("/data/attributes/name");
    assert_eq!(taken.error(), "Name has already been taken");
    for name in ["", " ", "two\nlines", "Owners", "ä"] {
        create(&owner, json!({ "name": name })).await.is_unprocessable("/data/attributes/name");
    }
    create(&owner, json!({ "name": "two words" })).await.is_created();
    create(&owner, json!({})).await.is_unprocessable("/data/attributes/name");
}

#[tokio::test]
async fn rights_need_the_rights_that_they_build_on() {
    let server = Server::start().await;
    for access in [
        json!({ "manage-teams": true }),
        json!({ "manage-membership": true, "manage-organization-access": true }),
        json!({ "access-secret-teams": true }),
        json!({ "manage-teams": "perhaps" }),
    ] {
        let new = json!({ "name": "network", "organization-access": access });
        let refused = create(&server.owner(), new).await;
        assert_eq!(refused.status, 422, "{refused}");
    }
    let all = json!({
        "manage-membership": true, "manage-teams": true, "manage-organization-access": true,
        "access-secret-teams": true,
    });
    let new = json!({ "name": "network", "organization-access": all });
    create(&server.owner(), new).await.is_created();
}

#[tokio::test]
async fn the_list_is_searched_by_several_names_or_a_part_of_one() {
    let server = Server::start().await;
    let owner = server.owner();
    for name in ["network", "storage", "Networks-old"] {
        create(&owner, json!({ "name": name })).await.is_created();
    }
    let list = async |query: &str| {
        owner.get(format!("/organizations/acme/teams?{query}")).await.is_ok().attributes("name")
    };
    assert_eq!(list("").await, ["Networks-old", "network", "owners", "storage"]);
    assert_eq!(list("q=NETWORK").await, ["Networks-old", "network"]);
    assert_eq!(list("filter[names]=storage,Network").await, ["network", "storage"]);
    assert_eq!(list("page[size]=1&page[number]=2").await, ["network"]);
}

#[tokio::test]
async fn the_owners_team_always_is_what_it_is() {
    let server = Server::start().await;
    let owner = server.owner();
    let path = format!("/teams/{}", owners_team(&owner).await);
    let shown = owner.get(&path).await.is_ok();
    assert_eq!(shown.attribute("organization-access/manage-organization-access"), true);
    assert_eq!(shown.attribute("permissions/can-destroy"), false);
    assert_eq!(shown.attribute("permissions/can-update-name"), false);
    assert_eq!(shown.attribute("permissions/can-update-membership"), true);
    owner.delete(&path).await.is_forbidden();
    for (attribute, value) in [
        ("name", json!("masters")),
        ("visibility", json!("secret")),
        ("organization-access", json!({ "manage-teams": false })),
    ] {
        let pointer = format!("/data/attributes/{attribute}");
        let change = body(json!({ attribute: value }));
        owner.patch(&path, change).await.is_unprocessable(&pointer);
    }
    owner.patch(&path, body(json!({ "name": "owners" }))).await.is_ok();
}

#[tokio::test]
async fn the_last_owner_stays() {
    let server = Server::start().await;
    let owner = server.owner();
    let members = format!("/teams/{}/relationships/users", owners_team(&owner).await);
    owner.delete_with(&members, users(&["owner"])).await.is_forbidden();
    let username = server.member().user().await.username;
    owner.post(&members, users(&[&username])).await.is_no_content();
    owner.delete_with(&members, users(&["owner"])).await.is_no_content();
    server.member().delete_with(&members, users(&[&username])).await.is_forbidden();
    owner.get("/organizations/acme").await.is_ok();
    let teams = owner.get("/organizations/acme/teams").await.is_ok();
    assert_eq!(teams.attributes("permissions/can-update-membership"), [false]);
}

#[tokio::test]
async fn people_are_added_and_removed_by_username() {
    let server = Server::start().await;
    let owner = server.owner();
    let member = server.member().user().await;
    let team = create(&owner, json!({ "name": "network" })).await.is_created().id();
    let members = format!("/teams/{team}/relationships/users");
    for _ in 0..2 {
        owner.post(&members, users(&[&member.username.to_uppercase()])).await.is_no_content();
    }
    let shown = owner.get(format!("/teams/{team}?include=users,organization_memberships")).await;
    let shown = shown.is_ok();
    assert_eq!(shown.attribute("users-count"), 1);
    let included = shown.json()["included"].clone();
    assert_eq!(included[0]["attributes"]["username"], json!(member.username));
    assert_eq!(included[1]["attributes"]["email"], json!(member.email));
    for _ in 0..2 {
        owner.delete_with(&members, users(&[&member.username])).await.is_no_content();
    }
    let shown = owner.get(format!("/teams/{team}")).await.is_ok();
    assert_eq!(shown.attribute("users-count"), 0);
}

#[tokio::test]
async fn nobody_is_added_if_one_is_not_of_the_organization() {
    let server = Server::start().await;
    let owner = server.owner();
    let member = server.member().user().await.username;
    let stranger = server.stranger().user().await.username;
    let team = create(&owner, json!({ "name": "network" })).await.is_created().id();
    let members = format!("/teams/{team}/relationships/users");
    let refused = owner.post(&members, users(&[&member, &stranger])).await.is_bad_request();
    assert_eq!(refused.error(), "stranger is not a member of the organization.");
    owner.post(&members, users(&["nobody"])).await.is_bad_request();
    let shown = owner.get(format!("/teams/{team}")).await.is_ok();
    assert_eq!(shown.attribute("users-count"), 0);
}

#[tokio::test]
async fn secret_teams_are_there_only_for_their_members_and_for_managers() {
    let server = Server::start().await;
    let owner = server.owner();
    let member = server.member();
    let secret = create(&owner, json!({ "name": "secret" })).await.is_created().id();
    let visible = json!({ "name": "visible", "visibility": "organization" });
    let visible = create(&owner, visible).await.is_created().id();
    let names = async || member.get("/organizations/acme/teams").await.is_ok().attributes("name");
    member.user().await;
    assert_eq!(names().await, ["owners", "visible"]);
    member.get(format!("/teams/{secret}")).await.is_not_found();
    member.get(format!("/teams/{visible}")).await.is_ok();
    member.delete(format!("/teams/{visible}")).await.is_not_found();

    let managers = json!({ "manage-membership": true, "access-secret-teams": true });
    member_with(&server, managers).await;
    assert_eq!(names().await, ["managers", "owners", "secret", "visible"]);
    member.get(format!("/teams/{secret}")).await.is_ok();
    server.stranger().get(format!("/teams/{visible}")).await.is_not_found();
    server.foreigner().get("/organizations/acme/teams").await.is_not_found();
}

#[tokio::test]
async fn members_may_not_change_teams_without_the_right_to() {
    let server = Server::start().await;
    let owner = server.owner();
    let member = server.member();
    let visible = json!({ "name": "visible", "visibility": "organization" });
    let team = create(&owner, visible).await.is_created().id();
    member.user().await;
    create(&member, json!({ "name": "mine" })).await.is_not_found();
    member.patch(format!("/teams/{team}"), body(json!({ "name": "mine" }))).await.is_not_found();
    let members = format!("/teams/{team}/relationships/users");
    member.post(members, users(&["member"])).await.is_forbidden();
    let shown = member.get(format!("/teams/{team}")).await.is_ok();
    let permissions = shown.attribute("permissions");
    assert!(permissions.as_object().unwrap().values().all(|right| right == false));
}

#[tokio::test]
async fn managers_of_teams_neither_touch_owners_nor_give_rights() {
    let server = Server::start().await;
    let member = server.member();
    let owners = owners_team(&server.owner()).await;
    let own =
        member_with(&server, json!({ "manage-membership": true, "manage-teams": true })).await;
    create(&member, json!({ "name": "made" })).await.is_created();
    let rights = json!({ "name": "strong", "organization-access": { "manage-workspaces": true } });
    create(&member, rights.clone()).await.is_unprocessable("/data/attributes/organization-access");
    member
        .patch(format!("/teams/{own}"), body(rights))
        .await
        .is_unprocessable("/data/attributes/organization-access");
    member.patch(format!("/teams/{own}"), body(json!({ "name": "chiefs" }))).await.is_ok();
    let path = format!("/teams/{owners}/relationships/users");
    member.post(&path, users(&["member"])).await.is_forbidden();
    member.post(format!("/teams/{owners}/authentication-token"), ()).await.is_not_found();
}

#[tokio::test]
async fn who_manages_rights_only_does_not_rename_teams() {
    let server = Server::start().await;
    let owner = server.owner();
    let member = server.member();
    let all = json!({
        "manage-membership": true, "manage-teams": true, "manage-organization-access": true,
    });
    let managers = member_with(&server, all).await;
    let rights = json!({ "organization-access": { "read-projects": true } });
    let change = member.patch(format!("/teams/{managers}"), body(rights)).await.is_ok();
    assert_eq!(change.attribute("organization-access/read-projects"), true);
    // Giving away one's own right shows at once.
    let less = json!({ "organization-access": { "manage-organization-access": false } });
    let change = member.patch(format!("/teams/{managers}"), body(less)).await.is_ok();
    assert_eq!(change.attribute("permissions/can-update-organization-access"), false);
    owner.delete(format!("/teams/{managers}")).await.is_no_content();
    member.get(format!("/teams/{managers}")).await.is_not_found();
}

#[tokio::test]
async fn a_deleted_team_takes_its_rights_and_tokens_along() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let team = member_with(&server, json!({ "read-workspaces": true })).await;
    let token = owner.post(format!("/teams/{team}/authentication-token"), ()).await.is_created();
    let token = token.attribute("token").as_str().unwrap().to_owned();
    let path = format!("/workspaces/{}", ws.id);
    server.member().get(&path).await.is_ok();
    server.bearer(&token).get(&path).await.is_ok();
    owner.delete(format!("/teams/{team}")).await.is_no_content();
    server.member().get(&path).await.is_not_found();
    server.bearer(&token).get(&path).await.is_unauthorized();
}
