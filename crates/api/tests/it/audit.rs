//! `/organization/audit-trail`, and the chain that it is read from

use domain::audit;
use domain::row::Workspace;
use serde_json::{Value, json};
use testkit::Server;

use crate::notifications::{Recipient, loopback};
use crate::states::{lock, state, versions, whole};

const TRAIL: &str = "/organization/audit-trail";

async fn token(server: &Server, kind: &str) -> String {
    let path = format!("/organizations/acme/authentication-token{kind}");
    let made = server.owner().post(path, ()).await.is_created();
    made.attribute("token").as_str().unwrap().to_owned()
}

async fn trail(server: &Server, token: &str, query: &str) -> Value {
    server.bearer(token).get(format!("{TRAIL}{query}")).await.is_ok().json()
}

fn actions(trail: &Value) -> Vec<String> {
    let data = trail["data"].as_array().unwrap().iter();
    let said = |entry: &Value| {
        let text = |name: &str| entry["resource"][name].as_str().unwrap().to_owned();
        format!("{} {}", text("action"), text("type"))
    };
    data.map(said).collect()
}

#[tokio::test]
async fn the_newest_comes_first_and_says_who_did_what_to_which() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let token = token(&server, "").await;
    lock(&owner, &ws).await;
    let owner = owner.with("x-request-id", "unlocking");
    owner.post(format!("/workspaces/{}/actions/unlock", ws.id), ()).await.is_ok();
    let all = trail(&server, &token, "").await;
    assert_eq!(actions(&all)[..2], ["unlock workspace", "lock workspace"]);
    let newest = &all["data"][0];
    let organization = owner.get("/organizations/acme").await.is_ok();
    assert_eq!(newest["auth"]["organization_id"], organization.attribute("external-id"));
    assert_eq!(newest["auth"]["description"], "owner");
    assert_eq!(newest["resource"]["id"], json!(ws.id));
    assert_eq!(newest["request"]["id"], "unlocking");
    assert_eq!((&newest["type"], &newest["version"]), (&json!("Resource"), &json!("0")));
    // By pages, and strictly after a moment.
    let second = trail(&server, &token, "?page[size]=1&page[number]=2").await;
    assert_eq!(actions(&second), ["lock workspace"]);
    let count = all["pagination"]["total_count"].as_u64().unwrap();
    let pages = json!({ "current_page": 2, "prev_page": 1, "next_page": 3,
        "total_pages": count, "total_count": count });
    assert_eq!(second["pagination"], pages);
    let at = newest["timestamp"].as_str().unwrap();
    let none = trail(&server, &token, &format!("?since={at}")).await;
    assert_eq!((actions(&none).len(), &none["pagination"]["total_pages"]), (0, &json!(1)));
    let wrong = server.bearer(&token).get(format!("{TRAIL}?since=yesterday")).await;
    assert_eq!(wrong.status, 400, "{wrong}");
}

#[tokio::test]
async fn only_tokens_of_the_organization_read_it_and_only_its_own() {
    let server = Server::start().await;
    let (all, audits) = (token(&server, "").await, token(&server, "?token=audit-trails").await);
    server.workspace("networking").await;
    for token in [&all, &audits] {
        assert!(actions(&trail(&server, token, "").await).contains(&"create workspace".to_owned()));
    }
    for somebody in [server.owner(), server.member(), server.site_admin(), server.foreigner()] {
        somebody.get(TRAIL).await.is_not_found();
    }
    let shown = trail(&server, &all, "?page[size]=100").await;
    let organization = server.owner().get("/organizations/acme").await.is_ok();
    for entry in shown["data"].as_array().unwrap() {
        assert_eq!(entry["auth"]["organization_id"], organization.attribute("external-id"));
    }
}

#[tokio::test]
async fn who_reads_a_state_is_recorded_before_and_else_reads_nothing() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let token = token(&server, "").await;
    let address = uploaded(&server, &ws).await;
    server.nobody().get(&address).await.is_ok();
    let all = trail(&server, &token, "").await;
    assert_eq!(actions(&all)[0], "state_read state-version");
    assert_eq!(all["data"][0]["auth"]["description"], "owner");
    assert!(all["data"][0]["auth"]["token_id"].as_str().unwrap().starts_with("at-"));
    server.execute("ALTER TABLE events RENAME TO kept").await;
    let refused = owner.get(&address).await;
    assert!(refused.status.is_server_error() && !refused.text().contains("lineage"), "{refused}");
}

#[tokio::test]
async fn an_address_is_told_all_of_it_in_order_and_again_what_it_did_not_take() {
    let server = Server::start_with(loopback).await;
    let (admin, owner) = (server.site_admin(), server.owner());
    let path = "/admin/general-settings";
    let set = |attributes: Value| json!({ "data": { "type": "general-settings", "attributes": attributes } });
    for wrong in ["http://collector.example/", "ftp://127.0.0.1/", "collector"] {
        let refused = admin.patch(path, set(json!({ "audit-export-url": wrong }))).await;
        refused.is_unprocessable("/data/attributes/audit-export-url");
    }
    let recipient = Recipient::answering(&[503]).await;
    let settings =
        json!({ "audit-export-url": recipient.url, "audit-export-token": "collector-token" });
    let decided = admin.patch(path, set(settings)).await.is_ok();
    assert!(!decided.to_string().contains("collector-token"), "{decided}");
    let ws = server.workspace("networking").await;
    lock(&owner, &ws).await;
    let cx = server.system();
    domain::events::read(&cx).await.unwrap();
    assert!(audit::tell(&cx).await.is_err(), "it was not taken");
    audit::tell(&cx).await.unwrap();
    audit::tell(&cx).await.unwrap();
    let heard = recipient.heard().await;
    assert_eq!(heard.len(), 2, "nothing is new the third time");
    let (first, second) = (&heard[0], &heard[1]);
    assert_eq!(first.body, second.body, "all of it comes again");
    assert_eq!(second.authorization.as_deref(), Some("Bearer collector-token"));
    let entries: Vec<Value> =
        second.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<_> = entries.iter().map(|entry| entry["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..).take(numbers.len()).collect::<Vec<i64>>());
    let last = &entries.last().unwrap()["entry"]["resource"];
    assert_eq!((&last["action"], &last["type"]), (&json!("lock"), &json!("workspace")));

    owner.post(format!("/workspaces/{}/actions/unlock", ws.id), ()).await.is_ok();
    domain::events::read(&cx).await.unwrap();
    audit::tell(&cx).await.unwrap();
    let third = recipient.heard().await.pop().unwrap().body;
    assert_eq!(third.lines().count(), 1, "only what is new: {third}");
    assert!(third.contains("unlock"), "{third}");
}

async fn uploaded(server: &Server, ws: &Workspace) -> String {
    lock(&server.owner(), ws).await;
    let body = whole(1, &state(1, "kept"));
    let made = server.owner().post(versions(ws), body).await.is_created();
    made.attribute("hosted-state-download-url").as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_changed_a_missing_and_a_forged_entry_are_found() {
    let server = Server::start().await;
    server.workspace("networking").await;
    let cx = server.system();
    domain::events::read(&cx).await.unwrap();
    let sound = audit::verify(&cx).await.unwrap();
    assert!(sound.is_whole() && sound.whole > 3, "{sound:?}");
    let last = sound.whole;
    for (damage, broken) in [
        ("UPDATE audit_entries SET body = REPLACE(body, 'create', 'delete') WHERE number = 2", 2),
        ("DELETE FROM audit_entries WHERE number = 3", 4),
        ("UPDATE audit_entries SET number = number + 1 WHERE number = 1", 2),
        (
            "UPDATE audit_entries SET hash = (SELECT hash FROM audit_entries WHERE number = 1) WHERE number = 2",
            2,
        ),
    ] {
        let server = Server::start().await;
        server.workspace("networking").await;
        let cx = server.system();
        domain::events::read(&cx).await.unwrap();
        if damage.contains("number + 1") {
            server.execute("DELETE FROM audit_entries WHERE number = 2").await;
        }
        server.execute(damage).await;
        let found = audit::verify(&cx).await.unwrap();
        assert_eq!(found.broken.map(|(number, _)| number), Some(broken), "{damage}");
    }
    // Its end has been cut off: the events are still there, and the head is another one.
    server.execute(&format!("DELETE FROM audit_entries WHERE number = {last}")).await;
    let cut = audit::verify(&cx).await.unwrap();
    assert_eq!((cut.broken, cut.missing), (None, 1));
    assert_ne!(cut.head, sound.head);
}
