//! Everybody with an account here, and what administrators of the site decide about them.

use http::StatusCode;
use serde_json::json;
use testkit::Server;

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
