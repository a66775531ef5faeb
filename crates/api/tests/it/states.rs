//! `/state-versions` and the addresses that states go to.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{id::PlanId, row::Workspace};
use http::{Method, StatusCode};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use testkit::{Answer, Blob, Client, Server};

const LINEAGE: &str = "8d3a4f10-1111-2222-3333-444455556666";

/// A state as the command line writes it; `mark` makes it differ.
pub fn state(serial: i64, mark: &str) -> String {
    format!(
        r#"{{
  "version": 4,
  "terraform_version": "1.12.2",
  "serial": {serial},
  "lineage": "{LINEAGE}",
  "outputs": {{
    "big": {{ "value": 12345678901234567890.5, "type": "number" }},
    "mark": {{ "value": "{mark}", "type": "string" }},
    "password": {{ "value": ["{mark}-secret"], "type": ["list", "string"], "sensitive": true }}
  }},
  "resources": [
    {{
      "mode": "managed", "type": "null_resource", "name": "one",
      "provider": "provider[\"registry.terraform.io/hashicorp/null\"]",
      "instances": [{{ "attributes": {{ "serial": 1 }} }}, {{ "attributes": {{}} }}]
    }}
  ],
  "check_results": null
}}
"#
    )
}

pub fn digest_of(content: &str) -> String {
    hex::encode(Md5::digest(content))
}

fn body(attributes: &Value) -> Value {
    json!({ "data": { "type": "state-versions", "attributes": attributes } })
}

/// As the command line announces a state before it uploads it.
fn announced(serial: i64, content: &str) -> Value {
    body(
        &json!({ "serial": serial, "md5": digest_of(content), "lineage": LINEAGE, "force": false }),
    )
}

/// As old command lines send it, all in one.
pub fn whole(serial: i64, content: &str) -> Value {
    let mut body = announced(serial, content);
    body["data"]["attributes"]["state"] = json!(STANDARD.encode(content));
    body
}

fn forced(mut body: Value) -> Value {
    body["data"]["attributes"]["force"] = json!(true);
    body
}

pub fn versions(ws: &Workspace) -> String {
    format!("/workspaces/{}/state-versions", ws.id)
}

pub async fn lock(client: &Client<'_>, ws: &Workspace) {
    client.post(format!("/workspaces/{}/actions/lock", ws.id), ()).await.is_ok();
}

/// Makes a state the workspace's current one.
pub async fn push(client: &Client<'_>, ws: &Workspace, serial: i64) {
    lock(client, ws).await;
    client.post(versions(ws), whole(serial, &state(serial, "blue"))).await.is_created();
    client.post(format!("/workspaces/{}/actions/unlock", ws.id), ()).await.is_ok();
}

/// Announces a state, whose content then is [`content_of`] the serial.
pub async fn announce(client: &Client<'_>, ws: &Workspace, serial: i64) -> Answer {
    lock(client, ws).await;
    client.post(versions(ws), announced(serial, &content_of(serial))).await.is_created()
}

pub fn content_of(serial: i64) -> String {
    state(serial, "blue")
}

fn url(answer: &Answer, name: &str) -> String {
    answer.attribute(name).as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

#[tokio::test]
async fn only_whoever_holds_the_lock_may_upload() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let content = state(1, "a");
    let unlocked = server.owner().post(versions(&ws), whole(1, &content)).await.is_conflict();
    assert!(unlocked.error().contains("only accept state uploads when"), "{unlocked}");
    lock(&server.admin_of(&ws), &ws).await;
    server.owner().post(versions(&ws), whole(1, &content)).await.is_conflict();
    server.reader(&ws).post(versions(&ws), whole(1, &content)).await.is_not_found();
    server.admin_of(&ws).post(versions(&ws), whole(1, &content)).await.is_created();
}

#[tokio::test]
async fn a_state_that_comes_whole_is_current_at_once() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let current = format!("/workspaces/{}/current-state-version", ws.id);
    owner.get(&current).await.is_not_found();
    lock(&owner, &ws).await;
    let content = state(0, "a");
    let made = owner.post(versions(&ws), whole(0, &content)).await.is_created();
    assert_eq!(made.attribute("status"), "finalized");
    assert_eq!(made.attribute("hosted-state-upload-url"), Value::Null);

    let shown = owner.get(&current).await.is_ok();
    assert_eq!(shown.id(), made.id());
    assert_eq!(shown.attribute("serial"), 0);
    assert_eq!(shown.attribute("size"), content.len());
    assert_eq!(shown.attribute("state-version"), 4);
    assert_eq!(shown.attribute("terraform-version"), "1.12.2");
    assert_eq!(shown.attribute("modules"), json!({ "root": { "null-resource": 2 } }));
    assert_eq!(shown.attribute("resources")[0]["count"], 2);
    assert_eq!(shown.related("created-by"), owner.user().await.id.to_string());

    let anyone = server.nobody();
    let address = url(&shown, "hosted-state-download-url");
    let download = anyone.get(&address).await.is_ok();
    assert_eq!(download.text(), content);
    assert_eq!(download.header("content-length"), content.len().to_string());
    let head = anyone.raw(Method::HEAD, &address, "").await.is_ok();
    assert_eq!(head.header("content-length"), content.len().to_string());
    let by_id = format!("/state-versions/{}/download", made.id());
    assert_eq!(owner.get(&by_id).await.is_ok().text(), content);
    anyone.get(&by_id).await.is_unauthorized();

    let ws = owner.get(format!("/workspaces/{}", ws.id)).await.is_ok();
    assert_eq!(ws.attribute("resource-count"), 2);
    assert_eq!(ws.related("current-state-version"), made.id());
}

#[tokio::test]
async fn a_state_of_megabytes_comes_whole_with_its_other_form_wherever_they_stand() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    let content = state(0, &"long ".repeat(1 << 19));
    let (state, json_state) = (STANDARD.encode(&content), STANDARD.encode("{}"));
    let text = format!(
        r#"{{"data":{{"attributes":{{"state":"{state}","json-state":"{json_state}",
            "json-state-outputs":"","md5":"{}","serial":0}},"type":"state-versions"}}}}"#,
        digest_of(&content),
    );
    let made =
        owner.raw(Method::POST, format!("/api/v2{}", versions(&ws)), text).await.is_created();
    assert_eq!(made.attribute("size"), content.len());
    let anyone = server.nobody();
    assert_eq!(anyone.get(url(&made, "hosted-state-download-url")).await.is_ok().text(), content);
    assert_eq!(anyone.get(url(&made, "hosted-json-state-download-url")).await.is_ok().text(), "{}");
}

#[tokio::test]
async fn an_announced_state_is_current_once_it_is_uploaded() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let (owner, uploader) = (server.owner(), server.nobody());
    lock(&owner, &ws).await;
    let content = state(1, "a");
    let made = owner.post(versions(&ws), announced(1, &content)).await.is_created();
    assert_eq!(made.attribute("status"), "pending");
    assert_eq!(made.attribute("hosted-state-download-url"), Value::Null);
    let unlock = format!("/workspaces/{}/actions/unlock", ws.id);
    let early = owner.post(&unlock, ()).await.has_status(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(early.error().contains("latest state version is still pending"), "{early}");

    let json_url = url(&made, "hosted-json-state-upload-url");
    let state_url = url(&made, "hosted-state-upload-url");
    uploader.put(&state_url, state(1, "b")).await.is_unprocessable("/data/attributes/md5");
    // As the command line does it, and once more on a lost answer.
    let json = || uploader.put(&json_url, r#"{"format_version":"1.0"}"#);
    let raw = || uploader.put(&state_url, content.clone());
    let (first, second, third) = tokio::join!(raw(), json(), raw());
    for answer in [first, second, third, raw().await, json().await] {
        answer.is_ok();
    }
    uploader.put(&state_url, state(1, "b")).await.is_conflict();
    uploader.put(&json_url, "{}").await.is_conflict();

    let shown = owner.get(format!("/state-versions/{}", made.id())).await.is_ok();
    assert_eq!(shown.attribute("status"), "finalized");
    assert_eq!(shown.attribute("hosted-state-upload-url"), Value::Null);
    let json = uploader.get(url(&shown, "hosted-json-state-download-url")).await.is_ok();
    assert_eq!(json.json(), json!({ "format_version": "1.0" }));
    let state = uploader.get(url(&shown, "hosted-state-download-url")).await.is_ok();
    assert_eq!(state.text(), content);
    owner.post(&unlock, ()).await.is_ok();
}

#[tokio::test]
async fn a_state_follows_only_on_a_lower_serial_of_its_lineage() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    let (current, other) = (state(5, "a"), state(5, "b"));
    let first = owner.post(versions(&ws), whole(5, &current)).await.is_created();

    let fork = owner.post(versions(&ws), whole(5, &other)).await.is_conflict();
    assert!(fork.error().contains("md5"), "{fork}");
    owner.post(versions(&ws), announced(5, &other)).await.is_conflict();
    owner.post(versions(&ws), whole(4, &state(4, "a"))).await.is_conflict();
    let mut foreign = whole(6, &state(6, "a"));
    foreign["data"]["attributes"]["lineage"] = json!("another");
    let refused = owner.post(versions(&ws), &foreign).await.is_conflict();
    assert!(refused.error().contains("lineage"), "{refused}");

    let again = owner.post(versions(&ws), whole(5, &current)).await.is_created();
    assert_eq!(again.id(), first.id());
    let again = owner.post(versions(&ws), announced(5, &current)).await.is_created();
    assert_eq!(again.id(), first.id());
    server.nobody().put(url(&again, "hosted-state-upload-url"), current.clone()).await.is_ok();

    for body in [whole(5, &other), whole(4, &state(4, "a")), foreign] {
        let taken = owner.post(versions(&ws), forced(body)).await.is_created();
        assert_ne!(taken.id(), first.id());
    }
    let all = owner.get(versions(&ws)).await.is_ok();
    assert_eq!(all.attributes("serial"), [6, 4, 5, 5]);
    let kept = owner.get(format!("/state-versions/{}/download", first.id())).await.is_ok();
    assert_eq!(kept.text(), current);
}

#[tokio::test]
async fn the_same_state_under_another_lock_is_a_version_of_its_own() {
    let server = Server::start().await;
    server.stop_clock();
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    push(&owner, &ws, 5).await;
    server.pass(std::time::Duration::from_secs(1));
    push(&owner, &ws, 5).await;
    let all = owner.get(versions(&ws)).await.is_ok();
    assert_eq!(all.attributes("serial"), [5, 5]);
    let current = owner.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_ok();
    assert_eq!(current.data()["id"], all.data()[0]["id"]);
}

#[tokio::test]
async fn a_newer_announcement_supersedes_an_older_one() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    let content = state(1, "a");
    let first = owner.post(versions(&ws), announced(1, &content)).await.is_created();
    let second = owner.post(versions(&ws), announced(1, &content)).await.is_created();
    assert_ne!(first.id(), second.id());
    let uploader = server.nobody();
    uploader.put(url(&first, "hosted-state-upload-url"), content.clone()).await.is_conflict();
    uploader.put(url(&first, "hosted-json-state-upload-url"), "{}").await.is_conflict();
    uploader.put(url(&second, "hosted-state-upload-url"), content).await.is_ok();
    let discarded = owner.get(format!("{}?filter[status]=discarded", versions(&ws))).await.is_ok();
    assert_eq!(discarded.data().as_array().unwrap().len(), 1);
    assert_eq!(discarded.data()[0]["id"], first.id());
}

#[tokio::test]
async fn a_forced_unlock_gives_up_what_was_announced() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    let content = state(1, "a");
    let made = owner.post(versions(&ws), announced(1, &content)).await.is_created();
    owner.post(format!("/workspaces/{}/actions/force-unlock", ws.id), ()).await.is_ok();
    server.nobody().put(url(&made, "hosted-state-upload-url"), content).await.is_conflict();
    owner.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_not_found();
}

#[tokio::test]
async fn a_sensitive_output_is_not_shown_among_the_current_ones() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let outputs = format!("/workspaces/{}/current-state-version-outputs", ws.id);
    assert_eq!(owner.get(&outputs).await.is_ok().data(), json!([]));
    lock(&owner, &ws).await;
    let made = owner.post(versions(&ws), whole(1, &state(1, "a"))).await.is_created();

    let reader = server.reader(&ws);
    let list = reader.get(&outputs).await.is_ok();
    assert_eq!(list.attributes("name"), ["big", "mark", "password"]);
    assert_eq!(list.attributes("type"), ["number", "string", "array"]);
    assert_eq!(list.attributes("value")[1..], [json!("a"), Value::Null]);
    assert_eq!(list.attributes("detailed-type")[2], json!(["list", "string"]));
    assert!(list.text().contains("12345678901234567890.5"), "{list}");
    let id = list.data()[2]["id"].as_str().unwrap().to_owned();
    let one = format!("/state-version-outputs/{id}");
    assert_eq!(reader.get(&one).await.is_ok().attribute("value"), json!(["a-secret"]));
    server.member().get(&one).await.is_not_found();

    let of_version = format!("/state-versions/{}/outputs", made.id());
    let listed = reader.get(&of_version).await.is_ok();
    assert_eq!(listed.attributes("value")[1..], [json!("a"), json!(["a-secret"])]);
    let included = reader.get(format!("/workspaces/{}?include=outputs", ws.id)).await.is_ok();
    assert_eq!(included.json()["included"][2]["type"], "workspace-outputs");
    assert!(!included.text().contains("a-secret"));
    let path = format!("/workspaces/{}/current-state-version?include=outputs,created_by", ws.id);
    let included = reader.get(path).await.is_ok();
    assert_eq!(included.json()["included"].as_array().unwrap().len(), 4, "{included}");
    assert!(!included.text().contains("a-secret"));
}

#[tokio::test]
async fn going_back_is_a_new_state_with_the_next_serial() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    let old = owner.post(versions(&ws), whole(1, &state(1, "old"))).await.is_created();
    owner.post(versions(&ws), whole(7, &state(7, "new"))).await.is_created();
    let back = json!({ "data": { "type": "state-versions", "relationships": {
        "rollback-state-version": { "data": { "type": "state-versions", "id": old.id() } } } } });
    let made = owner.patch(versions(&ws), &back).await.is_created();
    assert_eq!(made.attribute("serial"), 8);
    assert_eq!(made.related("rollback-state-version"), old.id());
    let content = owner.get(format!("/state-versions/{}/download", made.id())).await.is_ok();
    assert_eq!(content.text(), state(8, "old"));
    assert_eq!(made.attribute("md5"), digest_of(&state(8, "old")));

    owner.post(format!("/workspaces/{}/actions/unlock", ws.id), ()).await.is_ok();
    owner.patch(versions(&ws), &back).await.is_conflict();
    owner
        .patch(versions(&ws), json!({ "data": { "type": "state-versions" } }))
        .await
        .is_unprocessable("/data/relationships/rollback-state-version");
}

#[tokio::test]
async fn states_are_listed_by_the_names_of_their_workspace() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    for serial in 1..=3 {
        owner.post(versions(&ws), whole(serial, &state(serial, "a"))).await.is_created();
    }
    let names = "filter[workspace][name]=networking&filter[organization][name]=acme";
    let page = owner.get(format!("/state-versions?{names}&page[size]=2")).await.is_ok();
    assert_eq!(page.attributes("serial"), [3, 2]);
    assert_eq!(page.json()["meta"]["pagination"]["total-count"], 3);
    server.foreigner().get(format!("/state-versions?{names}")).await.is_not_found();
    owner.get("/state-versions?filter[workspace][name]=networking").await.is_bad_request();
    server.nobody().get(format!("/state-versions?{names}")).await.is_unauthorized();
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_stored() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    let content = state(1, "a");
    let before = server.row_counts().await;
    let with = |name: &str, value: Value| {
        let mut body = whole(1, &content);
        body["data"]["attributes"][name] = value;
        body
    };
    let cases = [
        (with("serial", Value::Null), "/data/attributes/serial"),
        (with("serial", json!(-1)), "/data/attributes/serial"),
        (with("serial", json!("one")), "/data/attributes/serial"),
        (with("md5", Value::Null), "/data/attributes/md5"),
        (with("md5", json!("xyz")), "/data/attributes/md5"),
        (with("md5", json!(digest_of("other"))), "/data/attributes/md5"),
        (with("state", json!("%%%")), "/data/attributes/state"),
        (with("state", json!({ "version": 4 })), "/data/attributes/state"),
        (with("json-state", json!("%%%")), "/data/attributes/json-state"),
        (with("json-state", json!(STANDARD.encode("no JSON"))), "/data/attributes/json-state"),
        (whole(1, "not a state"), "/data/attributes/state"),
        (whole(1, "{\"version\": 4}"), "/data/attributes/state"),
    ];
    for (body, pointer) in cases {
        owner.post(versions(&ws), body).await.is_unprocessable(pointer);
    }
    let mut unknown_run = whole(1, &content);
    unknown_run["data"]["relationships"] =
        json!({ "run": { "data": { "type": "runs", "id": "run-abcdefghijkmnopq" } } });
    owner.post(versions(&ws), unknown_run).await.is_unprocessable("/data/relationships/run");
    assert_eq!(server.row_counts().await, before);
    // Files are stored before the rest of the document is known.
    assert_eq!(server.count_blobs(Blob::State).await, 0);
    assert_eq!(server.count_blobs(Blob::JsonState).await, 0);
}

#[tokio::test]
async fn an_upload_that_is_no_state_leaves_the_version_pending() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    let made = owner.post(versions(&ws), announced(1, "not a state")).await.is_created();
    let put = server.nobody().put(url(&made, "hosted-state-upload-url"), "not a state").await;
    put.is_unprocessable("/data/attributes/state");
    let json = server.nobody().put(url(&made, "hosted-json-state-upload-url"), "{").await;
    json.is_unprocessable("/data/attributes/json-state");
    for kind in [Blob::State, Blob::JsonState] {
        assert_eq!(server.count_blobs(kind).await, 0);
    }
    let shown = owner.get(format!("/state-versions/{}", made.id())).await.is_ok();
    assert_eq!(shown.attribute("status"), "pending");
    owner.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_not_found();
}

#[tokio::test]
async fn an_address_is_good_for_one_purpose_and_a_day() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let (owner, anyone) = (server.owner(), server.nobody());
    lock(&owner, &ws).await;
    server.stop_clock();
    let content = state(1, "a");
    let made = owner.post(versions(&ws), announced(1, &content)).await.is_created();
    let upload = url(&made, "hosted-state-upload-url");
    anyone.get(&upload).await.is_not_found();
    anyone.put(format!("{upload}x"), content.clone()).await.is_not_found();
    anyone.put("/_archivist/v1/object/forged", content.clone()).await.is_not_found();
    server.bearer("no token of ours").put(&upload, content.clone()).await.is_ok();
    let shown = owner.get(format!("/state-versions/{}", made.id())).await.is_ok();
    let download = url(&shown, "hosted-state-download-url");
    anyone.put(&download, content).await.is_not_found();
    server.pass(Duration::from_hours(24));
    anyone.get(&download).await.is_ok();
    server.pass(Duration::from_hours(2));
    anyone.get(&download).await.is_not_found();
}

#[tokio::test]
async fn a_log_is_read_from_any_byte_while_it_grows() {
    use domain::archivist::{Content, address};
    let server = Server::start().await;
    let id = PlanId::fresh();
    let log = address(&server.system(), Content::Log, &id);
    let anyone = server.nobody();
    let read = async |query: &str| anyone.get(format!("{log}{query}")).await.is_ok();
    assert_eq!(read("?limit=65536&offset=0").await.text(), "");
    assert_eq!(read("").await.text(), "");

    server.append_log(id.as_str(), 0, "\x02first\n").await;
    assert_eq!(read("?limit=65536&offset=0").await.text(), "\x02first\n");
    server.append_log(id.as_str(), 7, "second\n\x03").await;
    let rest = read("?limit=65536&offset=7").await;
    assert_eq!(rest.text(), "second\n\x03");
    assert_eq!(rest.header("content-length"), "8");
    assert!(rest.header("content-type").starts_with("text/plain"));
    assert_eq!(read("?limit=3&offset=1").await.text(), "fir");
    assert_eq!(read("?limit=65536&offset=15").await.text(), "");
    assert_eq!(read("?limit=65536&offset=999").await.text(), "");
    assert_eq!(read("").await.text(), "\x02first\nsecond\n\x03");
    assert_eq!(read("?offset=8").await.text(), "econd\n\x03");
}

#[tokio::test]
async fn the_resources_of_a_workspace_are_read_from_its_state() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let path = format!("/workspaces/{}/resources", ws.id);
    assert_eq!(owner.get(&path).await.is_ok().data(), json!([]));
    let content = json!({
        "version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": LINEAGE, "outputs": {},
        "resources": [
            { "mode": "managed", "type": "aws_s3_bucket_public_access_block", "name": "this",
              "module": "module.media_bucket",
              "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
              "instances": [{ "index_key": 0, "attributes": {} }] },
            { "mode": "managed", "type": "null_resource", "name": "each",
              "provider": "provider[\"registry.terraform.io/hashicorp/null\"]",
              "instances": [{ "index_key": "b" }, { "index_key": "a" }] },
            { "mode": "data", "type": "null_data_source", "name": "read",
              "provider": "provider[\"registry.terraform.io/hashicorp/null\"]",
              "instances": [{}] },
        ],
    })
    .to_string();
    lock(&owner, &ws).await;
    owner.post(versions(&ws), whole(1, &content)).await.is_created();
    let listed = owner.get(&path).await.is_ok();
    assert_eq!(
        listed.attributes("address"),
        [
            "media_bucket.aws_s3_bucket_public_access_block.this[0]",
            "null_resource.each[\"a\"]",
            "null_resource.each[\"b\"]",
        ]
    );
    assert_eq!(listed.attributes("module"), ["media_bucket", "root", "root"]);
    assert_eq!(listed.attributes("name-index"), ["0", "a", "b"]);
    let first = &listed.data()[0];
    assert_eq!(first["attributes"]["provider"], "hashicorp/aws");
    assert_eq!(first["attributes"]["name"], "this");
    let again = owner.get(&path).await.is_ok();
    assert_eq!(again.data()[0]["id"], first["id"]);
    let beyond = owner.get(format!("{path}?page[number]=999")).await.is_ok();
    assert_eq!(beyond.data(), json!([]));
    assert_eq!(beyond.json()["meta"]["pagination"]["total-count"], 3);
    server.member().get(&path).await.is_not_found();
}

#[tokio::test]
async fn damaged_content_is_said_to_be_damaged_and_never_half_answered() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    // Many pieces, of which only the last is damaged.
    for (serial, mark) in [(1, "small".to_owned()), (2, "large".repeat(60_000))] {
        let content = state(serial, &mark);
        let made = owner.post(versions(&ws), whole(serial, &content)).await.is_created();
        let address = url(&made, "hosted-state-download-url");
        assert_eq!(server.nobody().get(&address).await.is_ok().text(), content);
        server.damage_blob(testkit::Blob::State, &made.id()).await;
        let path = format!("/state-versions/{}/download", made.id());
        for refused in [server.nobody().get(&address).await, owner.get(path).await] {
            assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR, "{refused}");
            assert_eq!(refused.json()["errors"][0]["title"], protocol::DAMAGED);
        }
    }
}

#[tokio::test]
async fn a_state_whose_content_is_gone_is_said_to_be_damaged_and_not_unknown() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    let made = owner.post(versions(&ws), whole(1, &state(1, "lost"))).await.is_created();
    let address = url(&made, "hosted-state-download-url");
    server.lose_blob(testkit::Blob::State, &made.id()).await;
    let path = format!("/state-versions/{}/download", made.id());
    let resources = format!("/workspaces/{}/resources", ws.id);
    for refused in
        [server.nobody().get(&address).await, owner.get(path).await, owner.get(resources).await]
    {
        assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR, "{refused}");
        assert_eq!(refused.json()["errors"][0]["title"], protocol::DAMAGED);
    }
}

#[tokio::test]
async fn a_state_that_was_lost_is_stored_anew_by_whoever_brings_it_once_more() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    lock(&owner, &ws).await;
    let content = state(1, "lost");
    let made = owner.post(versions(&ws), whole(1, &content)).await.is_created();
    let download = format!("/state-versions/{}/download", made.id());

    server.lose_blob(Blob::State, &made.id()).await;
    let again = owner.post(versions(&ws), whole(1, &content)).await.is_created();
    assert_eq!(again.id(), made.id());
    assert_eq!(owner.get(&download).await.is_ok().text(), content);

    server.lose_blob(Blob::State, &made.id()).await;
    let announced = owner.post(versions(&ws), announced(1, &content)).await.is_created();
    assert_eq!(announced.id(), made.id());
    let uploader = server.nobody();
    let address = url(&announced, "hosted-state-upload-url");
    uploader.put(&address, "another").await.is_unprocessable("/data/attributes/md5");
    uploader.put(&address, content.clone()).await.is_ok();
    assert_eq!(owner.get(&download).await.is_ok().text(), content);
    assert_eq!(server.count_blobs(Blob::State).await, 1);
}

#[tokio::test]
async fn a_state_of_format_3_shows_outputs_and_resources() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let content = json!({
        "version": 3, "terraform_version": "0.11.14", "serial": 1, "lineage": LINEAGE,
        "modules": [
            {
                "path": ["root"],
                "outputs": { "address": { "sensitive": false, "type": "string", "value": "10.0.0.1" } },
                "resources": {
                    "null_resource.each.0": { "type": "null_resource", "provider": "provider.null", "primary": { "id": "1" } },
                    "null_resource.each.1": { "type": "null_resource", "provider": "provider.null" },
                    "data.null_data_source.read": { "type": "null_data_source", "provider": "provider.null" },
                },
            },
            {
                "path": ["root", "net"], "outputs": {},
                "resources": { "null_resource.one": { "type": "null_resource", "provider": "provider.null" } },
            },
        ],
    })
    .to_string();
    lock(&owner, &ws).await;
    let made = owner.post(versions(&ws), whole(1, &content)).await.is_created();
    let version = owner.get(format!("/state-versions/{}?include=outputs", made.id())).await.is_ok();
    assert_eq!(version.json()["included"][0]["attributes"]["value"], "10.0.0.1");
    let counted: Vec<_> = version.attribute("resources").as_array().unwrap().clone();
    assert_eq!(counted.len(), 3, "{version}");
    let listed = owner.get(format!("/workspaces/{}/resources", ws.id)).await.is_ok();
    assert_eq!(
        listed.attributes("address"),
        ["net.null_resource.one", "null_resource.each[0]", "null_resource.each[1]"]
    );
    assert_eq!(
        owner.get(format!("/workspaces/{}", ws.id)).await.is_ok().attribute("resource-count"),
        3
    );
}
