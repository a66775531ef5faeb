//! `/organization-memberships`: invitations, and who belongs to an organization.

use domain::{Site, accounts, can, memberships};
use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

const LIST: &str = "/organizations/acme/organization-memberships";

async fn invite(client: &Client<'_>, email: &str, teams: &[&str]) -> Answer {
    let teams: Vec<_> = teams.iter().map(|id| json!({ "type": "teams", "id": id })).collect();
    let body = json!({ "data": {
        "type": "organization-memberships",
        "attributes": { "email": email },
        "relationships": { "teams": { "data": teams } },
    } });
    client.post(LIST, body).await
}

async fn team(client: &Client<'_>, name: &str, access: Value) -> String {
    let attributes = json!({ "name": name, "organization-access": access });
    let body = json!({ "data": { "type": "teams", "attributes": attributes } });
    client.post("/organizations/acme/teams", body).await.is_created().id()
}

async fn owners_team(client: &Client<'_>) -> String {
    let list = client.get("/organizations/acme/teams?filter[names]=owners").await.is_ok();
    list.data()[0]["id"].as_str().unwrap().to_owned()
}

async fn membership_of(server: &Server, search: &str) -> String {
    let list = server.owner().get(format!("{LIST}?q={search}")).await.is_ok();
    list.data()[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_unknown_address_is_invited_into_teams_with_an_account_behind_it() {
    let server = Server::start().await;
    let owner = server.owner();
    let team = team(&owner, "network", json!({})).await;
    let made = invite(&owner, "New.Person@example.com", &[&team]).await.is_created();
    assert_eq!(made.attribute("status"), "invited");
    assert_eq!(made.attribute("email"), "New.Person@example.com");
    let included = made.json()["included"].clone();
    assert_eq!(included[0]["id"], made.related("user"));
    assert_eq!(included[0]["attributes"]["username"], "New.Person");
    assert_eq!(made.related("organization"), "acme");
    let path = format!("/organization-memberships/{}?include=user,teams", made.id());
    let shown = owner.get(path).await.is_ok();
    assert_eq!(shown.data(), made.data());
    assert_eq!(shown.json()["included"][1]["id"], json!(team));
    let team = owner.get(format!("/teams/{team}")).await.is_ok();
    let memberships = &team.data()["relationships"]["organization-memberships"]["data"];
    assert_eq!(memberships[0]["id"], json!(made.id()));
    assert_eq!(team.attribute("users-count"), 0);
}

#[tokio::test]
async fn a_taken_username_does_not_keep_anybody_from_being_invited() {
    let server = Server::start().await;
    let made = invite(&server.owner(), "owner@elsewhere.example", &[]).await.is_created();
    let username = made.json()["included"][0]["attributes"]["username"].clone();
    assert!(username.as_str().unwrap().starts_with("owner-user-"), "{username}");
}

#[tokio::test]
async fn invitations_need_a_new_address_and_teams_of_the_organization() {
    let server = Server::start().await;
    let owner = server.owner();
    let pointer = "/data/attributes/email";
    for email in ["", "nobody", "owner@example.com", "OWNER@example.com"] {
        invite(&owner, email, &[]).await.is_unprocessable(pointer);
    }
    let elsewhere = json!({ "data": { "type": "teams", "attributes": { "name": "theirs" } } });
    let elsewhere =
        server.foreigner().post("/organizations/elsewhere/teams", elsewhere).await.is_created();
    let before = server.row_counts().await;
    for id in ["team-1111111111111111", &elsewhere.id()] {
        let refused = invite(&owner, "new@example.com", &[id]).await;
        refused.is_unprocessable("/data/relationships/teams");
    }
    assert_eq!(server.row_counts().await, before);
}

#[tokio::test]
async fn an_invitation_gives_rights_only_when_it_is_accepted() {
    let server = Server::start().await;
    let owner = server.owner();
    let ws = server.workspace("networking").await;
    let stranger = server.stranger();
    let user = stranger.user().await;
    let team = team(&owner, "readers", json!({ "read-workspaces": true })).await;
    let made = invite(&owner, user.email.as_ref().unwrap(), &[&team]).await.is_created();
    assert_eq!(made.related("user"), json!(user.id.as_str()));
    let path = format!("/workspaces/{}", ws.id);
    stranger.get(&path).await.is_not_found();
    stranger.get("/organizations/acme").await.is_not_found();
    let own = stranger.get("/organization-memberships?include=organization").await.is_ok();
    assert_eq!(own.attributes("status"), ["invited"]);

    let cx = server.system();
    let site = cx.check::<can::ManageSite, _>(Site::found()).unwrap();
    accounts::reset_password(&cx, &site, &user.id, "battery staple".into()).await.unwrap();
    let email = user.email.unwrap();
    accounts::sign_in(&server.app, &email, "battery staple".into(), &accounts::Origin::default())
        .await
        .unwrap();
    stranger.get(&path).await.is_not_found();
    let secret = made.json()["meta"]["invitation-url"].as_str().unwrap().to_owned();
    let secret = secret.rsplit('/').next().unwrap();
    let invitation = memberships::find_invitation(&server.app, secret).await.unwrap();
    let cx = stranger.cx().await;
    let own = cx.check::<can::UseAccount, _>(Site::found()).unwrap();
    memberships::accept(&cx, &own, &invitation).await.unwrap();
    stranger.get(&path).await.is_ok();
    let own = stranger.get("/organization-memberships?include=organization").await.is_ok();
    assert_eq!(own.attributes("status"), ["active"]);
    assert_eq!(own.json()["included"][0]["id"], "acme");
}

#[tokio::test]
async fn the_list_is_searched_and_filtered() {
    let server = Server::start().await;
    let owner = server.owner();
    server.member().user().await;
    invite(&owner, "new@example.com", &[]).await.is_created();
    let list = async |query: &str| {
        let list = owner.get(format!("{LIST}?{query}")).await.is_ok();
        let mut emails: Vec<String> =
            list.attributes("email").iter().map(|email| email.as_str().unwrap().into()).collect();
        emails.sort();
        emails
    };
    let all = ["member@example.com", "new@example.com", "owner@example.com"];
    assert_eq!(list("").await, all);
    assert_eq!(list("q=MEMB").await, ["member@example.com"]);
    assert_eq!(list("filter[status]=invited").await, ["new@example.com"]);
    assert_eq!(
        list("filter[email]=New@example.com,owner@example.com").await,
        ["new@example.com", "owner@example.com"]
    );
    assert_eq!(list("filter[email]=w@example.com").await, Vec::<String>::new());
    let refused = owner.get(format!("{LIST}?include=fish")).await.is_bad_request();
    assert!(refused.text().contains("include parameter"), "{refused}");
    owner.get(format!("{LIST}?filter[status]=fish")).await.is_bad_request();
}

#[tokio::test]
async fn members_see_their_own_membership_only() {
    let server = Server::start().await;
    let member = server.member();
    let username = member.user().await.username;
    let list = member.get(LIST).await.is_ok();
    assert_eq!(list.attributes("email"), ["member@example.com"]);
    let own = membership_of(&server, &username).await;
    member.get(format!("/organization-memberships/{own}")).await.is_ok();
    let other = membership_of(&server, "owner").await;
    member.get(format!("/organization-memberships/{other}")).await.is_not_found();
    member.delete(format!("/organization-memberships/{other}")).await.is_not_found();
    invite(&member, "new@example.com", &[]).await.is_not_found();
}

#[tokio::test]
async fn members_leave_and_take_nothing_along() {
    let server = Server::start().await;
    let owner = server.owner();
    let member = server.member();
    let user = member.user().await;
    let team = team(&owner, "readers", json!({ "read-workspaces": true })).await;
    let own = membership_of(&server, &user.username).await;
    let of_team = format!("/teams/{team}/relationships/organization-memberships");
    let body = json!({ "data": [{ "type": "organization-memberships", "id": own }] });
    owner.post(&of_team, &body).await.is_no_content();
    assert_eq!(owner.get(&of_team).await.is_ok().attributes("status"), ["active"]);
    member.delete(format!("/organization-memberships/{own}")).await.is_no_content();
    member.get("/organizations/acme").await.is_not_found();
    invite(&owner, user.email.as_ref().unwrap(), &[]).await.is_created();
    assert_eq!(owner.get(&of_team).await.is_ok().data(), json!([]));
}

#[tokio::test]
async fn owners_leave_only_by_the_hand_of_another_owner() {
    let server = Server::start().await;
    let owner = server.owner();
    let member = server.member();
    let username = member.user().await.username;
    let first = membership_of(&server, "owner").await;
    let path = format!("/organization-memberships/{first}");
    owner.delete(&path).await.is_forbidden();

    let managers = team(&owner, "managers", json!({ "manage-membership": true })).await;
    let body = json!({ "data": [{ "type": "users", "id": username }] });
    owner.post(format!("/teams/{managers}/relationships/users"), &body).await.is_no_content();
    member.delete(&path).await.is_forbidden();

    let owners = owners_team(&owner).await;
    owner.post(format!("/teams/{owners}/relationships/users"), &body).await.is_no_content();
    member.delete(&path).await.is_no_content();
    owner.get("/organizations/acme").await.is_not_found();
}

#[tokio::test]
async fn two_owners_who_remove_each_other_do_not_both_succeed() {
    let server = Server::start().await;
    let (owner, member) = (server.owner(), server.member());
    let username = member.user().await.username;
    let owners = owners_team(&owner).await;
    let body = json!({ "data": [{ "type": "users", "id": username }] });
    owner.post(format!("/teams/{owners}/relationships/users"), &body).await.is_no_content();
    let of_owner = format!("/organization-memberships/{}", membership_of(&server, "owner").await);
    let of_member =
        format!("/organization-memberships/{}", membership_of(&server, &username).await);
    let (first, second) = tokio::join!(owner.delete(of_member), member.delete(of_owner));
    let removed = [&first, &second].map(|answer| answer.status.is_success());
    assert!(removed[0] != removed[1], "{first}\n{second}");
}

#[tokio::test]
async fn the_members_of_a_team_are_listed_by_status() {
    let server = Server::start().await;
    let owner = server.owner();
    let team = team(&owner, "network", json!({})).await;
    let username = server.member().user().await.username;
    invite(&owner, "new@example.com", &[&team]).await.is_created();
    let body = json!({ "data": [{ "type": "users", "id": username }] });
    owner.post(format!("/teams/{team}/relationships/users"), &body).await.is_no_content();
    let list = async |query: &str| {
        let path = format!("/teams/{team}/relationships/organization-memberships?{query}");
        owner.get(path).await.is_ok().attributes("status")
    };
    assert_eq!(list("sort=status").await, ["active", "invited"]);
    assert_eq!(list("sort=-status").await, ["invited", "active"]);
    assert_eq!(list("filter[status]=invited").await, ["invited"]);
    assert_eq!(list("filter[is_service_account]=true").await, Vec::<Value>::new());
    assert_eq!(list("filter[is_service_account]=false").await.len(), 2);
}
