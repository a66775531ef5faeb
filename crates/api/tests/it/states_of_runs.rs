//! The states that a run saves while it applies.

use bytes::Bytes;
use domain::{
    Ctx, Error, can,
    row::{Run, StateVersion, Workspace},
    states,
};
use futures::stream;
use serde_json::json;
use testkit::Server;

use crate::agent::Agent;

fn state(serial: i64, mark: &str) -> String {
    format!(
        r#"{{"version":4,"serial":{serial},"lineage":"one","outputs":{{}},"resources":[],"m":"{mark}"}}"#
    )
}

async fn save(cx: &Ctx, run: &Run, content: &str) -> domain::Result<StateVersion> {
    let pieces = content.as_bytes().chunks(7).map(Bytes::copy_from_slice);
    let pieces: Vec<_> = pieces.map(Ok::<_, std::io::Error>).collect();
    states::save_from_run(cx, run, stream::iter(pieces), true).await
}

/// A run that has left the queue, and so holds the lock.
pub async fn running(server: &Server, ws: &Workspace) -> Run {
    let owner = server.owner();
    Agent::register(server).await;
    let new = json!({ "data": { "type": "configuration-versions",
        "attributes": { "auto-queue-runs": false } } });
    let path = format!("/workspaces/{}/configuration-versions", ws.id);
    let configuration = owner.post(path, new).await.is_created();
    let upload = configuration.attribute("upload-url").as_str().unwrap().to_owned();
    server.nobody().put(upload, &b"\x1f\x8b\x08\0\0\0\0\0\0\0"[..]).await.is_ok();
    let relation = |kind: &str, id: &str| json!({ "data": { "type": kind, "id": id } });
    let run = json!({ "data": { "type": "runs", "relationships": {
        "workspace": relation("workspaces", ws.id.as_str()),
        "configuration-version": relation("configuration-versions", &configuration.id()),
    } } });
    let id = owner.post("/runs", run).await.is_created().id();
    server.advance().await;
    let cx = owner.cx().await;
    let found = domain::runs::find(&cx, &id.parse().unwrap()).await.unwrap();
    cx.check::<can::ReadRun, _>(found).unwrap().row.clone()
}

#[tokio::test]
async fn a_run_saves_each_newer_state_once() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let run = running(&server, &ws).await;
    let cx = server.system();
    let first = save(&cx, &run, &state(1, "a")).await.unwrap();
    assert!(first.intermediate);
    let second = save(&cx, &run, &state(2, "b")).await.unwrap();
    assert_eq!(second.run_id, Some(run.id.clone()));
    assert_eq!(save(&cx, &run, &state(2, "b")).await.unwrap().id, second.id);
    assert_eq!(save(&cx, &run, &state(1, "late")).await.unwrap().id, second.id);
    let fork = save(&cx, &run, &state(2, "c")).await.unwrap_err();
    assert!(matches!(fork, Error::Conflict(_)), "{fork}");
    let broken = save(&cx, &run, &state(3, "d")[..40]).await.unwrap_err();
    assert!(matches!(broken, Error::Invalid { .. }), "{broken}");

    let owner = server.owner();
    let current = owner.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_ok();
    assert_eq!(current.id(), second.id.to_string());
    assert_eq!(current.related("run"), run.id.to_string());
    let content = owner.get(format!("/state-versions/{}/download", second.id)).await.is_ok();
    assert_eq!(content.text(), state(2, "b"));
    let all = owner.get(format!("/workspaces/{}/state-versions", ws.id)).await.is_ok();
    assert_eq!(all.attributes("serial"), [2, 1]);
}

#[tokio::test]
async fn nobody_else_writes_state_while_a_run_is_under_way_and_the_run_not_after_it() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let run = running(&server, &ws).await;
    let owner = server.owner();
    let body = json!({ "data": { "type": "state-versions", "attributes": {
        "serial": 1, "md5": "0".repeat(32), "lineage": "one" } } });
    owner.post(format!("/workspaces/{}/state-versions", ws.id), body).await.is_conflict();

    owner.post(format!("/runs/{}/actions/cancel", run.id), ()).await.is_accepted();
    server.advance().await;
    let late = save(&server.system(), &run, &state(1, "a")).await.unwrap_err();
    assert!(matches!(late, Error::Conflict(_)), "{late}");
    owner.get(format!("/workspaces/{}/current-state-version", ws.id)).await.is_not_found();
}

#[tokio::test]
async fn an_encrypted_state_of_a_run_may_be_written_again_under_its_serial() {
    let server = Server::start().await;
    let ws = server.workspace("networking").await;
    let run = running(&server, &ws).await;
    let cx = server.system();
    let sealed = |serial: i64, data: &str| {
        format!(
            r#"{{"serial":{serial},"lineage":"one","meta":{{}},"encrypted_data":"{data}","encryption_version":"v0"}}"#
        )
    };
    save(&cx, &run, &sealed(2, "first")).await.unwrap();
    let last = save(&cx, &run, &sealed(2, "last")).await.unwrap();
    let content = server.owner().get(format!("/state-versions/{}/download", last.id)).await;
    assert_eq!(content.is_ok().text(), sealed(2, "last"));
    let older = save(&cx, &run, &sealed(1, "older")).await.unwrap();
    assert_eq!(older.id, last.id);
    let nameless = r#"{"meta":{},"encrypted_data":"x","encryption_version":"v0"}"#;
    let refused = save(&cx, &run, nameless).await.unwrap_err();
    assert!(matches!(refused, Error::Invalid { .. }), "{refused}");
}
