//! All organizations, for administrators of the site, and what these allow each.

use serde_json::{Value, json};
use testkit::{Client, Server};

const PATH: &str = "/admin/organizations";
const ACME: &str = "/admin/organizations/acme";

fn sent(attributes: Value) -> Value {
    json!({ "data": { "type": "organizations", "attributes": attributes } })
}

async fn another(server: &Server, name: &str, email: &str) {
    let new = sent(json!({ "name": name, "email": email }));
    server.site_admin().post("/organizations", new).await.is_created();
}

async fn names(admin: &Client<'_>, query: &str) -> Vec<Value> {
    admin.get(format!("{PATH}?{query}")).await.is_ok().attributes("name")
}

#[tokio::test]
async fn administrators_find_every_organization_and_who_owns_it() {
    let server = Server::start().await;
    let (admin, owner) = (server.site_admin(), server.owner());
    let id = owner.user().await.id.to_string();
    another(&server, "zulu", "ops@whiskey.example").await;
    assert_eq!(names(&admin, "").await, ["acme", "zulu"]);
    for query in ["q=whisk", "q=ZUL", "q[name]=zul", "q[email]=whisk"] {
        assert_eq!(names(&admin, query).await, ["zulu"], "{query}");
    }
    // Without a registry there is nobody who shares modules.
    assert_eq!(names(&admin, "filter[module_producer]=true").await, Vec::<Value>::new());
    assert_eq!(names(&admin, "filter[module_producer]=false").await, ["acme", "zulu"]);
    admin.get(format!("{PATH}?filter[module_producer]=perhaps")).await.is_bad_request();

    let shown = admin.get(format!("{ACME}?include=owners")).await.is_ok();
    assert_eq!(shown.id(), "acme");
    assert_eq!(shown.attribute("notification-email"), "acme@example.com");
    for unlimited in ["workspace-limit", "plan-timeout", "apply-timeout"] {
        assert_eq!(shown.attribute(unlimited), json!(null), "{unlimited}");
    }
    assert_eq!(shown.data()["relationships"]["owners"]["data"][0]["id"], json!(id));
    let included = &shown.json()["included"][0];
    assert_eq!((&included["type"], &included["id"]), (&json!("users"), &json!(id)));
    assert_eq!(included["attributes"]["is-suspended"], false);
    admin.get(format!("{PATH}/nowhere")).await.is_not_found();
    for other in [&owner, &server.organization_token()] {
        for path in [PATH, ACME] {
            other.get(path).await.is_not_found();
        }
        other.patch(ACME, sent(json!({ "workspace-limit": 1 }))).await.is_not_found();
        other.delete(ACME).await.is_not_found();
    }
}

#[tokio::test]
async fn what_the_site_allows_holds() {
    let server = Server::start().await;
    let (admin, owner) = (server.site_admin(), server.owner());
    let shown = admin.patch(ACME, sent(json!({ "workspace-limit": 1, "plan-timeout": "90m" })));
    let shown = shown.await.is_ok();
    assert_eq!(shown.attribute("workspace-limit"), 1);
    // By its older name, too.
    for name in ["plan-timeout", "terraform-build-worker-plan-timeout"] {
        assert_eq!(shown.attribute(name), "1h30m");
    }
    let own = owner.get("/organizations/acme").await.is_ok();
    assert_eq!(own.attribute("plan-timeout"), "1h30m");

    let new = |name: &str| json!({ "data": { "attributes": { "name": name } } });
    let path = "/organizations/acme/workspaces";
    owner.post(path, new("first")).await.is_created();
    let said = owner.post(path, new("second")).await.is_conflict().error();
    assert!(said.contains("has allowed 1"), "{said}");
    // Of those who ask at once one gets the last place.
    admin.patch(ACME, sent(json!({ "workspace-limit": 2 }))).await.is_ok();
    let (one, other) =
        tokio::join!(owner.post(path, new("second")), owner.post(path, new("third")));
    let made = [&one, &other].iter().filter(|answer| answer.status.is_success()).count();
    assert_eq!(made, 1, "{one} {other}");
    // 0 is no limit, as in Terraform Enterprise, and so is null.
    for unlimited in [json!(0), json!(null)] {
        admin.patch(ACME, sent(json!({ "workspace-limit": unlimited }))).await.is_ok();
        owner.post(path, new(&format!("more-{}", unlimited.is_null()))).await.is_created();
    }
    let back = json!({ "terraform-build-worker-plan-timeout": null, "apply-timeout": "1h" });
    let shown = admin.patch(ACME, sent(back)).await.is_ok();
    assert_eq!(shown.attribute("plan-timeout"), json!(null));
    assert_eq!(shown.attribute("apply-timeout"), "1h");
}

#[tokio::test]
async fn what_the_server_cannot_do_is_refused() {
    let server = Server::start().await;
    let admin = server.site_admin();
    let before = admin.get(ACME).await.is_ok().data();
    for (name, wrong, right) in [
        ("access-beta-tools", json!(false), json!(true)),
        ("global-module-sharing", json!(true), json!(false)),
        ("global-provider-sharing", json!(true), json!(false)),
        ("is-disabled", json!(true), json!(false)),
        ("terraform-worker-sudo-enabled", json!(true), json!(false)),
    ] {
        let refused = admin.patch(ACME, sent(json!({ name: wrong }))).await;
        refused.is_unprocessable(&format!("/data/attributes/{name}"));
        admin.patch(ACME, sent(json!({ name: right }))).await.is_ok();
    }
    let two = json!({ "apply-timeout": "1h", "terraform-build-worker-apply-timeout": "2h" });
    let place = "/data/attributes/terraform-build-worker-apply-timeout";
    admin.patch(ACME, sent(two)).await.is_unprocessable(place);
    let negative = admin.patch(ACME, sent(json!({ "workspace-limit": -1 }))).await;
    negative.is_unprocessable("/data/attributes/workspace-limit");
    assert_eq!(admin.get(ACME).await.is_ok().data(), before);
}

#[tokio::test]
async fn an_administrator_deletes_an_organization_with_all_that_is_in_it() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let admin = server.site_admin();
    admin.delete(ACME).await.is_no_content();
    admin.get(ACME).await.is_not_found();
    admin.get(format!("/admin/workspaces/{}", ws.id)).await.is_not_found();
    admin.delete(ACME).await.is_not_found();
}
