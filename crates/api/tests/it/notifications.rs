//! `/notification-configurations`, and what arrives at those who are to be told

mod destructions;

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use domain::{events, notifications, row::Workspace};
use serde_json::{Value, json};
use testkit::{Client, Options, Server};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::Mutex,
};

use crate::{
    agent::Agent,
    runs::{run, upload},
};

/// Somebody who is told: answers with the codes and words that it was given, then with 200 and the last words.
pub struct Recipient {
    pub url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

#[derive(Clone, Debug)]
pub struct Heard {
    pub signature: Option<String>,
    pub authorization: Option<String>,
    pub body: String,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Recipient {
    pub async fn answering(codes: &'static [u16]) -> Self {
        Self::saying(codes.iter().map(|code| (*code, "ok".to_owned())).collect()).await
    }

    pub async fn saying(answers: Vec<(u16, String)>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/hook?secret=hunter3", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (log, mut answers) = (heard.clone(), answers.into_iter());
        let mut words = "ok".to_owned();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (read, mut write) = stream.split();
                let mut read = BufReader::new(read);
                let (mut length, mut signature, mut authorization) = (0, None, None);
                loop {
                    let mut line = String::new();
                    read.read_line(&mut line).await.unwrap();
                    let Some((name, value)) = line.trim().split_once(": ") else {
                        if line.trim().is_empty() {
                            break;
                        }
                        continue;
                    };
                    match name {
                        "content-length" => length = value.parse().unwrap(),
                        "x-tfe-notification-signature"
                        | "x-tfc-task-signature"
                        | "x-statehouse-signature" => {
                            signature = Some(value.to_owned());
                        }
                        "authorization" => authorization = Some(value.to_owned()),
                        _ => {}
                    }
                }
                let mut body = vec![0; length];
                read.read_exact(&mut body).await.unwrap();
                let body = String::from_utf8(body).unwrap();
                log.lock().await.push(Heard { signature, authorization, body });
                let mut code = 200;
                if let Some(next) = answers.next() {
                    (code, words) = next;
                }
                let length = words.len();
                let answer = format!(
                    "HTTP/1.1 {code} So\r\nx-seen: yes\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{words}"
                );
                write.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, heard }
    }

    pub async fn new() -> Self {
        Self::answering(&[]).await
    }

    pub async fn heard(&self) -> Vec<Heard> {
        self.heard.lock().await.clone()
    }

    /// What it was told since the last time.
    pub async fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.heard.lock().await).iter().map(Heard::json).collect()
    }

    /// The triggers of what it was told, verifications left out.
    pub async fn triggers(&self) -> Vec<String> {
        let heard = self.heard().await;
        let triggers = heard.iter().map(|one| {
            one.json()["notifications"][0]["trigger"].as_str().unwrap_or_default().to_owned()
        });
        triggers.filter(|trigger| trigger != "verification").collect()
    }
}

pub fn loopback(options: &mut Options) {
    options.courier.networks = vec!["127.0.0.0/8".parse().unwrap()];
}

fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "notification-configurations", "attributes": attributes } })
}

pub fn generic(url: &str, enabled: bool, triggers: &[&str]) -> Value {
    body(json!({
        "name": "hook", "destination-type": "generic", "enabled": enabled, "url": url,
        "token": "hunter2", "triggers": triggers,
    }))
}

pub fn of(ws: &Workspace) -> String {
    format!("/workspaces/{}/notification-configurations", ws.id)
}

pub async fn deliver(server: &Server) {
    events::read(&server.system()).await.unwrap();
    notifications::deliveries().finish(&server.system()).await.unwrap();
}

async fn responses(client: &Client<'_>, id: &str) -> Vec<Value> {
    let shown = client.get(format!("/notification-configurations/{id}")).await.is_ok();
    shown.attribute("delivery-responses").as_array().unwrap().clone()
}

#[tokio::test]
async fn a_configuration_is_made_changed_and_deleted() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let admin = server.admin_of(&ws);
    let new = generic("https://example.com/hook", false, &["run:errored", "run:created"]);
    let made = admin.post(of(&ws), new).await.is_created();
    assert!(made.id().starts_with("nc-"));
    assert_eq!(made.attribute("enabled"), false);
    assert_eq!(made.attribute("token"), Value::Null);
    assert_eq!(made.attribute("url"), "https://example.com/hook");
    assert_eq!(made.attribute("triggers"), json!(["run:created", "run:errored"]));
    assert_eq!(made.attribute("delivery-responses"), json!([]));
    assert_eq!(made.related("subscribable"), ws.id.as_str());
    let one = format!("/notification-configurations/{}", made.id());
    assert_eq!(admin.get(&one).await.is_ok().data(), made.data());
    let change = body(json!({ "name": "other", "triggers": [], "token": null }));
    let changed = admin.patch(&one, change).await.is_ok();
    assert_eq!(changed.attribute("name"), "other");
    assert_eq!(changed.attribute("triggers"), json!([]));
    assert_eq!(changed.attribute("url"), "https://example.com/hook");
    let kept = server.everything().await;
    assert!(!kept.contains("hunter2") && !kept.contains("example.com/hook"));
    admin.delete(&one).await.is_no_content();
    admin.get(&one).await.is_not_found();
}

#[tokio::test]
async fn wrong_configurations_are_refused() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let url = "https://example.com/";
    for (attributes, culprit) in [
        (json!({ "destination-type": "generic", "url": url }), "name"),
        (json!({ "name": " ", "destination-type": "generic", "url": url }), "name"),
        (json!({ "name": "x", "url": url }), "destination-type"),
        (json!({ "name": "x", "destination-type": "pigeon", "url": url }), "destination-type"),
        (json!({ "name": "x", "destination-type": "generic" }), "url"),
        (json!({ "name": "x", "destination-type": "slack" }), "url"),
        (json!({ "name": "x", "destination-type": "microsoft-teams" }), "url"),
        (json!({ "name": "x", "destination-type": "generic", "url": "ftp://x" }), "url"),
        (
            json!({ "name": "x", "destination-type": "email", "email-addresses": ["x"] }),
            "email-addresses",
        ),
        (
            json!({ "name": "x", "destination-type": "email", "triggers": ["change_request:created"] }),
            "triggers",
        ),
    ] {
        let refused = owner.post(of(&ws), body(attributes)).await;
        refused.is_unprocessable(&format!("/data/attributes/{culprit}"));
    }
    let beacons = generic(url, false, &["the beacons of gondor are lit"]);
    let refused = owner.post(of(&ws), beacons).await;
    assert_eq!(refused.status, 422);
    let mut strangers = body(json!({ "name": "x", "destination-type": "email" }));
    let stranger = server.stranger().user().await;
    strangers["data"]["relationships"] =
        json!({ "users": { "data": [{ "type": "users", "id": stranger.id }] } });
    owner.post(of(&ws), strangers).await.is_unprocessable("/data/relationships/users");
    assert_eq!(owner.get(of(&ws)).await.is_ok().data(), json!([]));
}

#[tokio::test]
async fn lists_are_whole_unless_a_page_is_asked_for_and_end_at_twenty() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let new = generic("https://example.com/", false, &[]);
    for _ in 0..20 {
        owner.post(of(&ws), &new).await.is_created();
    }
    owner.post(of(&ws), &new).await.is_unprocessable("/data/attributes/name");
    let all = owner.get(of(&ws)).await.is_ok();
    assert_eq!(all.data().as_array().unwrap().len(), 20);
    assert!(all.json().get("meta").is_none(), "{all}");
    let far = owner.get(format!("{}?page[number]=999&page[size]=100", of(&ws))).await.is_ok();
    assert_eq!(far.data(), json!([]));
    assert_eq!(far.json()["meta"]["pagination"]["total-count"], 20);
    assert_eq!(far.json()["meta"]["pagination"]["current-page"], 999);
}

#[tokio::test]
async fn projects_and_teams_have_configurations_as_well() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let path = format!("/projects/{}/notification-configurations", ws.project_id);
    let new = generic("https://example.com/", false, &["run:completed"]);
    let made = owner.post(&path, new).await.is_created();
    assert_eq!(made.related("subscribable"), ws.project_id.as_str());
    assert_eq!(owner.get(&path).await.is_ok().data(), json!([made.data()]));
    server.admin_of(&ws).get(&path).await.is_not_found();

    let team = json!({ "data": { "type": "teams", "attributes": { "name": "cables" } } });
    let team = owner.post("/organizations/acme/teams", team).await.is_created().id();
    let path = format!("/teams/{team}/notification-configurations");
    for trigger in ["change_request:created", "team:change_request"] {
        let new = generic("https://example.com/", false, &[trigger]);
        let made = owner.post(&path, new).await.is_created();
        assert_eq!(made.related("subscribable"), team.as_str());
        assert_eq!(made.attribute("triggers"), json!([trigger]));
    }
    let wrong = generic("https://example.com/", false, &["run:completed"]);
    owner.post(&path, wrong).await.is_unprocessable("/data/attributes/triggers");
    server.member().get(&path).await.is_not_found();
}

#[tokio::test]
async fn only_admins_of_the_workspace_have_to_do_with_it() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let new = generic("https://example.com/", false, &[]);
    let id = server.admin_of(&ws).post(of(&ws), &new).await.is_created().id();
    for other in [server.reader(&ws), server.writer(&ws), server.member(), server.foreigner()] {
        other.get(of(&ws)).await.is_not_found();
        other.post(of(&ws), &new).await.is_not_found();
        other.get(format!("/notification-configurations/{id}")).await.is_not_found();
        other.delete(format!("/notification-configurations/{id}")).await.is_not_found();
    }
}

#[tokio::test]
async fn what_is_enabled_is_tried_first_and_what_is_not_is_left_alone() {
    let server = Server::start_with(loopback).await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let quiet = Recipient::new().await;
    owner.post(of(&ws), generic(&quiet.url, false, &[])).await.is_created();
    assert!(quiet.heard().await.is_empty());

    let there = Recipient::new().await;
    let made = owner.post(of(&ws), generic(&there.url, true, &[])).await.is_created();
    let heard = there.heard().await;
    assert_eq!(heard.len(), 1);
    let said = heard[0].json();
    assert_eq!(said["notification_configuration_id"], made.id());
    assert_eq!(said["run_id"], Value::Null);
    assert_eq!(said["notifications"][0]["trigger"], "verification");
    let signature = crypto_of("hunter2", &heard[0].body);
    assert_eq!(heard[0].signature.as_deref(), Some(signature.as_str()));
    let kept = made.attribute("delivery-responses");
    assert_eq!(kept[0]["code"], "200");
    assert_eq!(kept[0]["successful"], "true");
    assert_eq!(kept[0]["body"], "ok");
    assert_eq!(kept[0]["headers"]["x-seen"], json!(["yes"]));
    assert_eq!(kept[0]["url"], there.url.as_str());

    let broken = Recipient::answering(&[500]).await;
    let refused = owner.post(of(&ws), generic(&broken.url, true, &[])).await.is_bad_request();
    assert!(refused.error().contains("500"), "{refused}");
    assert_eq!(owner.get(of(&ws)).await.is_ok().data().as_array().unwrap().len(), 2);
}

/// As whoever is told computes it.
pub fn crypto_of(token: &str, body: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha512>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn a_configuration_is_verified_and_enabled_by_hand() {
    let server = Server::start_with(loopback).await;
    server.stop_clock();
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let recipient = Recipient::answering(&[503, 204, 302]).await;
    let made = owner.post(of(&ws), generic(&recipient.url, false, &[])).await.is_created();
    let one = format!("/notification-configurations/{}", made.id());
    owner.post(format!("{one}/actions/enable"), ()).await.is_bad_request();
    assert_eq!(owner.get(&one).await.is_ok().attribute("enabled"), false);
    server.pass(Duration::from_secs(1));
    let verified = owner.post(format!("{one}/actions/verify"), ()).await.is_ok();
    assert_eq!(verified.attribute("enabled"), false);
    server.pass(Duration::from_secs(1));
    // A redirect is no success, wherever it leads.
    owner.post(format!("{one}/actions/verify"), ()).await.is_bad_request();
    server.pass(Duration::from_secs(1));
    let enabled = owner.post(format!("{one}/actions/enable"), ()).await.is_ok();
    assert_eq!(enabled.attribute("enabled"), true);
    let codes: Vec<_> =
        responses(&owner, &made.id()).await.iter().map(|r| r["code"].clone()).collect();
    assert_eq!(codes, ["200", "302", "204", "503"]);
    server.writer(&ws).post(format!("{one}/actions/verify"), ()).await.is_not_found();
}

#[tokio::test]
async fn private_networks_are_refused_unless_the_operator_allows_them() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let neighbour = Recipient::new().await;
    let port = neighbour.url.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1"] {
        let url = format!("http://{host}:{port}/hook");
        let refused = owner.post(of(&ws), generic(&url, true, &[])).await.is_bad_request();
        assert!(refused.error().contains("private network"), "{refused}");
    }
    // One that was not tried is stored, but nothing of it leaves.
    let made = owner.post(of(&ws), generic(&neighbour.url, false, &["run:created"])).await;
    let made = made.is_created();
    server.execute("UPDATE notification_configurations SET enabled = TRUE").await;
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    deliver(&server).await;
    assert!(neighbour.heard().await.is_empty());
    let kept = responses(&owner, &made.id()).await;
    assert_eq!(kept[0]["successful"], "false");
    assert!(kept[0]["body"].as_str().unwrap().contains("private network"));
}

#[tokio::test]
async fn a_run_that_would_go_on_but_waits_for_several_people_wants_attention() {
    let server = Server::start_with(loopback).await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let told = Recipient::new().await;
    owner.post(of(&ws), generic(&told.url, true, &["run:needs_attention"])).await.is_created();
    upload(&owner, &ws, false).await;
    let empty = run(&ws, json!({ "auto-apply": true }));
    let id = owner.post("/runs", empty).await.is_created().id();
    server.advance().await;
    let claimed = agent.must_claim().await;
    // While it is planned.
    let several =
        json!({ "data": { "type": "workspaces", "attributes": { "confirmations-required": 2 } } });
    owner.patch(format!("/workspaces/{}", ws.id), several).await.is_ok();
    claimed.execute().await;
    let shown = owner.get(format!("/runs/{id}")).await.is_ok();
    assert_eq!(shown.attribute("status"), "planned", "{shown}");
    deliver(&server).await;
    assert_eq!(told.triggers().await, ["run:needs_attention"]);
}

#[tokio::test]
async fn the_way_of_a_run_is_told_to_whom_it_interests() {
    let server = Server::start_with(loopback).await;
    let agent = Agent::register(&server).await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let (all, errors, of_project) =
        (Recipient::new().await, Recipient::new().await, Recipient::new().await);
    let everything = [
        "run:created",
        "run:planning",
        "run:needs_attention",
        "run:applying",
        "run:completed",
        "run:errored",
    ];
    let id = owner.post(of(&ws), generic(&all.url, true, &everything)).await.is_created().id();
    owner.post(of(&ws), generic(&errors.url, true, &["run:errored"])).await.is_created();
    let path = format!("/projects/{}/notification-configurations", ws.project_id);
    owner.post(path, generic(&of_project.url, true, &["run:completed"])).await.is_created();
    upload(&owner, &ws, false).await;
    let made = owner.post("/runs", run(&ws, json!({ "message": "go" }))).await.is_created().id();
    deliver(&server).await;
    server.advance().await;
    agent.must_claim().await.execute().await;
    // Each step on its own: what is due at one moment may arrive in any order.
    deliver(&server).await;
    owner.post(format!("/runs/{made}/actions/apply"), json!({})).await.is_accepted();
    server.advance().await;
    agent.must_claim().await.execute().await;
    deliver(&server).await;
    let mut told = all.triggers().await;
    assert_eq!(told[0], "run:created");
    told.sort_unstable();
    let mut expected = everything[..5].to_vec();
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert_eq!(of_project.triggers().await, ["run:completed"]);
    assert!(errors.triggers().await.is_empty());

    let heard = all.heard().await;
    let mut said = heard.iter().map(Heard::json);
    let last = said.find(|said| said["notifications"][0]["trigger"] == "run:completed").unwrap();
    assert_eq!(last["payload_version"], 1);
    assert_eq!(last["notification_configuration_id"], id);
    assert_eq!(last["run_id"], made);
    assert_eq!(last["run_message"], "go");
    assert_eq!(last["run_created_by"], "owner");
    assert_eq!(last["workspace_name"], "networking");
    assert_eq!(last["organization_name"], "acme");
    assert_eq!(last["notifications"][0]["message"], "Run Applied");
    assert_eq!(last["notifications"][0]["run_status"], "applied");
    assert!(last["run_url"].as_str().unwrap().ends_with(&made));

    let second = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    owner.post(format!("/runs/{second}/actions/cancel"), json!({})).await.is_accepted();
    deliver(&server).await;
    assert_eq!(errors.triggers().await, ["run:errored"]);
    let canceled = errors.heard().await.last().unwrap().json();
    assert_eq!(canceled["notifications"][0]["message"], "Run Canceled");
    assert_eq!(canceled["notifications"][0]["run_updated_by"], "owner");
    // Speculative plans are nobody's business.
    let before = all.triggers().await.len();
    owner.post("/runs", run(&ws, json!({ "plan-only": true }))).await.is_created();
    deliver(&server).await;
    assert_eq!(all.triggers().await.len(), before);
}

#[tokio::test]
async fn what_was_not_taken_is_sent_again_and_then_given_up() {
    let server = Server::start_with(loopback).await;
    server.stop_clock();
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let recipient = Recipient::answering(&[200, 500, 500]).await;
    let new = generic(&recipient.url, true, &["run:created"]);
    let id = owner.post(of(&ws), new).await.is_created().id();
    upload(&owner, &ws, false).await;
    server.pass(Duration::from_secs(1));
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    deliver(&server).await;
    assert_eq!(recipient.triggers().await.len(), 1);
    // Not before its time.
    deliver(&server).await;
    assert_eq!(recipient.triggers().await.len(), 1);
    server.pass(Duration::from_secs(6));
    deliver(&server).await;
    server.pass(Duration::from_secs(31));
    deliver(&server).await;
    assert_eq!(recipient.triggers().await.len(), 3);
    let codes: Vec<_> = responses(&owner, &id).await.iter().map(|r| r["code"].clone()).collect();
    assert_eq!(codes, ["200", "500", "500", "200"]);
    assert_eq!(server.row_counts().await["tasks"], 0);

    let never = Recipient::answering(&[200, 500, 500, 500, 500, 500, 500]).await;
    let new = generic(&never.url, true, &["run:created"]);
    owner.post(of(&ws), new).await.is_created();
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    for _ in 0..8 {
        deliver(&server).await;
        server.pass(Duration::from_secs(3_700));
    }
    assert_eq!(never.triggers().await.len(), 5);
    assert_eq!(server.row_counts().await["tasks"], 0);
}

#[tokio::test]
async fn what_is_deleted_or_disabled_meanwhile_is_told_nothing() {
    let server = Server::start_with(loopback).await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let (deleted, disabled) = (Recipient::new().await, Recipient::new().await);
    let one = owner.post(of(&ws), generic(&deleted.url, true, &["run:created"])).await;
    let two = owner.post(of(&ws), generic(&disabled.url, true, &["run:created"])).await;
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    let path = |id: String| format!("/notification-configurations/{id}");
    owner.delete(path(one.is_created().id())).await.is_no_content();
    owner.patch(path(two.is_created().id()), body(json!({ "enabled": false }))).await.is_ok();
    deliver(&server).await;
    assert!(deleted.triggers().await.is_empty() && disabled.triggers().await.is_empty());
    assert_eq!(server.row_counts().await["tasks"], 0);
}

#[tokio::test]
async fn chat_services_get_messages_in_their_own_form() {
    let server = Server::start_with(loopback).await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    upload(&owner, &ws, false).await;
    let (slack, teams) = (Recipient::new().await, Recipient::new().await);
    for (kind, recipient) in [("slack", &slack), ("microsoft-teams", &teams)] {
        let mut new = generic(&recipient.url, true, &["run:created"]);
        new["data"]["attributes"]["destination-type"] = json!(kind);
        owner.post(of(&ws), new).await.is_created();
    }
    let id = owner.post("/runs", run(&ws, json!({}))).await.is_created().id();
    deliver(&server).await;
    let said = slack.heard().await;
    assert!(said.iter().all(|heard| heard.signature.is_none()));
    let said = said[1].json();
    assert_eq!(said["text"], "Run Created: acme/networking");
    assert!(said["attachments"][0]["title_link"].as_str().unwrap().ends_with(&id));
    let said = teams.heard().await[1].json();
    assert_eq!(said["@type"], "MessageCard");
    assert_eq!(
        said["sections"][0]["facts"][0],
        json!({ "name": "Workspace", "value": "acme/networking" })
    );
}

#[tokio::test]
async fn mail_goes_to_addresses_and_users_and_waits_for_no_answer() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let member = server.member().user().await;
    let mut new = body(json!({
        "name": "letters", "destination-type": "email", "enabled": true,
        "email-addresses": ["a@example.com"], "triggers": ["run:created"],
    }));
    let users = json!({ "users": { "data": [{ "type": "users", "id": member.id }] } });
    new["data"]["relationships"] = users.clone();
    let made = owner.post(of(&ws), &new).await.is_created();
    assert_eq!(made.attribute("email-addresses"), json!(["a@example.com"]));
    assert_eq!(made.attribute("url"), Value::Null);
    let one = format!("/notification-configurations/{}", made.id());
    let ids = |answer: testkit::Answer| answer.data()["relationships"]["users"]["data"].clone();
    assert_eq!(ids(made), users["users"]["data"]);
    // Without a mail server nothing arrives, and it is said.
    upload(&owner, &ws, false).await;
    owner.post("/runs", run(&ws, json!({}))).await.is_created();
    deliver(&server).await;
    let shown = owner.get(&one).await.is_ok();
    let response = shown.attribute("delivery-responses")[0].clone();
    assert_eq!((&response["code"], &response["successful"]), (&json!(""), &json!("false")));
    assert!(response["body"].as_str().unwrap().contains("smtp_url"));
    owner.post(format!("{one}/actions/verify"), ()).await.is_bad_request();
    // Whoever does not name the users any more wants none.
    let changed = owner.patch(&one, body(json!({ "name": "post" }))).await.is_ok();
    assert_eq!(ids(changed), json!([]));
}

#[tokio::test]
async fn nobody_waits_for_a_recipient_who_takes_his_time() {
    let server = Server::start_with(loopback).await;
    server.stop_clock();
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    upload(&owner, &ws, false).await;
    // It takes requests, and never answers.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let silent = format!("http://{}/", silent.local_addr().unwrap());
    let prompt = Recipient::new().await;
    for url in [&silent, &prompt.url] {
        owner.post(of(&ws), generic(url, false, &["run:created"])).await.is_created();
    }
    server.execute("UPDATE notification_configurations SET enabled = TRUE").await;
    for _ in 0..30 {
        owner.post("/runs", run(&ws, json!({}))).await.is_created();
    }
    let cx = server.system();
    events::read(&cx).await.unwrap();
    let mut under_way = notifications::deliveries();
    let all_are_told = async {
        while prompt.heard().await.len() < 30 {
            under_way.begin(&cx).await.unwrap();
            server.pass(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    // Without the limit a failure would be a test without an end.
    tokio::time::timeout(Duration::from_mins(2), all_are_told).await.expect("it waits");
}
