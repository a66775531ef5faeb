//! `/configuration-versions`, and the archives that belong to them

use domain::{configurations, id::ConfigurationVersionId};
use serde_json::{Value, json};
use testkit::{Answer, Client, Server};

/// The shortest gzip there is.
const ARCHIVE: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
const OTHER_ARCHIVE: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0";

fn body(attributes: Value) -> Value {
    json!({ "data": { "type": "configuration-versions", "attributes": attributes } })
}

fn by_hand() -> Value {
    body(json!({ "auto-queue-runs": false }))
}

async fn announce(client: &Client<'_>, workspace: &str, attributes: Value) -> Answer {
    let path = format!("/workspaces/{workspace}/configuration-versions");
    client.post(path, attributes).await.is_created()
}

fn upload_url(announced: &Answer) -> String {
    announced.attribute("upload-url").as_str().unwrap().to_owned()
}

async fn current(server: &Server, workspace: &str) -> Value {
    let workspace = server.owner().get(format!("/workspaces/{workspace}")).await.is_ok();
    workspace.related("current-configuration-version")
}

#[tokio::test]
async fn an_archive_is_uploaded_without_a_token_and_downloaded_again() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let planner = server.planner(&ws);
    let announced = announce(&planner, ws.id.as_str(), by_hand()).await;
    assert_eq!(announced.attribute("status"), "pending");
    assert_eq!(announced.attribute("source"), "tfe-api");
    assert_eq!(announced.attribute("speculative"), false);
    let path = format!("/configuration-versions/{}", announced.id());
    planner.get(format!("{path}/download")).await.is_not_found();

    let url = upload_url(&announced);
    assert!(url.starts_with(server.url()), "{announced}");
    assert!(server.nobody().put(&url, ARCHIVE).await.status.is_success());
    let uploaded = planner.get(&path).await.is_ok();
    assert_eq!(uploaded.attribute("status"), "uploaded");
    assert!(uploaded.attribute("status-timestamps")["uploaded-at"].is_string(), "{uploaded}");
    assert_eq!(current(&server, ws.id.as_str()).await, announced.id());

    let archive = server.reader(&ws).get(format!("{path}/download")).await.redirects();
    let downloaded = server.nobody().get(archive).await.is_ok();
    assert_eq!(downloaded.bytes(), ARCHIVE);
}

#[tokio::test]
async fn only_who_announced_it_is_told_where_the_archive_goes() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let announced = announce(&server.planner(&ws), ws.id.as_str(), by_hand()).await;
    let secret = upload_url(&announced);
    let one = server.owner().get(format!("/configuration-versions/{}", announced.id())).await;
    assert_eq!(one.attribute("upload-url"), Value::Null);
    let list = format!("/workspaces/{}/configuration-versions", ws.id);
    assert!(!server.owner().get(list).await.is_ok().text().contains(&secret));
}

#[tokio::test]
async fn another_archive_may_come_until_a_run_uses_the_first() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let announced = announce(&server.planner(&ws), ws.id.as_str(), by_hand()).await;
    let url = upload_url(&announced);
    let nobody = server.nobody();
    let stored = async || {
        let download = format!("/configuration-versions/{}/download", announced.id());
        let archive = server.reader(&ws).get(download).await.redirects();
        nobody.get(archive).await.is_ok().bytes().to_vec()
    };
    nobody.put(&url, ARCHIVE).await.is_ok();
    nobody.put(&url, ARCHIVE).await.is_ok();
    nobody.put(&url, OTHER_ARCHIVE).await.is_ok();
    assert_eq!(stored().await, OTHER_ARCHIVE);
    nobody.put(&url, "PK").await.is_unprocessable("/data");
    assert_eq!(stored().await, OTHER_ARCHIVE);
    assert_eq!(current(&server, ws.id.as_str()).await, announced.id());

    let of_ws = json!({ "workspace": { "data": { "type": "workspaces", "id": ws.id } } });
    let run = json!({ "data": { "type": "runs", "attributes": {}, "relationships": of_ws } });
    server.owner().post("/runs", run).await.is_created();
    nobody.put(&url, OTHER_ARCHIVE).await.is_ok();
    nobody.put(&url, ARCHIVE).await.is_conflict();
    assert_eq!(stored().await, OTHER_ARCHIVE);
}

#[tokio::test]
async fn an_older_configuration_keeps_its_archive() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let older = announce(&server.planner(&ws), ws.id.as_str(), by_hand()).await;
    let newer = announce(&server.planner(&ws), ws.id.as_str(), by_hand()).await;
    for announced in [&older, &newer] {
        server.nobody().put(upload_url(announced), ARCHIVE).await.is_ok();
    }
    server.nobody().put(upload_url(&older), OTHER_ARCHIVE).await.is_conflict();
    assert_eq!(current(&server, ws.id.as_str()).await, newer.id());
}

#[tokio::test]
async fn what_is_no_gzip_is_refused_for_good() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    for wrong in [&b"PK\x03\x04"[..], b"", b"\x1f"] {
        let announced = announce(&server.planner(&ws), ws.id.as_str(), by_hand()).await;
        let url = upload_url(&announced);
        server.nobody().put(&url, wrong).await.is_unprocessable("/data");
        let path = format!("/configuration-versions/{}", announced.id());
        let errored = server.reader(&ws).get(path).await.is_ok();
        assert_eq!(errored.attribute("status"), "errored");
        assert!(errored.attribute("error-message").is_string(), "{errored}");
        server.nobody().put(&url, ARCHIVE).await.is_conflict();
    }
    assert_eq!(current(&server, ws.id.as_str()).await, Value::Null);
}

#[tokio::test]
async fn an_upload_that_breaks_off_can_be_repeated() {
    use futures::stream;

    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let announced = announce(&server.planner(&ws), ws.id.as_str(), by_hand()).await;
    let id: ConfigurationVersionId = announced.id().parse().unwrap();
    let cx = server.system();
    let break_off = async |archive| {
        let broken = [
            Ok(bytes::Bytes::from_static(archive)),
            Err(std::io::Error::other("the line is dead")),
        ];
        let refused = configurations::receive(&cx, &id, stream::iter(broken)).await.unwrap_err();
        assert!(matches!(refused, domain::Error::BadRequest(_)), "{refused}");
    };
    break_off(ARCHIVE).await;
    let path = format!("/configuration-versions/{id}");
    assert_eq!(server.reader(&ws).get(&path).await.is_ok().attribute("status"), "pending");
    // In pieces of one byte, to be sure that nobody looks at the first piece only.
    let pieces = ARCHIVE.iter().map(|byte| Ok::<_, std::io::Error>(vec![*byte].into()));
    configurations::receive(&cx, &id, stream::iter(pieces)).await.unwrap();
    assert_eq!(server.reader(&ws).get(&path).await.is_ok().attribute("status"), "uploaded");
    // Another one that does not arrive takes nothing away.
    break_off(OTHER_ARCHIVE).await;
    assert_eq!(server.reader(&ws).get(&path).await.is_ok().attribute("status"), "uploaded");
    let archive = server.reader(&ws).get(format!("{path}/download")).await.redirects();
    assert_eq!(server.nobody().get(archive).await.is_ok().bytes(), ARCHIVE);
}

#[tokio::test]
async fn speculative_and_provisional_ones_do_not_become_current() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    for kind in ["speculative", "provisional"] {
        let attributes = body(json!({ "auto-queue-runs": false, kind: true }));
        let announced = announce(&server.planner(&ws), ws.id.as_str(), attributes).await;
        assert_eq!(announced.attribute(kind), true);
        assert!(server.nobody().put(upload_url(&announced), ARCHIVE).await.status.is_success());
    }
    assert_eq!(current(&server, ws.id.as_str()).await, Value::Null);
}

#[tokio::test]
async fn the_source_is_who_announced_it() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let planner = server.planner(&ws);
    let cloud = planner
        .clone()
        .with("terraform-version", "1.12.2")
        .with("x-terraform-integration", "cloud");
    let remote = planner.with("terraform-version", "1.0.3");
    for (client, source) in [(cloud, "terraform+cloud"), (remote, "terraform")] {
        let announced = announce(&client, ws.id.as_str(), by_hand()).await;
        assert_eq!(announced.attribute("source"), source);
    }
}

#[tokio::test]
async fn the_newest_are_listed_first() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    server.stop_clock();
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.insert(0, json!(announce(&server.planner(&ws), ws.id.as_str(), by_hand()).await.id()));
        server.pass(std::time::Duration::from_secs(1));
    }
    let path = format!("/workspaces/{}/configuration-versions?page[size]=2", ws.id);
    let list = server.reader(&ws).get(path).await.is_ok();
    let listed: Vec<Value> =
        list.data().as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    assert_eq!(listed, ids[..2]);
    assert_eq!(list.json()["meta"]["pagination"]["total-count"], 3);
}

#[tokio::test]
async fn a_run_is_queued_once_however_often_the_archive_comes() {
    use domain::entity::run;
    use testkit::sea_orm::EntityTrait;

    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let planner = server.planner(&ws);
    let announced = announce(&planner, ws.id.as_str(), body(json!({}))).await;
    assert_eq!(announced.attribute("auto-queue-runs"), true);
    for _ in 0..2 {
        let answer = server.nobody().put(upload_url(&announced), ARCHIVE).await;
        assert!(answer.status.is_success(), "{answer}");
    }
    let runs = run::Entity::find().all(server.db.read()).await.unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].configuration_version_id.as_ref().unwrap().as_str(), announced.id());
    assert_eq!(runs[0].created_by_id, Some(planner.user().await.id));
}

#[tokio::test]
async fn a_configuration_cannot_be_uploaded_by_a_forged_or_old_address() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    server.stop_clock();
    let announced = announce(&server.planner(&ws), ws.id.as_str(), by_hand()).await;
    let url = upload_url(&announced);
    let last = url.chars().last().unwrap();
    let forged = format!("{}{}", &url[..url.len() - 1], if last == 'A' { 'B' } else { 'A' });
    server.nobody().put(&forged, ARCHIVE).await.is_not_found();
    server.pass(std::time::Duration::from_hours(26));
    server.nobody().put(&url, ARCHIVE).await.is_not_found();
}

#[tokio::test]
async fn an_archive_that_is_not_current_any_more_is_discarded() {
    let server = Server::start().await;
    let (owner, ws) = (server.owner(), server.workspace("networking").await);
    let first = crate::runs::upload(&owner, &ws, false).await;
    let archive = async |id: &str| {
        owner.post(format!("/configuration-versions/{id}/actions/archive"), ()).await
    };
    let refused = archive(&first).await.has_status(http::StatusCode::CONFLICT);
    let words = "transition not allowed: configuration could not be archived because it is current";
    assert!(refused.error().contains(words), "{refused}");
    let second = crate::runs::upload(&owner, &ws, false).await;
    archive(&first).await.is_accepted();
    let shown = owner.get(format!("/configuration-versions/{first}")).await.is_ok();
    assert_eq!(shown.attribute("status"), "archived");
    assert!(shown.attribute("status-timestamps")["archived-at"].is_string());
    owner.get(format!("/configuration-versions/{first}/download")).await.is_not_found();
    archive(&first).await.has_status(http::StatusCode::CONFLICT);
    let mut run = crate::runs::run(&ws, json!({}));
    run["data"]["relationships"]["configuration-version"] =
        json!({ "data": { "type": "configuration-versions", "id": first } });
    let refused = owner.post("/runs", run).await;
    refused.is_unprocessable("/data/relationships/configuration-version");
    owner.get(format!("/configuration-versions/{second}/download")).await.redirects();
    server
        .planner(&ws)
        .post(format!("/configuration-versions/{second}/actions/archive"), ())
        .await
        .is_not_found();
}

#[tokio::test]
async fn a_run_that_a_configuration_asks_for_has_the_rights_of_whoever_announced_it_at_the_upload()
{
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let owner = server.owner();
    let change = json!({ "data": { "type": "workspaces", "attributes": { "auto-apply": true } } });
    owner.patch(format!("/workspaces/{}", ws.id), change).await.is_ok();
    let asks = || body(json!({ "auto-queue-runs": true }));
    let runs = async || owner.get(format!("/workspaces/{}/runs", ws.id)).await.is_ok();
    for (caller, applies) in
        [(server.team_token(&ws), true), (server.writer(&ws), true), (server.planner(&ws), false)]
    {
        let announced = announce(&caller, ws.id.as_str(), asks()).await;
        let upload = server.nobody().put(upload_url(&announced), ARCHIVE).await;
        assert!(upload.status.is_success(), "{upload}");
        assert_eq!(runs().await.attributes("auto-apply")[0], applies, "{announced}");
    }

    // What the team may do meanwhile is what counts, and not what it might when it announced.
    let team = server.team_token(&ws);
    let access =
        owner.get(format!("/team-workspaces?filter[workspace][id]={}", ws.id)).await.is_ok();
    let accesses: Vec<String> = access
        .data()
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["attributes"]["access"] == "write")
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    let announced = announce(&team, ws.id.as_str(), asks()).await;
    let plan = json!({ "data": { "type": "team-workspaces", "attributes": { "access": "plan" } } });
    for id in &accesses {
        owner.patch(format!("/team-workspaces/{id}"), plan.clone()).await.is_ok();
    }
    let upload = server.nobody().put(upload_url(&announced), OTHER_ARCHIVE).await;
    assert!(upload.status.is_success(), "{upload}");
    assert_eq!(runs().await.attributes("auto-apply")[0], false);

    let announced = announce(&team, ws.id.as_str(), asks()).await;
    for id in &accesses {
        owner.delete(format!("/team-workspaces/{id}")).await.is_no_content();
    }
    let before = runs().await.data().as_array().unwrap().len();
    server.nobody().put(upload_url(&announced), ARCHIVE).await.is_not_found();
    assert_eq!(runs().await.data().as_array().unwrap().len(), before);
}
