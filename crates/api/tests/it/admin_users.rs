//! Everybody with an account here, and what administrators of the site decide about them.

use http::StatusCode;
use serde_json::json;
use testkit::Server;

use crate::runs::{run, upload};

const PATH: &str = "/admin/users";

fn action(id: &str, name: &str) -> String {
    format!("{PATH}/{id}/actions/{name}")
}

#[tokio::test]
async fn administrators_find_whoever_has_an_account_here() {
    let server = Server::start().await;
    let admin = server.site_admin();
    let member = server.member().user().await;
    let all = admin.get(PATH).await.is_ok();
    let count = all.data().as_array().unwrap().len();
    assert!(count >= 3, "{all}");
    let found = admin.get(format!("{PATH}?q={}", member.username.to_uppercase())).await.is_ok();
    assert_eq!(found.attributes("username"), [&*member.username]);
    let one = &found.data()[0];
    assert_eq!(one["type"], "users");
    assert_eq!(one["attributes"]["email"], json!(member.email));
    assert_eq!(one["attributes"]["two-factor"], json!({ "enabled": false, "verified": false }));
    // Which the administrator is not in.
    let query = format!("{PATH}?q={}&include=organizations", member.username);
    let with_them = admin.get(query).await.is_ok();
    assert_eq!(with_them.json()["included"][0]["id"], "acme");
    let organizations = json!([{ "type": "organizations", "id": "acme" }]);
    assert_eq!(one["relationships"]["organizations"]["data"], organizations);

    let count_of = async |filter: &str| {
        let found = admin.get(format!("{PATH}?{filter}")).await.is_ok().data();
        found.as_array().unwrap().len()
    };
    assert_eq!(count_of("filter[admin]=true").await, 1);
    assert_eq!(count_of("filter[admin]=false").await, count - 1);
    assert_eq!(count_of("filter[suspended]=true").await, 0);
    assert_eq!(count_of("filter[suspended]=false").await, count);
    admin.get(format!("{PATH}?filter[admin]=perhaps")).await.is_bad_request();
    for other in [server.owner(), server.member(), server.stranger()] {
        other.get(PATH).await.is_not_found();
        other.post(action(member.id.as_str(), "suspend"), ()).await.is_not_found();
    }
}

#[tokio::test]
async fn a_suspended_account_opens_nothing_until_it_is_unsuspended() {
    let server = Server::start().await;
    let (admin, member) = (server.site_admin(), server.member());
    let id = member.user().await.id.to_string();
    member.get("/account/details").await.is_ok();
    let shown = admin.post(action(&id, "suspend"), ()).await.is_ok();
    assert_eq!(shown.attribute("is-suspended"), true);
    member.get("/account/details").await.has_status(StatusCode::UNAUTHORIZED);
    let suspended = admin.get(format!("{PATH}?filter[suspended]=true")).await.is_ok().data();
    assert_eq!(suspended[0]["id"], json!(id));
    // Once more changes nothing, and tells nobody.
    let told = server.row_counts().await["events"];
    admin.post(action(&id, "suspend"), ()).await.is_ok();
    assert_eq!(server.row_counts().await["events"], told);
    admin.post(action(&id, "unsuspend"), ()).await.is_ok();
    member.get("/account/details").await.is_ok();
    admin.post(action("user-1111111111111111", "suspend"), ()).await.is_not_found();
}

#[tokio::test]
async fn somebody_always_looks_after_the_site() {
    let server = Server::start().await;
    let (admin, member) = (server.site_admin(), server.member());
    let own = admin.user().await.id.to_string();
    let id = member.user().await.id.to_string();
    for last in ["revoke_admin", "suspend"] {
        admin.post(action(&own, last), ()).await.has_status(StatusCode::CONFLICT);
    }
    member.get(PATH).await.is_not_found();
    let shown = admin.post(action(&id, "grant_admin"), ()).await.is_ok();
    assert_eq!(shown.attribute("is-admin"), true);
    member.get(PATH).await.is_ok();
    // Of two who end each other, one stays.
    let (one, other) = tokio::join!(
        admin.post(action(&id, "revoke_admin"), ()),
        member.post(action(&own, "revoke_admin"), ()),
    );
    let done = [&one, &other].iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(done, 1, "{one} {other}");
    let left = if one.status.is_success() { &admin } else { &member };
    let found = left.get(format!("{PATH}?filter[admin]=true")).await.is_ok().data();
    assert_eq!(found.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_deleted_account_leaves_what_its_person_has_made() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let (admin, owner) = (server.site_admin(), server.owner());
    let planner = server.planner(&ws);
    let id = planner.user().await.id.to_string();
    upload(&owner, &ws, false).await;
    let queued = planner.post("/runs", run(&ws, json!({ "message": "mine" }))).await.is_created();
    let path = format!("{PATH}/{id}");
    for other in [&owner, &planner] {
        other.delete(&path).await.is_not_found();
    }
    admin.delete(&path).await.is_no_content();
    planner.get("/account/details").await.is_unauthorized();
    let shown = owner.get(format!("/runs/{}", queued.id())).await.is_ok();
    assert_eq!(shown.attribute("message"), "mine");
    assert_eq!(shown.related("created-by"), json!(id));
    owner.get(format!("/runs/{}?include=created_by", queued.id())).await.is_ok();
    let members = "/organizations/acme/organization-memberships?page[size]=100&include=user";
    assert!(!owner.get(members).await.is_ok().text().contains(&id));
    admin.delete(&path).await.is_not_found();
    let told = server.organization_token().get("/organization/audit-trail").await.is_ok().text();
    assert!(told.contains("member_removed") && told.contains(&id), "{told}");
}

#[tokio::test]
async fn nobody_is_deleted_without_whom_something_has_no_owner() {
    let server = Server::start().await;
    let (admin, owner) = (server.site_admin(), server.owner());
    let own = admin.user().await.id.to_string();
    admin.delete(format!("{PATH}/{own}")).await.is_conflict();
    let only = owner.user().await;
    let path = format!("{PATH}/{}", only.id);
    let said = admin.delete(&path).await.is_conflict().error();
    assert!(said.contains("only owner of acme"), "{said}");
    owner.get("/account/details").await.is_ok();
    // Of two administrators who delete each other, one stays.
    let id = server.member().user().await.id.to_string();
    admin.post(action(&id, "grant_admin"), ()).await.is_ok();
    let member = server.member();
    let (one, other) =
        tokio::join!(admin.delete(format!("{PATH}/{id}")), member.delete(format!("{PATH}/{own}")));
    let done = [&one, &other].iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(done, 1, "{one} {other}");
}
